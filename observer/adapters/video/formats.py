"""What pictures and sound are here, and the library's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.codec.codec import UnknownCodecError

from env.game import FRAMES_PER_SECOND
from observer.core.errors import EncoderMissing, RenderError

FRAME_RATE: Final = FRAMES_PER_SECOND
SAMPLE_RATE: Final = 48_000
#: Of Mednafen's own pictures.
PICTURE_WIDTH: Final = 256
PICTURE_HEIGHT: Final = 224

Picture = npt.NDArray[np.uint8]
"""(height, width, 3), blue, green, red; both sides even."""

Samples = npt.NDArray[np.int16]
"""(samples,), one channel at 48 kHz."""


@contextmanager
def telling(name: str) -> Iterator[None]:
    """What the libraries raise within, as a RenderError about the file `name`."""
    try:
        yield
    except UnknownCodecError as error:
        raise EncoderMissing(
            f"this PyAV has no encoder for {error}: install PyAV's own wheel (pip install av)"
        ) from error
    except (av.FFmpegError, OSError, cv2.error) as error:
        raise RenderError(f"{name}: the video library cannot do it ({error}); free disk space or try again") from error
