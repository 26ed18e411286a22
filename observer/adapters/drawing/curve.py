"""The learning curve below a time-lapse: all checkpoints up to one, and a cursor that comes to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observer.adapters.drawing.canvas import BACK, COOL, FAINT, GROOVE, WARM, Canvas, Picture
from observer.core.models import Estimate
from observer.core.timelapse import round_end

#: Of a strip at scale 1, below a picture of the same width.
WIDTH: Final = 256
HEIGHT: Final = 96
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 246, 28, 80
_UNITS: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A checkpoint on the curve."""

    step: int
    win_rate: Estimate


class Curve:
    """Draws the strip of one checkpoint, the last of `marks`, which come by step."""

    def __init__(self, marks: Sequence[Mark], *, scale: int = 1) -> None:
        self._marks = tuple(marks)
        self._end = round_end(self._marks[-1].step)
        self._scale = scale
        self._still: Picture | None = None
        self._last: tuple[float, Picture] | None = None

    def draw(self, way: float) -> Picture:
        """(HEIGHT * scale, WIDTH * scale, 3).

        Args:
            way: of the cursor, from 0 at the checkpoint before to 1 at this one.
        """
        if self._last is None or self._last[0] != way:
            self._last = way, self._drawn(way)
        return self._last[1]

    def _drawn(self, way: float) -> Picture:
        if self._still is None:
            self._still = self._without_cursor()
        canvas = Canvas(self._still.copy(), self._scale)
        before, now = self._marks[-2:] if len(self._marks) > 1 else (self._marks[-1],) * 2
        start, end = self._at(before), self._at(now)
        here = start[0] + (end[0] - start[0]) * way, start[1] + (end[1] - start[1]) * way
        canvas.line([start, here], WARM, 2)
        canvas.line([(here[0], _TOP), (here[0], _BOTTOM)], WARM)
        canvas.disc(here, 4, WARM)
        return canvas.picture

    def _without_cursor(self) -> Picture:
        canvas = Canvas.blank(WIDTH, HEIGHT, scale=self._scale)
        now = self._marks[-1]
        canvas.text("step", 8, 18, colour=FAINT)
        canvas.text(f"{now.step:,}", 44, 18)
        canvas.text(f"{round(100 * now.win_rate.value)}%", 214, 18, to_left=True, colour=WARM)
        canvas.text("won", WIDTH - 8, 18, colour=FAINT, to_left=True)
        for share in (0.0, 0.5, 1.0):
            y = self._height(share)
            canvas.line([(_LEFT, y), (_RIGHT, y)], GROOVE)
            canvas.text(f"{round(100 * share)}", _LEFT - 4, y + 4, colour=FAINT, size=0.35, to_left=True)
        canvas.text("0", _LEFT, HEIGHT - 4, colour=FAINT, size=0.35)
        canvas.text(short_steps(self._end), _RIGHT, HEIGHT - 4, colour=FAINT, size=0.35, to_left=True)
        self._draw_past(canvas)
        return canvas.picture

    def _draw_past(self, canvas: Canvas) -> None:
        """Every checkpoint before this one, with its interval."""
        past = self._marks[:-1]
        for mark in past:
            x = self._at(mark)[0]
            canvas.line([(x, self._height(mark.win_rate.low)), (x, self._height(mark.win_rate.high))], GROOVE, 2)
        canvas.line([self._at(mark) for mark in past], COOL, 2)
        radius = 2.5 if len(past) < 30 else 1.5  # noqa: PLR2004 -- dots that touch are a line
        for mark in past:
            canvas.disc(self._at(mark), radius, COOL)

    def _at(self, mark: Mark) -> tuple[float, float]:
        return _LEFT + (_RIGHT - _LEFT) * mark.step / self._end, self._height(mark.win_rate.value)

    @staticmethod
    def _height(share: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * share


def short_steps(steps: int) -> str:
    """`100k`, `2M`: what there is room for."""
    for size, unit in _UNITS:
        if steps >= size:
            return f"{steps / size:.3g}{unit}"
    return str(steps)


def badge(picture: Picture, words: str, *, is_good: bool) -> Picture:
    """A copy of the picture, dimmed, with words across its middle: how something ended."""
    canvas = Canvas((picture * 0.45).astype(picture.dtype), 1)
    height, width = picture.shape[:2]
    canvas.box((0, height / 2 - 13), (width, 26), COOL if is_good else GROOVE)
    canvas.text(words, 8, height / 2 + 5, colour=BACK if is_good else FAINT)
    return canvas.picture


def labelled(picture: Picture, words: str, *, height: int) -> Picture:
    """The picture below a line of words."""
    canvas = Canvas.blank(picture.shape[1], picture.shape[0] + height, scale=1)
    canvas.text(words, 6, height - 6)
    canvas.picture[height:] = picture
    return canvas.picture
