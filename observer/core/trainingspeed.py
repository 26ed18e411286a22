"""How fast training is while we evaluate and while we do not, from the moments of its own log.

SB3's `time/fps` is an average since training began: a slow hour hardly shows in it. So the speed is taken between one
point of the log and the next. A stretch that was partly one and partly the other counts for neither.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from observer.core.daemonstate import TrainingSpeed

#: stretches of each kind without which a comparison would be guessing
ENOUGH: Final = 5
#: a stretch counts as evaluating, or as idle, where at least this share of it was
CLEAR_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class SpeedPoint:
    """Training had come to `step` at `moment` (Unix seconds)."""

    moment: float
    step: int


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, in Unix seconds."""

    begin: float
    end: float


def compare(points: Sequence[SpeedPoint], busy: Sequence[Span], *, since: float) -> TrainingSpeed | None:
    """Training's speed with and without workers beside it.

    Args:
        points: of one log, in its order; where steps or time go back, training was started anew.
        busy: when workers ran, in order and apart.
        since: what was before is not known to have been busy or idle.

    Returns:
        Medians in steps a second with the stretches that each rests on; None: nothing was logged since.
    """
    evaluating, idle = [], []
    for before, after in pairwise(points):
        if before.moment < since or after.moment <= before.moment or after.step <= before.step:
            continue
        speed = (after.step - before.step) / (after.moment - before.moment)
        share = _overlap(before.moment, after.moment, busy) / (after.moment - before.moment)
        if share >= CLEAR_SHARE:
            evaluating.append(speed)
        elif share <= 1 - CLEAR_SHARE:
            idle.append(speed)
    return _told(evaluating, idle) if evaluating or idle else None


def sentence(speed: TrainingSpeed) -> str:
    """What it comes to, for people."""
    said = ", ".join(
        f"{_steps(median_)} while {state} ({points} stretches of its log)"
        for state, median_, points in (
            ("evaluating", speed.evaluating, speed.evaluating_points),
            ("idle", speed.idle, speed.idle_points),
        )
    )
    if speed.slowdown is None:
        return f"{said}: not enough data to compare yet, {ENOUGH} of each are needed"
    return f"{said}: idle is {speed.slowdown:.2f} times as fast"


def _steps(speed: float | None) -> str:
    return "no figure" if speed is None else f"{speed:,.4g} steps/s"


def _overlap(begin: float, end: float, spans: Iterable[Span]) -> float:
    return sum(max(0.0, min(end, span.end) - max(begin, span.begin)) for span in spans)


def _told(evaluating: Sequence[float], idle: Sequence[float]) -> TrainingSpeed:
    enough = min(len(evaluating), len(idle)) >= ENOUGH
    return TrainingSpeed(
        evaluating=_rounded(median(evaluating)) if evaluating else None,
        evaluating_points=len(evaluating),
        idle=_rounded(median(idle)) if idle else None,
        idle_points=len(idle),
        slowdown=_rounded(median(idle) / median(evaluating)) if enough else None,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
