"""Commands that ask the daemon for something: pause, resume, retry, and `evaluate --now`.

Each leaves a request in the run's database and says what will come of it; a daemon that starts later does it too.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from env.options import ENVIRONMENT_FILE
from observer import config as configuration
from observer.adapters.checkpoint_folder import read_sidecar
from observer.adapters.letterbox import Letterbox
from observer.adapters.lock import FolderLock, holder_of
from observer.adapters.recognition import checkpoint_of
from observer.adapters.store import Store
from observer.adapters.store.requests import Retriable
from observer.checkpointfile import read_file
from observer.cli.terminal import ConfigOption, RunOption, layout_of, out
from observer.config import Config
from observer.core.asking import Argument, CommandKind, EvaluateNow, Retry
from observer.core.clock import SystemClock
from observer.core.errors import AlreadyRunning, ObserverError, StoreError
from observer.core.layout import RunLayout
from observer.core.models import JobId
from observer.sb3zip import check_archive

AllRunsOption = Annotated[str | None, typer.Option("--run", help="Only this run; default: all of them.")]


def pause(config: ConfigOption = None, *, name: AllRunsOption = None) -> None:
    """Start nothing more, and put back what is being played, until `resume`; also over restarts."""
    for run, layout in _chosen(configuration.load(config), name):
        leave_request(layout, CommandKind.PAUSE)
        _say(
            run, layout, "pauses: what is being played goes back, its finished games are kept; files are still taken in"
        )


def resume(config: ConfigOption = None, *, name: AllRunsOption = None) -> None:
    """Go on after `pause`."""
    for run, layout in _chosen(configuration.load(config), name):
        leave_request(layout, CommandKind.RESUME)
        _say(run, layout, "goes on where it was")


def retry(
    what: Annotated[
        str | None, typer.Argument(help="A step, or the name of a file; `status` has both.", metavar="STEP|FILE")
    ] = None,
    config: ConfigOption = None,
    *,
    job: Annotated[int | None, typer.Option(help="The number of a job, from the log.")] = None,
    parked: Annotated[bool, typer.Option("--all", help="Everything that was parked.")] = False,
    skipped: Annotated[bool, typer.Option("--skipped", help="Everything that was passed over.")] = False,
    name: RunOption = None,
) -> None:
    """Try again what was parked, and play what was passed over."""
    which = _which(what, job=job, parked=parked, skipped=skipped)
    layout = layout_of(configuration.load(config), name)
    with Store(layout.database, read_only=True) as store:
        found = store.requests.retriable(which)
    if not found.jobs and not found.files and not found.copyless:
        raise ObserverError(f"nothing like that is parked or skipped in {layout.output}: `observer status` lists it")
    leave_request(layout, CommandKind.RETRY, which)
    for line in _told(found):
        out.print(line, soft_wrap=True, markup=False)
    _say(str(layout.output), layout, "tries them again")


def ask_to_evaluate(file: Path, settings: Config, *, name: str | None) -> None:
    """Have the daemon play a zip before everything else.

    Raises:
        CheckpointError: the zip cannot be used.
        OptionsError: nor can the `environment.json` beside it.
    """
    blob, _ = read_file(file)
    check_archive(blob)
    checkpoint = checkpoint_of(blob, name=file.name, trust=settings.policy.trust, seen_at=SystemClock().now())
    options = read_sidecar(file.parent) if (file.parent / ENVIRONMENT_FILE).exists() else None
    layout = layout_of(settings, name)
    wanted = EvaluateNow(
        digest=checkpoint.digest,
        path=str(file.absolute()),
        environment=None if options is None else options.to_json(),
    )
    with _unwritable_is_said(layout):
        Letterbox(layout).put(checkpoint.digest, blob)
    leave_request(layout, CommandKind.EVALUATE, wanted)
    _say(str(layout.output), layout, f"plays step {checkpoint.step:,} ({file.name}) as soon as a worker is free")


def _which(what: str | None, *, job: int | None, parked: bool, skipped: bool) -> Retry:
    named = [what is not None, job is not None, parked, skipped]
    if named.count(True) != 1:
        raise typer.BadParameter("name one thing: a step, a file, --job N, --all or --skipped")
    if parked or skipped:
        return Retry(every="parked" if parked else "skipped")
    if job is not None:
        return Retry(job=JobId(job))
    number = (what or "").replace(",", "")
    return Retry(step=int(number)) if number.isdecimal() else Retry(name=what)


def _told(found: Retriable) -> Iterator[str]:
    for job, kind, state, step in found.jobs:
        yield f"step {step:,}: {kind}, {state} (job {job})"
    for file in found.files:
        yield f"{file.path}: {file.word}"
    for step, name in found.copyless:
        yield (
            f"step {step:,}: its copy was dropped for want of room: played when {name} lies in the watched folder (again), "
            "or `observer evaluate --now FILE`"
        )


def _chosen(settings: Config, name: str | None) -> list[tuple[str, RunLayout]]:
    names = [section.name for section in settings.runs] if name is None else [name]
    return [(run, layout_of(settings, run)) for run in names]


def leave_request(layout: RunLayout, kind: CommandKind, argument: Argument = None) -> None:
    """Insert a request; whoever owns the database does it.

    Raises:
        StoreError: the database cannot be used, or not by this user.
    """
    with _unwritable_is_said(layout):
        try:
            with FolderLock(layout.lock), Store(layout.database) as store:
                store.requests.ask(kind, argument, now=SystemClock().now())
        except AlreadyRunning:
            with Store(layout.database, to_ask=True) as store:
                store.requests.ask(kind, argument, now=SystemClock().now())
            Letterbox(layout).ring()


@contextmanager
def _unwritable_is_said(layout: RunLayout) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreError(
            f"{layout.output} cannot be written: {error}; call this as the user that the daemon runs as"
        ) from error


def _say(who: str, layout: RunLayout, what: str) -> None:
    daemon = holder_of(layout.lock)
    when = "no daemon runs: the next one does so when it starts" if daemon is None else f"process {daemon} does so now"
    out.print(f"{who} {what} ({when})", soft_wrap=True, markup=False)
