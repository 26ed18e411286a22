"""Charts as geometry: values in, coordinates and labels out; the template draws them.

Pure. Coordinates are units of the drawing's view box, y downwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from observer.adapters.writers.figures import short_steps
from observer.core.models import Estimate

WIDTH: Final = 440
HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 428, 16, 222
#: up to this many points each has its own whisker; beyond, the band says it
_WHISKERS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: float
    y: Estimate
    #: shown when a pointer rests on it
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A value that does not change with the steps, such as what a reference player comes to."""

    name: str
    y: Estimate
    #: the value with its interval
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMark:
    """A level across the chart."""

    name: str
    words: str
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A curve with its interval, ready to be drawn."""

    title: str
    #: the curve in one sentence, for people who do not see it
    description: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str
    band: str
    marks: tuple[Mark, ...]
    radius: float
    whiskers: bool
    #: the newest value, written beside its mark
    label: str
    levels: tuple[LevelMark, ...] = ()
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A range of values laid along a range of coordinates."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def nice_ticks(low: float, high: float, *, most: int) -> tuple[float, ...]:
    """At most `most` round values from low to high: multiples of 1, 2 or 5 times a power of ten."""
    wide = (high - low) / max(most - 1, 1)
    power = 10.0 ** floor(log10(wide))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= wide * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return tuple(round(number * step, 9) for number in range(first, last + 1))


def step_axis(steps: Sequence[float]) -> Axis:
    """Training steps from left to right; from 0 unless all lie far from it."""
    low, high = min(steps), max(steps)
    low = 0.0 if low <= high / 2 or low == high else low
    return Axis(low=low, high=max(high, low + 1), start=_LEFT, end=_RIGHT - 10)


def value_axis(highest: float) -> Axis:
    """Values from 0 at the bottom to a round one at the top."""
    high = max(highest, 1e-9)
    ticks = nice_ticks(0.0, high, most=5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high
    return Axis(low=0.0, high=ceil(high / step - 1e-9) * step, start=_BOTTOM, end=_TOP)


def curve(
    points: Sequence[Point], *, title: str, axis: Axis, word: Callable[[float], str], levels: Sequence[Level] = ()
) -> Chart:
    """The chart of at least one point, which come in the order of their x.

    Args:
        points: what is drawn.
        title: the heading.
        axis: of the values.
        word: how a value reads.
        levels: drawn across, named in words.
    """
    along = step_axis([point.x for point in points])
    marks = tuple(_mark(point, along, axis) for point in points)
    return Chart(
        title=title,
        description=_description(points, word),
        x_ticks=tuple(Tick(at=along.at(x), label=short_steps(x)) for x in nice_ticks(along.low, along.high, most=6)),
        y_ticks=tuple(Tick(at=axis.at(y), label=word(y)) for y in nice_ticks(axis.low, axis.high, most=6)),
        line=_polyline([(mark.x, mark.y) for mark in marks]),
        band=_polyline([(m.x, m.high) for m in marks] + [(m.x, m.low) for m in reversed(marks)]),
        marks=marks,
        radius=max(1.5, min(4.0, 120 / len(marks))),
        whiskers=len(marks) <= _WHISKERS,
        label=word(points[-1].y.value),
        levels=tuple(_level(level, axis) for level in levels),
    )


def _mark(point: Point, along: Axis, axis: Axis) -> Mark:
    estimate = point.y
    return Mark(
        x=along.at(point.x),
        y=axis.at(estimate.value),
        low=axis.at(estimate.low),
        high=axis.at(estimate.high),
        title=point.title,
    )


def _level(level: Level, axis: Axis) -> LevelMark:
    return LevelMark(
        name=level.name,
        words=level.words,
        y=axis.at(level.y.value),
        low=axis.at(level.y.low),
        high=axis.at(level.y.high),
    )


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _description(points: Sequence[Point], word: Callable[[float], str]) -> str:
    first, last = points[0], points[-1]
    if len(points) == 1:
        return f"{word(last.y.value)} at step {short_steps(last.x)}"
    return (
        f"from {word(first.y.value)} at step {short_steps(first.x)} to {word(last.y.value)} at step {short_steps(last.x)}, "
        f"{len(points)} checkpoints"
    )
