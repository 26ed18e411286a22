"""What a run has come to, read beside the daemon that works on it, and what that daemon says of itself.

Only reads the database, and waits for nobody.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from observer.adapters import dropped, jobfiles
from observer.adapters.lock import holder_of
from observer.adapters.store import FactName, Store
from observer.core.clock import SystemClock, iso
from observer.core.daemonstate import DaemonState, Problem
from observer.core.errors import ResultInvalid
from observer.core.holdings import Holding, holding_of
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, Evaluation, EvaluationResult, Job, JobKind, JobState, Progress
from observer.core.runjob import AnyJob, RunJob
from observer.core.standing import Disk, Lag, LastResult, RunningJob, Standing, Stint, seconds_left, throughput
from observer.files import files_below, size_on_disk

#: the newest results, from which the speed of evaluation follows
_RECENT: Final = 5
#: finished games of an attempt without which its own are too few, and too short, to tell how long games are
_ENOUGH_SHARE: Final = 0.25


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
    """The standing of an output folder as JSON values, the keys of `core.standing.Standing`.

    Raises:
        StoreError: nothing was ever observed into this folder, or a newer observer did it.
    """
    return jobfiles.as_written(standing(layout, now=SystemClock().now()))


def standing(layout: RunLayout, *, now: float) -> Standing:
    """The state of an output folder; `now` in Unix seconds.

    Raises:
        StoreError: as for `status`.
    """
    daemon = holder_of(layout.lock)
    said = _said(layout, daemon)
    with Store(layout.database, read_only=True) as store:
        evaluations = store.evaluations()
        recent = [_result(layout, evaluation) for evaluation in evaluations[-_RECENT:]]
        paused = store.facts.get(FactName.PAUSED)
        return Standing(
            output=str(layout.output),
            daemon=daemon,
            started_at=said.started_at if said else None,
            paused=None if paused is None else iso(paused.since),
            asked=tuple(command.kind.value for command in store.requests.waiting()),
            ended=None if (ended := store.facts.get(FactName.ENDED)) is None else ended.value,
            final=None if (final := store.facts.get(FactName.FINAL)) is None else iso(final.since),
            problems=(
                *(said.problems if said else ()),
                *_clips(store.totals.unavailable()),
                *_given_up(store.of_run.newest(JobKind.REFERENCE).values()),
                *_replaced(layout),
            ),
            queue={state.value: number for state, number in store.counts(JobKind.EVALUATE).items()},
            renderings={state.value: number for state, number in store.counts(JobKind.RENDER).items()},
            running=tuple(_running(layout, job, recent) for job in store.running()),
            parked=tuple(store.parked()),
            evaluations=len(evaluations),
            last_result=_last_result(evaluations[-1], recent[-1]) if evaluations else None,
            results=tuple(_last_result(entry, _result(layout, entry)) for entry in _newest(evaluations, store.plans())),
            lag=_lag(store, now=now),
            disk=_disk(layout),
            throughput=throughput([_stint(result) for result in recent if isinstance(result, EvaluationResult)]),
            training=said.training if said else None,
        )


def _said(layout: RunLayout, daemon: int | None) -> DaemonState | None:
    """What a daemon that runs says of itself; what a former one left behind does not count."""
    try:
        said = jobfiles.read(DaemonState, layout.daemon)
    except ResultInvalid:
        return None
    return said if said.pid == daemon else None


def _running(layout: RunLayout, job: AnyJob, recent: Sequence[EvaluationResult | str]) -> RunningJob:
    files = layout.job(job.id, job.attempt)
    total = len(job.plan.seeds) if isinstance(job, Job) and job.kind is JobKind.EVALUATE else 0
    try:
        progress = jobfiles.read(Progress, files.progress)
    except ResultInvalid:  # the worker has not begun to tell
        progress = Progress(done=0, total=total, frames=0, cpu_seconds=0.0)
    return RunningJob(
        job=job.id,
        kind=job.kind.value,
        step=job.checkpoint.step if isinstance(job, Job) else job.step,
        scenario=job.plan.scenario.name if isinstance(job, Job) else job.subject,
        attempt=job.attempt,
        done=progress.done,
        total=progress.total,
        frames=progress.frames,
        seconds_left=_seconds_left(files, progress, recent) if job.kind is JobKind.EVALUATE else None,
    )


def _seconds_left(files: JobFiles, progress: Progress, recent: Sequence[EvaluationResult | str]) -> float | None:
    try:
        seconds = files.progress.stat().st_mtime - files.request.stat().st_mtime
    except OSError:
        return None
    played = [game.frames for game in jobfiles.read_episodes(files.episodes)]
    known = [result.summary.frames.value for result in recent if isinstance(result, EvaluationResult)]
    if known and len(played) < _ENOUGH_SHARE * progress.total:
        frames_a_game: float | None = known[-1]
    else:
        frames_a_game = sum(played) / len(played) if played else None
    missing = progress.total - progress.done
    return seconds_left(games=missing, frames_a_game=frames_a_game, frames=progress.frames, seconds=seconds)


def _result(layout: RunLayout, evaluation: Evaluation) -> EvaluationResult | str:
    """Its evidence, or why it cannot be read."""
    try:
        return jobfiles.read(EvaluationResult, layout.output / evaluation.directory / "result.json")
    except ResultInvalid as error:
        return str(error)


def _last_result(evaluation: Evaluation, result: EvaluationResult | str) -> LastResult:
    summary = result.summary if isinstance(result, EvaluationResult) else None
    return LastResult(
        step=evaluation.checkpoint.step,
        scenario=evaluation.scenario,
        finished_at=evaluation.finished_at,
        directory=str(evaluation.directory),
        clips=len(evaluation.clips),
        wins=summary.wins if summary else None,
        episodes=summary.episodes if summary else None,
        problem=result if isinstance(result, str) else None,
    )


def _newest(evaluations: Sequence[Evaluation], plans: Sequence[Digest]) -> list[Evaluation]:
    """The evaluation of the furthest trained checkpoint of each plan."""
    newest = {entry.plan_digest: entry for entry in sorted(evaluations, key=lambda entry: entry.checkpoint.step)}
    return [newest[plan] for plan in plans if plan in newest]


def _stint(result: EvaluationResult) -> Stint:
    frames = sum(game.frames for game in result.episodes)
    return Stint(begin=result.started_at, end=result.finished_at, games=len(result.episodes), frames=frames)


def _clips(unavailable: str) -> tuple[Problem, ...]:
    return (Problem(what="clips", sentence=f"unavailable: {unavailable}"),) if unavailable else ()


def _given_up(players: Iterable[RunJob]) -> Iterator[Problem]:
    """Whose line is missing in the report, and why."""
    for job in players:
        if job.state is JobState.PARKED:
            plan, _, player = job.subject.partition("/")
            why = (job.error or "").removeprefix(f"{job.subject}: ")
            sentence = f"{player} is given up for plan {plan[:8]}: {why} (`observer retry --job {job.id}`)"
            yield Problem(what="references", sentence=sentence)


def _replaced(layout: RunLayout) -> tuple[Problem, ...]:
    """Said until the file is deleted: only the user knows what was paused, and nothing else tells of it."""
    kept = sorted(layout.database.parent.glob(f"{layout.database.name}.damaged-*Z"))
    if not kept:
        return ()
    sentence = (
        f"it was damaged and made anew from the results; what was paused, parked or passed over before is not known "
        f"any more: pause again where you want it, then delete {kept[-1]}"
    )
    return (Problem(what="database", sentence=sentence),)


def _lag(store: Store, *, now: float) -> Lag | None:
    newest, evaluated = store.newest(), store.newest_evaluated()
    if newest is None:
        return None
    since = evaluated.seen_at if evaluated else now
    return Lag(
        newest_step=newest.step,
        newest_seen_at=newest.seen_at,
        evaluated_step=evaluated.step if evaluated else None,
        evaluated_seen_at=evaluated.seen_at if evaluated else None,
        steps=newest.step - (evaluated.step if evaluated else 0),
        seconds=round(abs(newest.seen_at - since), 3) if newest != evaluated else 0.0,
    )


def _disk(layout: RunLayout) -> Disk:
    sizes = dict.fromkeys(Holding, 0)
    for path, state in files_below(layout.output):
        sizes[holding_of(path)] += size_on_disk(state)
    return Disk(
        free=shutil.disk_usage(layout.output).free,
        dropped=sum(entry.size_bytes for entry in dropped.missing(layout.output, layout.dropped).values()),
        **{holding.value: size for holding, size in sizes.items()},
    )
