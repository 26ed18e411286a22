"""Figures as people read them: steps, percentages, intervals, changes. Pure; always a full stop for decimals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from env.options import Scenario
from observer.core.clock import iso
from observer.core.models import Estimate, Evaluation, EvaluationPlan, Outcome

#: by the words that files use, whichever of the enumeration or its text is at hand
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.WIN: "won",
    Outcome.LOSS: "lost",
    Outcome.DRAW: "draw",
    Outcome.TIMEOUT: "timed out",
}
MINUS: Final = "\N{MINUS SIGN}"
_UNITS: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))


def signed(text: str) -> str:
    """With a real minus sign instead of a hyphen."""
    return text.replace("-", MINUS)


def short_steps(steps: float) -> str:
    """`100k`, `1.25M`: what an axis has room for."""
    for size, unit in _UNITS:
        if abs(steps) >= size:
            return f"{steps / size:.6g}{unit}"
    return f"{steps:.6g}"


def long_steps(steps: int) -> str:
    """`1,250,000`."""
    return f"{steps:,}"


def percent(share: float) -> str:
    """`73%`; a share that is not quite none or all does not read as if it were."""
    rounded = round(100 * share)
    if rounded == 0 and share > 0:
        return "<1%"
    if rounded == 100 and share < 1:  # noqa: PLR2004 -- per cent
        return ">99%"
    return f"{rounded}%"


def percent_interval(share: Estimate) -> str:
    """`64-81%`, with an en dash."""
    return f"{round(100 * share.low)}\N{EN DASH}{round(100 * share.high)}%"


def number(value: float) -> str:
    """Three digits that say something: `0.25`, `13.4`, `212`."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2  # noqa: PLR2004 -- three digits in all
    return signed(f"{round(value, digits) + 0.0:,.{digits}f}")


def short_number(value: float) -> str:
    """The same without the zeros at its end: what an axis has room for."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval(estimate: Estimate) -> str:
    """`3.1 to 3.8`: with words, since either end may be negative."""
    return f"{number(estimate.low)} to {number(estimate.high)}"


def minutes(seconds: float) -> str:
    """`1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


_MODES: Final = {"1p": "One player", "2p": "Two players", "vs_cpu": "Against the machine"}


def plan_title(plan: EvaluationPlan) -> str:
    """The scenario's title, and that actions are drawn where they are."""
    drawn = "" if plan.policy_mode == "deterministic" else ", actions drawn"
    return f"{scenario_title(plan.scenario)}{drawn}"


def scenario_title(scenario: Scenario) -> str:
    """`One player, level 0, medium speed`."""
    side = {1: "", 2: ", as player 2", "both": ", on both sides"}[scenario.side]
    length = ", match to three" if scenario.length == "match" else ""
    speed = {"low": "low", "med": "medium", "hi": "high"}[scenario.speed]
    return f"{_MODES[scenario.mode]}{side}{length}, level {scenario.level}, {speed} speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How much more a checkpoint wins than an earlier one on the same games."""

    #: `+8`, in percentage points
    points: str
    #: `+1 to +15`
    interval: str
    #: step of the earlier checkpoint
    since: str
    #: up, down or flat: what the interval allows to say
    direction: str
    verdict: str


_VERDICTS: Final = {"up": "clearly better", "down": "clearly worse", "flat": "may be chance"}


def _points(share: float) -> str:
    return signed(f"{round(100 * share):+d}") if round(100 * share) else "0"


def change(difference: Estimate, *, since: int) -> Change:
    """The words for a paired difference of win rates."""
    direction = "up" if difference.low > 0 else "down" if difference.high < 0 else "flat"
    return Change(
        points=_points(difference.value),
        interval=f"{_points(difference.low)} to {_points(difference.high)}",
        since=long_steps(since),
        direction=direction,
        verdict=_VERDICTS[direction],
    )


def dropped(evaluation: Evaluation) -> str:
    """Which clips made room for others, and how to have one again; empty: none did."""
    lost = evaluation.dropped
    if not lost:
        return ""
    named = ", ".join(f"{clip.highlight.reason} (seed {clip.highlight.seed})" for clip in lost)
    again = f"observer render {evaluation.checkpoint.step} --seed {lost[0].highlight.seed}"
    return f"Dropped to keep within the quota: {named}. `{again}` makes it again."


def moment(unix_seconds: float) -> str:
    """`2026-01-02 03:04`, in UTC."""
    return iso(unix_seconds)[:16].replace("T", " ")
