"""The panel beside a game: who plays, what it presses, what it thinks and what it has come to, drawn by OpenCV.

Draws one frame at a time from what it is told, and keeps nothing but the last one. Knows no game, policy or film.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from observer.adapters.drawing.canvas import BACK, BAD, COOL, FAINT, GROOVE, WARM, Canvas, Colour, Picture

#: Of a panel at scale 1, beside a game of the same height.
WIDTH: Final = 192
HEIGHT: Final = 224
_MARGIN: Final = 10

#: The buttons in the order of the console's shift register.
A, B, _SELECT, START, UP, DOWN, LEFT, RIGHT = (1 << bit for bit in range(8))
#: Choices up to so many have a bar each; more are cells of the field.
MOST_BARS: Final = 12
_COLUMNS: Final = 8
_ROTATIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What stays as it is through a game."""

    step: int
    seed: int
    #: a word for each choice of the policy, where a bar has one; else bars are numbered
    choices: tuple[str, ...] = ()
    #: why no policy is shown; empty: it is
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What the panel says of one frame."""

    pad: int
    viruses_left: int
    reward: float
    #: (choices,), of the last decision; None: no policy, or one that has none
    probabilities: npt.NDArray[np.float64] | None = None
    #: the policy's own estimate of the reward to come
    value: float | None = None


class Panel:
    """Draws the scenes of one game."""

    def __init__(self, card: Card, *, scale: int = 1) -> None:
        """`scale`: a pixel of the panel's measure becomes so many a side; text stays smooth."""
        self._card = card
        self._scale = scale
        self._last: tuple[Scene, Picture] | None = None
        self._reach = 1.0

    def draw(self, scene: Scene) -> Picture:
        """(HEIGHT * scale, WIDTH * scale, 3); the same picture again for the very same scene."""
        if self._last is None or self._last[0] is not scene:
            self._last = scene, self._drawn(scene)
        return self._last[1]

    def _drawn(self, scene: Scene) -> Picture:
        canvas = Canvas.blank(WIDTH, HEIGHT, scale=self._scale)
        rows = (
            ("step", f"{self._card.step:,}"),
            ("seed", str(self._card.seed)),
            ("viruses", str(scene.viruses_left)),
            ("reward", f"{scene.reward:+.2f}"),
        )
        for number, (word, value) in enumerate(rows):
            canvas.text(word, _MARGIN, 20 + 18 * number, colour=FAINT)
            canvas.text(value, WIDTH - _MARGIN, 20 + 18 * number, to_left=True)
        _draw_pad(canvas, scene.pad, top=82)
        if self._card.missing:
            canvas.paragraph(self._card.missing, _MARGIN, 146, width=WIDTH - 2 * _MARGIN)
            return canvas.picture
        self._draw_policy(canvas, scene)
        return canvas.picture

    def _draw_policy(self, canvas: Canvas, scene: Scene) -> None:
        if scene.probabilities is not None:
            if scene.probabilities.size <= MOST_BARS:
                _draw_bars(canvas, scene.probabilities, self._card.choices)
            else:
                _draw_field(canvas, scene.probabilities)
        if scene.value is not None:
            self._reach = max(self._reach, abs(scene.value))
            _draw_value(canvas, scene.value, reach=self._reach)


def _draw_pad(canvas: Canvas, pad: int, *, top: float) -> None:
    """The cross and the two buttons; what is held is lit."""
    side, left = 14, 28
    places = {UP: (1, 0), LEFT: (0, 1), RIGHT: (2, 1), DOWN: (1, 2)}
    canvas.box((left + side, top + side), (side, side), GROOVE)
    for button, (column, row) in places.items():
        at = left + column * side, top + row * side
        canvas.box((at[0] + 0.5, at[1] + 0.5), (side - 1, side - 1), WARM if pad & button else GROOVE)
    for button, letter, x in ((B, "B", 112), (A, "A", 146)):
        is_held = bool(pad & button)
        canvas.disc((x, top + 21), 13, WARM if is_held else GROOVE)
        canvas.text(letter, x - 5, top + 26, colour=BACK if is_held else FAINT)


def _draw_bars(canvas: Canvas, shares: npt.NDArray[np.float64], words: Sequence[str]) -> None:
    """A bar for each choice, the likeliest one lit."""
    height = min(12.0, 76 / shares.size)
    for number, share in enumerate(shares):
        y = 130 + number * height
        word = words[number] if number < len(words) else str(number)
        canvas.text(word, _MARGIN, y + height - 2, colour=FAINT, size=0.45 if height >= 11 else 0.35)  # noqa: PLR2004
        canvas.box((58, y + 1), (WIDTH - _MARGIN - 58, height - 2), GROOVE)
        colour = WARM if number == shares.argmax() else COOL
        canvas.box((58, y + 1), (float(share) * (WIDTH - _MARGIN - 58), height - 2), colour)


def _draw_field(canvas: Canvas, shares: npt.NDArray[np.float64]) -> None:
    """Where the capsule may go: 4 rotations by 8 columns, or 16 rows by 8 columns with the rotations added up."""
    if shares.size == _COLUMNS * _ROTATIONS:
        cells = shares.reshape(_COLUMNS, _ROTATIONS).T
    else:
        cells = shares.reshape(-1, _COLUMNS, _ROTATIONS).sum(axis=2)
    width, height = 20.0, 76 / len(cells)
    for row, entries in enumerate(cells):
        for column, share in enumerate(entries):
            at = 16 + column * width, 130 + row * height
            canvas.box((at[0] + 0.5, at[1] + 0.5), (width - 1, height - 1), _mixed(float(share)))
    if len(cells) == _ROTATIONS:
        for row in range(_ROTATIONS):
            _draw_capsule(canvas, 8, 130 + (row + 0.5) * height, is_upright=bool(row % 2))


def _draw_capsule(canvas: Canvas, x: float, y: float, *, is_upright: bool) -> None:
    width, height = (4, 9) if is_upright else (9, 4)
    canvas.box((x - width / 2, y - height / 2), (width, height), FAINT)


def _mixed(share: float) -> Colour:
    """From the groove to the light; the root shows what is small."""
    part = min(max(share, 0.0), 1.0) ** 0.5
    low, high = np.array(GROOVE), np.array(WARM)
    blue, green, red = (int(value) for value in low + (high - low) * part)
    return blue, green, red


def _draw_value(canvas: Canvas, value: float, *, reach: float) -> None:
    """To the right of the middle what is good, to the left what is not."""
    left, width, y = 58.0, WIDTH - _MARGIN - 58.0 - 42.0, 209.0
    canvas.text("value", _MARGIN, y + 9, colour=FAINT, size=0.45)
    canvas.box((left, y + 1), (width, 9), GROOVE)
    middle, length = left + width / 2, value / reach * width / 2
    canvas.box((min(middle, middle + length), y + 1), (abs(length), 9), COOL if value >= 0 else BAD)
    canvas.text(f"{value:+.1f}", WIDTH - _MARGIN, y + 9, size=0.45, to_left=True)
