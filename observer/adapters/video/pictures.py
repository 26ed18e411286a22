"""One picture: enlarged, as a PNG file, and in the colours that are encoded."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from observer.adapters.video.formats import Picture, telling
from observer.core.encoding import PixelAspect
from observer.files import write_whole

#: Width of a shown pixel by its height.
_WIDTHS: Final[dict[PixelAspect, float]] = {"square": 1.0, "8:7": 8 / 7}

#: From blue, green, red and 1 to Y, and to U and V, by BT.709 in limited range.
_TO_LUMA: Final = np.array([[0.062007, 0.614231, 0.182586, 16.0]], np.float32)
_TO_CHROMA: Final = np.array(
    [[0.439216, -0.338572, -0.100644, 128.0], [-0.040274, -0.398942, 0.439216, 128.0]], np.float32
)


def enlarged(picture: Picture, scale: int) -> Picture:
    """Each pixel as a square of `scale` by `scale`."""
    if scale == 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST), np.uint8)


def shown_width(width: int, pixel_aspect: PixelAspect) -> int:
    """How wide a player shows so many pixels."""
    return round(width * _WIDTHS[pixel_aspect])


def write_png(path: Path, picture: Picture, *, pixel_aspect: PixelAspect = "square") -> None:
    """Write the picture as it is shown, whole or not at all: without loss where pixels are square.

    Raises:
        RenderError: the folder cannot be written.
    """
    width = shown_width(picture.shape[1], pixel_aspect)
    with telling(path.name):
        shown = cv2.resize(picture, (width, picture.shape[0])) if width != picture.shape[1] else picture
        write_whole(path, cv2.imencode(".png", shown)[1].tobytes())


def planes(picture: Picture) -> npt.NDArray[np.uint8]:
    """The picture as one array of Y, U and V rows; a colour is the mean of its four pixels, so that none is lost."""
    height, width = picture.shape[:2]
    luma = cv2.transform(picture, _TO_LUMA)
    quarter = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = np.moveaxis(cv2.transform(quarter, _TO_CHROMA), 2, 0)
    return np.concatenate([luma, chroma.reshape(-1, width)])
