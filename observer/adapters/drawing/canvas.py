"""What drawings are made with: a canvas in a measure of its own, and the colours of all of them. OpenCV draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""(height, width, 3), blue, green, red."""

Colour = tuple[int, int, int]

BACK: Final[Colour] = (30, 24, 20)
GROOVE: Final[Colour] = (58, 48, 42)
FAINT: Final[Colour] = (170, 158, 150)
TEXT: Final[Colour] = (245, 242, 240)
WARM: Final[Colour] = (60, 176, 255)
COOL: Final[Colour] = (226, 166, 84)
BAD: Final[Colour] = (92, 92, 235)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture that is drawn on in the measure of scale 1."""

    picture: Picture
    scale: int

    @classmethod
    def blank(cls, width: int, height: int, *, scale: int) -> "Canvas":
        return cls(np.full((height * scale, width * scale, 3), BACK, np.uint8), scale)

    def box(self, corner: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
        """A filled box; less than a pixel of it is nothing."""
        (left, top), (right, bottom) = corner, (corner[0] + size[0], corner[1] + size[1])
        x, y, to_x, to_y = (round(at * self.scale) for at in (left, top, right, bottom))
        self.picture[max(y, 0) : max(to_y, 0), max(x, 0) : max(to_x, 0)] = colour

    def disc(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        at = round(centre[0] * self.scale), round(centre[1] * self.scale)
        cv2.circle(self.picture, at, round(radius * self.scale), colour, -1, cv2.LINE_AA)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: int = 1) -> None:
        """Through points, in order."""
        path = np.array([(round(x * self.scale), round(y * self.scale)) for x, y in points], np.int32)
        cv2.polylines(
            self.picture, [path], isClosed=False, color=colour, thickness=width * self.scale, lineType=cv2.LINE_AA
        )

    def text(
        self, words: str, x: float, y: float, *, colour: Colour = TEXT, size: float = 0.5, to_left: bool = False
    ) -> None:
        """Its baseline at y, beginning at x, or ending there."""
        height = size * self.scale
        width = cv2.getTextSize(words, _FONT, height, self.scale)[0][0] if to_left else 0
        at = round(x * self.scale) - width, round(y * self.scale)
        cv2.putText(self.picture, words, at, _FONT, height, colour, self.scale, cv2.LINE_AA)

    def paragraph(self, words: str, x: float, y: float, *, width: float) -> None:
        """As many lines as it takes."""
        line = ""
        for word in (*words.split(), ""):
            longer = f"{line} {word}".strip()
            if word and cv2.getTextSize(longer, _FONT, 0.45, 1)[0][0] <= width:
                line = longer
                continue
            self.text(line, x, y, colour=FAINT, size=0.45)
            line, y = word, y + 16
