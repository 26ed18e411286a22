"""What is in a recording or a clip, decoded in full: for short ones."""

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from observer.adapters.video import ClipWriter, Encoded
from observer.adapters.video.recording import recorded
from observer.core.encoding import USUAL, Encoding


def encode(recording: Path, clip: Path, *, frames: int, encoding: Encoding = USUAL) -> Encoded:
    """The first frames of a recording as a clip."""
    with ClipWriter(clip, width=256, height=224, encoding=encoding) as writer:
        for picture, samples in recorded(recording, frames=frames):
            writer.add_picture(picture)
            writer.add_sound(samples)
        return writer.finish()


def pictures(path: Path) -> npt.NDArray[np.uint8]:
    """(frames, height, width, 3), blue, green, red."""
    with av.open(str(path)) as file:
        return np.stack([np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in file.decode(video=0)])


def sound(path: Path) -> npt.NDArray[np.float64]:
    """(samples,), from -1 to 1."""
    with av.open(str(path)) as file:
        blocks = [np.asarray(frame.to_ndarray()) for frame in file.decode(audio=0)]
    whole = np.concatenate(blocks, axis=1)[0]
    return np.asarray(whole / (32768 if whole.dtype == np.int16 else 1), np.float64)


def boxes(path: Path) -> list[str]:
    """The names of an MP4's outermost boxes, in their order."""
    data, names, position = path.read_bytes(), [], 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        names.append(data[position + 4 : position + 8].decode("ascii"))
        position += size or len(data)
    return names


def png(path: Path) -> npt.NDArray[np.uint8]:
    """(height, width, 3), blue, green, red."""
    return np.asarray(cv2.imread(str(path)), np.uint8)
