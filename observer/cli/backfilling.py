"""`observer backfill`: a folder of checkpoints whose training is over, played to the end by the daemon's own loop."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from observer import config as configuration
from observer import daemon
from observer.adapters import jobfiles, logs
from observer.adapters.backends import Backend
from observer.adapters.store import Store
from observer.cli.queueing import leave_request
from observer.cli.terminal import ConfigOption, err, out
from observer.config import Config, RunSection
from observer.core.asking import CommandKind, Retry
from observer.core.backlog import Order
from observer.core.errors import ExitCode, ObserverError, ResultInvalid
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Job, JobKind, JobState, Progress
from observer.stages.status import status as read_status

_USUAL_NAMES: Final = frozenset({"checkpoints", "models"})


def backfill(
    folder: Annotated[Path, typer.Argument(help="A folder of checkpoints; it is only read.", metavar="DIR")],
    config: ConfigOption = None,
    *,
    every: Annotated[int, typer.Option(min=1, help="Play every N-th checkpoint, the newest among them.")] = 1,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Default: newest first.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for results; the same one goes on where it was.")] = None,
) -> None:
    """Play the checkpoints of a run that is over, then end; called again, go on where it was."""
    order: Order = "oldest_first" if oldest_first else "newest_first"
    settings = settings_for(configuration.load(config), folder, every=every, order=order, output=output)
    logs.configure(settings.service.log)
    raise typer.Exit(play(settings))


def play(settings: Config, *, backend: Backend | None = None) -> ExitCode:
    """Play what the only run of this configuration holds, and say what became of it; the exit code."""
    layout = RunLayout(settings.runs[0].output)
    if settings.queue.every_checkpoints == 1 and layout.database.exists():  # what was passed over is wanted now
        leave_request(layout, CommandKind.RETRY, Retry(every="skipped"))
    with _display(layout) as on_turn:
        daemon.run(settings, until_idle=True, on_turn=on_turn, backend=backend)
    return _say_result(layout)


def settings_for(settings: Config, folder: Path, *, every: int, order: Order, output: Path | None) -> Config:
    """The configuration for this folder alone, with nothing passed over but by `every`.

    Raises:
        ObserverError: it is no folder, or results would go where the checkpoints lie.
    """
    policy = {"order": order, "every_steps": 0, "every_checkpoints": every, "backlog_limit": 0}
    settings = _with_one_run(settings, folder, output)
    return settings.model_copy(update={"queue": settings.queue.model_copy(update=policy)})


def _with_one_run(settings: Config, folder: Path, output: Path | None) -> Config:
    """The configuration with this folder as its only run."""
    if not folder.is_dir():
        raise ObserverError(f"{folder} is not a folder that can be read; name the one that the checkpoints lie in")
    watch = folder.absolute()
    known = next((run for run in settings.runs if run.watch.resolve() == watch.resolve()), None)
    name = watch.parent.name if watch.name in _USUAL_NAMES and watch.parent.name else watch.name
    section = known or RunSection(name=name[:80] or "backfill", watch=watch, output=Path.cwd() / "backfill" / name)
    if output is not None:
        section = section.model_copy(update={"output": output.absolute()})
    try:
        return Config.model_validate({**settings.model_dump(), "runs": [section.model_dump()]})
    except ValidationError as error:
        raise ObserverError("; ".join(str(problem["msg"]) for problem in error.errors())) from error


@contextmanager
def _display(layout: RunLayout) -> Iterator[Callable[[], None]]:
    """A bar for a person, in place of the log's small steps; nothing but the log elsewhere."""
    if not err.is_terminal:
        yield lambda: None
        return
    logging.getLogger().setLevel(logging.WARNING)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=err, transient=True) as bar:
        checkpoints, games = bar.add_task("checkpoints", total=None), bar.add_task("", total=None, visible=False)

        def show() -> None:
            with Store(layout.database, read_only=True) as store:
                counts, running = store.counts(), store.running()
            wanted = sum(counts[state] for state in (JobState.WAITING, JobState.RUNNING, JobState.DONE))
            bar.update(checkpoints, completed=counts[JobState.DONE], total=wanted)
            for job in [job for job in running if isinstance(job, Job)][:1]:
                done = _done(layout.job(job.id, job.attempt))
                text = f"step {job.checkpoint.step:,} ({job.kind.value})"
                total = len(job.plan.seeds) if job.kind is JobKind.EVALUATE else None
                bar.update(games, description=text, completed=done, total=total, visible=True)

        yield show


def _done(files: JobFiles) -> int:
    """Games that an attempt has finished; 0 as long as it has not begun to tell."""
    try:
        return jobfiles.read(Progress, files.progress).done
    except ResultInvalid:
        return 0


def _say_result(layout: RunLayout) -> ExitCode:
    told = read_status(layout)
    queue = told["queue"]
    out.print(
        f"{queue['done']} played, {queue['skipped']} passed over, {len(told['parked'])} could not be used\n{layout.report}",
        soft_wrap=True,
        markup=False,
    )
    left = queue["waiting"] + queue["running"]
    if left:
        why = "the run is paused: `observer resume`" if told["paused"] else "the same command goes on"
        err.print(f"{left} still to play: {why}", soft_wrap=True, markup=False)
    return ExitCode.TRY_AGAIN if left else ExitCode.DONE
