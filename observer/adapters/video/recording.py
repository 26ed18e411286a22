"""Mednafen's own recording, read: each frame's picture with the sound that belongs to it.

Owns the exact cut. The sound of a whole recording is in memory (6 MB a minute), so recordings are kept short.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer

from observer.adapters.video.formats import SAMPLE_RATE, Picture, Samples, telling
from observer.core.errors import RenderError

#: Mednafen records one picture before the first frame that is stepped; its sound is that frame's, and shorter than others.
_FRAMES_BEFORE: Final = 1


def recorded(recording: Path, *, frames: int) -> Iterator[tuple[Picture, Samples]]:
    """The frames that were stepped, from the first to the last, and nothing of what Mednafen played alone afterwards.

    Raises:
        RenderError: the file is broken, or holds fewer frames.
    """
    with telling(recording.name), av.open(str(recording)) as source:
        _require_both(source, name=recording.name)
        starts, sound = _starts(source), _sound(recording)
        if len(starts) - _FRAMES_BEFORE < frames:
            raise RenderError(
                f"{recording.name}: it holds {len(starts) - _FRAMES_BEFORE} frames where {frames} were played; "
                "record it again"
            )
        source.seek(0)
        bounds = [*starts, sound.size][_FRAMES_BEFORE:]
        for picture, first, last in zip(_pictures(source, frames=frames), bounds, bounds[1:], strict=False):
            yield picture, sound[first:last]


def _require_both(source: InputContainer, *, name: str) -> None:
    if not source.streams.video or not source.streams.audio:
        raise RenderError(f"{name}: a recording has pictures and sound, this file lacks one of them")
    sound = source.streams.audio[0]
    if (sound.rate, sound.channels) != (SAMPLE_RATE, 1):
        raise RenderError(f"{name}: its sound has {sound.channels} channels at {sound.rate} Hz, not 1 at {SAMPLE_RATE}")


def _starts(source: InputContainer) -> list[int]:
    """At which sample each picture appears: the recorder counts time in samples."""
    video = source.streams.video[0]
    samples = (video.time_base or Fraction(0)) * SAMPLE_RATE
    return [round(packet.pts * samples) for packet in source.demux(video) if packet.pts is not None]


def _sound(recording: Path) -> Samples:
    with av.open(str(recording)) as source:
        blocks = [frame.to_ndarray()[0] for frame in source.decode(audio=0)]
    return np.concatenate([np.zeros(0, np.int16), *blocks])


def _pictures(source: InputContainer, *, frames: int) -> Iterator[Picture]:
    source.streams.video[0].codec_context.thread_count = 1
    for index, frame in enumerate(source.decode(video=0)):
        if index >= frames + _FRAMES_BEFORE:
            return
        if index >= _FRAMES_BEFORE:
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
