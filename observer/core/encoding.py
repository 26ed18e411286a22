"""How clips are made: what a person may choose of it, and how long they are."""

from dataclasses import dataclass
from typing import Final, Literal

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]
"""Of x264: the same picture in fewer bytes for more time, from left to right."""

PixelAspect = Literal["square", "8:7"]
"""A television showed the console's pixels wider than high."""

#: A second: so much longer than its last input a decided game is shown.
FRAMES_AFTER: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    #: a pixel becomes a square of so many a side
    scale: int = 1
    preset: Preset = "veryfast"
    #: 0 to 51: fewer bytes and worse pictures the higher
    crf: int = 20
    #: said in the file: the pixels stay as they are, the player stretches them
    pixel_aspect: PixelAspect = "square"


USUAL: Final = Encoding()
