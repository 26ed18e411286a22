"""What a run has come to, read beside the daemon that works on it: plain values for a terminal or as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from observer.adapters import jobfiles
from observer.adapters.lock import holder_of
from observer.adapters.store import FactName, Store
from observer.core.clock import iso
from observer.core.errors import ResultInvalid
from observer.core.layout import RunLayout
from observer.core.models import DaemonState, Digest, Evaluation, EvaluationResult, Job, JobKind, ParkedFile, Progress


class Bulletin:
    """Keeps what the daemon says of itself on disk, where it has changed."""

    def __init__(self) -> None:
        self._said: dict[Path, DaemonState] = {}

    def say(self, layout: RunLayout, state: DaemonState) -> None:
        """Write it for the commands that look at this run.

        Raises:
            OSError: the disk is full or not writable; the next call tries again.
        """
        if self._said.get(layout.daemon) != state:
            jobfiles.write(layout.daemon, state)
            self._said[layout.daemon] = state


def status(layout: RunLayout) -> Mapping[str, Any]:
    """The state of an output folder.

    Returns:
        `output`; `daemon` (process id or None); `paused` (since when, or None); `asked` (requests that wait for a
        daemon); `ended` (why training is taken to be over, or None); `final` (since when all of it is done); `queue` and `renderings` (state -> jobs); `running` (a mapping a job
        with `progress` games done and total); `parked` (path, word, sentence); `evaluations` (how many are
        committed); `last_result` (step, scenario, wins, episodes, finished_at, directory, clips) or None; `results`
        (the same of the newest checkpoint of each plan).

    Raises:
        StoreError: nothing was ever observed into this folder, or a newer observer did it.
    """
    with Store(layout.database, read_only=True) as store:
        evaluations = store.evaluations()
        return {
            "output": str(layout.output),
            "daemon": (daemon := holder_of(layout.lock)),
            "paused": None if (paused := store.facts.get(FactName.PAUSED)) is None else iso(paused.since),
            "asked": [command.kind.value for command in store.requests.waiting()],
            "ended": None if (ended := store.facts.get(FactName.ENDED)) is None else ended.value,
            "final": None if (final := store.facts.get(FactName.FINAL)) is None else iso(final.since),
            "problems": [asdict(problem) for problem in _state(layout, daemon).problems],
            "queue": {state.value: number for state, number in store.counts(JobKind.EVALUATE).items()},
            "renderings": {state.value: number for state, number in store.counts(JobKind.RENDER).items()},
            "running": [_running(layout, job) for job in store.running()],
            "parked": [_parked(file) for file in store.parked()],
            "evaluations": len(evaluations),
            "last_result": _result(layout, evaluations[-1]) if evaluations else None,
            "results": [_result(layout, newest) for newest in _newest(evaluations, store.plans())],
        }


def _state(layout: RunLayout, daemon: int | None) -> DaemonState:
    """What a daemon that runs says of itself; what a former one left behind does not count."""
    silent = DaemonState(pid=daemon or 0, started_at=0.0)
    try:
        said = jobfiles.read(DaemonState, layout.daemon)
    except ResultInvalid:
        return silent
    return said if said.pid == daemon else silent


def _running(layout: RunLayout, job: Job) -> Mapping[str, Any]:
    try:
        progress = jobfiles.read(Progress, layout.job(job.id, job.attempt).progress)
    except ResultInvalid:  # the worker has not begun to tell
        done, total, frames = 0, len(job.plan.seeds), 0
    else:
        done, total, frames = progress.done, progress.total, progress.frames
    return {
        "job": job.id,
        "kind": job.kind.value,
        "step": job.checkpoint.step,
        "scenario": job.plan.scenario.name,
        "attempt": job.attempt,
        "done": done,
        "total": total,
        "frames": frames,
    }


def _newest(evaluations: Sequence[Evaluation], plans: Sequence[Digest]) -> list[Evaluation]:
    """The evaluation of the furthest trained checkpoint of each plan."""
    newest = {entry.plan_digest: entry for entry in sorted(evaluations, key=lambda entry: entry.checkpoint.step)}
    return [newest[plan] for plan in plans if plan in newest]


def _parked(file: ParkedFile) -> Mapping[str, Any]:
    return {"path": file.path, "word": file.word, "sentence": file.sentence, "seen_at": iso(file.seen_at)}


def _result(layout: RunLayout, evaluation: Evaluation) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "step": evaluation.checkpoint.step,
        "scenario": evaluation.scenario,
        "finished_at": iso(evaluation.finished_at),
        "directory": str(evaluation.directory),
        "clips": len(evaluation.clips),
    }
    try:
        result = jobfiles.read(EvaluationResult, layout.output / evaluation.directory / "result.json")
    except ResultInvalid as error:
        return {**found, "problem": str(error)}
    return {**found, "wins": result.summary.wins, "episodes": result.summary.episodes}
