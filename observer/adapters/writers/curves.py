"""The report's learning curves: what is drawn of the checkpoints of a plan, and of the reference players beside them. Pure."""

from collections.abc import Callable, Sequence

from observer.adapters.writers import Published, charts, figures
from observer.core.models import Estimate, Summary
from observer.core.reference import Reference


def of(entries: Sequence[Published], references: Sequence[Reference]) -> tuple[charts.Chart, ...]:
    """Games won, and viruses cleared; the entries come in the order of their steps."""
    won = _levels(references, lambda summary: summary.win_rate, _percent)
    cleared = _levels(references, lambda summary: summary.viruses_cleared, _number)
    highest = max([entry.summary.viruses_cleared.high for entry in entries] + [level.y.high for level in cleared])
    return (
        charts.curve(
            [_point(entry, entry.summary.win_rate, _percent(entry.summary.win_rate, "won")) for entry in entries],
            title="Games won",
            axis=charts.value_axis(1.0),
            word=figures.percent,
            levels=won,
        ),
        charts.curve(
            [
                _point(entry, entry.summary.viruses_cleared, _number(entry.summary.viruses_cleared, "viruses a game"))
                for entry in entries
            ],
            title="Viruses cleared a game",
            axis=charts.value_axis(highest),
            word=figures.short_number,
            levels=cleared,
        ),
    )


def _point(entry: Published, estimate: Estimate, words: str) -> charts.Point:
    step = entry.evaluation.checkpoint.step
    return charts.Point(x=step, y=estimate, title=f"step {figures.long_steps(step)}: {words}")


def _percent(rate: Estimate, unit: str = "") -> str:
    return f"{figures.percent(rate.value)}{unit and ' ' + unit}, {figures.percent_interval(rate)}"


def _number(value: Estimate, unit: str = "") -> str:
    return f"{figures.number(value.value)}{unit and ' ' + unit}, {figures.interval(value)}"


def _levels(
    references: Sequence[Reference], estimate: Callable[[Summary], Estimate], words: Callable[[Estimate], str]
) -> tuple[charts.Level, ...]:
    return tuple(
        charts.Level(name=f"{one.player} player", y=estimate(one.summary), words=words(estimate(one.summary)))
        for one in references
    )
