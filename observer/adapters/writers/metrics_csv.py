"""metrics.csv: every episode of every committed evaluation, a row a game.

The leading columns are those that a training's own log of episodes has, so the two can be laid over each other. No
text from outside is in it, so no cell can be a spreadsheet's formula.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from observer.adapters.writers import Publication, Published
from observer.core.clock import iso
from observer.core.models import Episode
from observer.files import write_whole

COLUMNS: Final = (
    "timestamp",
    "episode",
    "timestep",
    "viruses_cleared",
    "max_combo",
    "topped_out",
    "episode_length",
    "total_reward",
    "outcome",
    "seed",
    "capsules",
    "frames",
    "checkpoint",
    "scenario",
    "plan",
)

#: what tells the rows of one evaluation from another's: timestamp, checkpoint, plan
Key = tuple[str, str, str]


def _key(published: Published) -> Key:
    evaluation = published.evaluation
    return iso(evaluation.finished_at), evaluation.checkpoint.digest[:8], evaluation.plan_digest[:8]


def _row(published: Published, episode: Episode) -> tuple[object, ...]:
    timestamp, checkpoint, plan = _key(published)
    return (
        timestamp,
        episode.index,
        published.evaluation.checkpoint.step,
        episode.viruses_cleared,
        episode.max_combo,
        episode.topped_out,
        episode.episode_length,
        episode.total_reward,
        episode.outcome,
        episode.seed,
        episode.capsules,
        episode.frames,
        checkpoint,
        published.evaluation.scenario,
        plan,
    )


def _text(rows: Sequence[tuple[object, ...]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()


def _blocks(text: str) -> Iterator[tuple[Key, int]]:
    """The evaluations a file holds, in its order, each with its number of rows."""
    rows = csv.DictReader(io.StringIO(text))
    keys = ((row["timestamp"], row["checkpoint"], row["plan"]) for row in rows)
    return ((key, sum(1 for _ in block)) for key, block in groupby(keys))


def _fitting(text: str, wanted: Sequence[tuple[Key, int]]) -> int | None:
    """How many of the wanted evaluations the text holds and nothing else; None where it does not fit."""
    if not text.startswith(",".join(COLUMNS) + "\n") or not text.endswith("\n"):
        return None
    try:
        held = list(_blocks(text))
    except csv.Error:
        return None
    return len(held) if held == list(wanted[: len(held)]) else None


@dataclass(frozen=True, slots=True)
class MetricsCsv:
    """Keeps `metrics.csv`: adds the rows of new evaluations, and writes it anew where it does not fit."""

    path: Path

    @property
    def name(self) -> str:
        return "metrics.csv"

    def stands(self) -> bool:
        return self.path.is_file()

    def write(self, publication: Publication) -> None:
        """See `Writer.write`; only new evaluations' episodes are read, and no reader ever sees half a row."""
        evaluations = publication.evaluations
        text = self._present()
        held = _fitting(text, [(_key(entry), entry.summary.episodes) for entry in evaluations])
        if held == len(evaluations):
            return
        if held is None:
            text, held = _text([COLUMNS]), 0
        added = [_row(entry, episode) for entry in evaluations[held:] for episode in publication.episodes(entry)]
        write_whole(self.path, text + _text(added))

    def _present(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""
