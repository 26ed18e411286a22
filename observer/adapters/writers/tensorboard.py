"""tensorboard/: the figures of each evaluation as scalars at the checkpoint's own step.

A run directory a scenario and plan. Its event file grows while steps go up. Checkpoints may be evaluated in any order,
and one of TensorBoard's two readers drops points when steps go back: then a new file, in the order of steps and under
a later name, takes over; its start event makes the other reader forget the earlier files.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from observer.adapters.writers import Publication, Published
from observer.core.layout import evaluation_name
from observer.files import write_whole

_EVENT_FILE: Final = re.compile(r"events\.out\.tfevents\.(\d{10})\.observer")
#: superseded event files that stay: a reader whose file vanishes before it has moved on never moves on
_KEPT: Final = 4


def scalars(published: Published) -> Mapping[str, float]:
    """What is written at an evaluation's step, by tag."""
    summary = published.summary
    return {
        "eval/win_rate": summary.win_rate.value,
        "eval/win_rate_low": summary.win_rate.low,
        "eval/win_rate_high": summary.win_rate.high,
        "eval/viruses_cleared_mean": summary.viruses_cleared.value,
        "eval/episode_length_mean": summary.episode_length.value,
        "eval/total_reward_mean": summary.total_reward.value,
        "eval/max_combo_mean": summary.max_combo.value,
        "eval/loss_rate": summary.losses / summary.episodes,
        "eval/draw_rate": summary.draws / summary.episodes,
        "eval/topped_out_rate": summary.topped_out / summary.episodes,
        "eval/timeout_rate": summary.timeouts / summary.episodes,
    }


def _events(evaluations: Sequence[Published]) -> Iterator[Any]:
    """The events of a file: its version, a start that makes readers forget earlier files, the figures."""
    from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415 -- 0.3 s that most commands never need

    first = evaluations[0].evaluation.finished_at
    yield event_pb2.Event(wall_time=first, file_version="brain.Event:2")
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    yield event_pb2.Event(wall_time=first, step=-1, session_log=start)
    for entry in evaluations:
        values = [summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(entry).items()]
        step, finished_at = entry.evaluation.checkpoint.step, entry.evaluation.finished_at
        yield event_pb2.Event(wall_time=finished_at, step=step, summary=summary_pb2.Summary(value=values))


def event_file(evaluations: Sequence[Published]) -> bytes:
    """The content of the event file of some evaluations, which come in the order of their steps."""
    from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415 -- as above

    content = io.BytesIO()
    records = RecordWriter(content)
    for event in _events(evaluations):
        records.write(event.SerializeToString(deterministic=True))
    return content.getvalue()


def _by_run(evaluations: Sequence[Published]) -> Mapping[str, list[Published]]:
    ordered = sorted(evaluations, key=lambda e: (e.evaluation.checkpoint.step, e.evaluation.finished_at))
    runs: dict[str, list[Published]] = {}
    for entry in ordered:
        name = evaluation_name(entry.evaluation.scenario, entry.evaluation.plan_digest)
        runs.setdefault(name, []).append(entry)
    return runs


def _own_files(folder: Path) -> list[Path]:
    """Our event files in a run directory, oldest first; files of others are left alone."""
    return sorted(path for path in folder.glob("events.out.tfevents.*") if _EVENT_FILE.fullmatch(path.name))


def _bring_up_to_date(folder: Path, content: bytes) -> None:
    """Append what is new; where the steps are not in order any more, write the next file.

    Equal evaluations give equal bytes, so a record that a crash tore in two is completed by the same rule.
    """
    files = _own_files(folder)
    present = files[-1].read_bytes() if files else None
    if present is not None and content.startswith(present):
        with files[-1].open("ab") as file:
            file.write(content[len(present) :])
        return
    number = int(_EVENT_FILE.sub(r"\1", files[-1].name)) + 1 if files else 1
    write_whole(folder / f"events.out.tfevents.{number:010d}.observer", content)
    for path in files[:-_KEPT]:
        path.unlink()


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """Keeps `tensorboard/<scenario>-<plan8>/`."""

    folder: Path

    @property
    def name(self) -> str:
        return "tensorboard"

    def stands(self) -> bool:
        return self.folder.is_dir()

    def write(self, publication: Publication) -> None:
        """See `Writer.write`; a run directory without news is not touched."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for run, evaluations in _by_run(publication.evaluations).items():
            _bring_up_to_date(self.folder / run, event_file(evaluations))
