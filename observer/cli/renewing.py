"""`observer new-run`: what was observed so far is closed, archived and cleared away, and an empty folder left."""

import re
import shutil
import threading
from pathlib import Path
from typing import Annotated, Final

import typer

from observer import config as configuration
from observer.adapters import closed
from observer.adapters.archives import places
from observer.adapters.lock import FolderLock, holder_of
from observer.archiving import Order, archive_run, check_archive, slug, stamp
from observer.cli.archiving import byte_bar, bytes_below, name_of, tell_archive
from observer.cli.queueing import leave_request
from observer.cli.sentences import size
from observer.cli.terminal import ConfigOption, RunOption, layout_of, out
from observer.config import RunSection
from observer.core.asking import CloseRun, CommandKind
from observer.core.clock import SystemClock
from observer.core.errors import AlreadyRunning, ObserverError, StoreError
from observer.core.layout import RunLayout
from observer.files import lies_inside
from observer.stages import closing

#: a daemon that is busy reads checkpoints, or ends workers
_PATIENCE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.2


def new_run(
    kept: Annotated[str | None, typer.Argument(help="Keep the closed run under this name.", metavar="[NAME]")] = None,
    config: ConfigOption = None,
    *,
    archive: Annotated[str | None, typer.Option(help="Where its archive goes; default: beside it.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the closed run unpacked as well.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")] = False,
    name: RunOption = None,
) -> None:
    """Close a run, archive it, and start clean; never touches the folder of checkpoints."""
    settings = configuration.load(config)
    layout = layout_of(settings, name)
    section = next(section for section in settings.runs if section.output == layout.output)
    called = _name(kept, layout, run=section.name)
    place = archive or str(layout.closed / f"{called}{places.SUFFIX}")
    _describe(layout, section, called=called, place=place, is_kept=keep)
    if not yes:
        out.print("nothing was done: the same with --yes does it")
        return
    _close(layout, called)
    _archive(layout, called, Order(layout=RunLayout(layout.closed / called), run=name_of(settings, name), place=place))
    if not keep:
        _clear(layout, called)


def _name(kept: str | None, layout: RunLayout, *, run: str) -> str:
    """The name, free or that of a run whose closing was cut short.

    Raises:
        ObserverError: it cannot be that of a folder, or is taken.
    """
    called = kept or f"{slug(run)}-{stamp(SystemClock().now())}"
    if not re.fullmatch(r"\w[\w.-]{0,79}", called):
        raise ObserverError(f"{called!r} cannot be the name of a folder: use letters, digits, `.`, `-` and `_`")
    if called in closed.read(layout.closed_list).names and not (layout.closed / called).is_dir():
        raise ObserverError(f"a run was closed as {called} before: choose another name")
    return called


def _describe(layout: RunLayout, section: RunSection, *, called: str, place: str, is_kept: bool) -> None:
    target = layout.closed / called
    if _is_closed(layout, called):
        said = [f"{called} is closed already and lies in {target}"]
    else:
        if not layout.database.exists():
            raise StoreError(f"there is no database at {layout.database}: there is no run to be closed")
        results = len(list(layout.output.glob("checkpoints/*/*/result.json")))
        names = ", ".join(str(path.relative_to(layout.output)) for path in closing.moved(layout))
        said = [
            f"closes the run in {layout.output}: {results} results, {size(bytes_below(layout.output))}",
            f"moves {names} into {target}",
        ]
    said.append(f"archives that as {place}, and reads the archive back")
    said.append(f"leaves {target} as it is" if is_kept else f"then deletes {target}")
    said.append(f"leaves {section.watch} as it is; what the closed run has seen of it is not played again")
    for line in said:
        out.print(line, soft_wrap=True, markup=False)


def _is_closed(layout: RunLayout, called: str) -> bool:
    return (layout.closed / called).is_dir() and not layout.closing.exists()


def _close(layout: RunLayout, called: str) -> None:
    """By the daemon, where one runs."""
    if _is_closed(layout, called):
        return
    if holder_of(layout.lock) is not None:
        leave_request(layout, CommandKind.CLOSE, CloseRun(name=called))
        _await(layout, called)
        return
    with FolderLock(layout.lock):
        if not layout.closing.exists():
            closing.intend(layout, called)
        closing.finish(layout, now=SystemClock().now())


def _await(layout: RunLayout, called: str) -> None:
    pause = threading.Event()
    for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
        if called in closed.read(layout.closed_list).names and not layout.closing.exists():
            return
        pause.wait(_LOOK_SECONDS)
    raise AlreadyRunning(
        f"the daemon (process {holder_of(layout.lock)}) has not closed the run yet: `observer status` says what keeps it; "
        f"`observer new-run {called} --yes` goes on from there"
    )


def _archive(layout: RunLayout, called: str, order: Order) -> None:
    folder = order.layout.output
    with byte_bar("archiving", quiet=False, total=2 * bytes_below(folder)) as on_bytes:
        try:
            made = archive_run(order, on_bytes=on_bytes)
            problems = check_archive(made.file).problems if places.is_address(made.file) else ()
        except ObserverError as error:
            again = f"`observer new-run {called} --yes` tries it again"
            raise ObserverError(f"{error}; the run is closed and lies whole in {folder}: {again}") from error
    if problems:
        raise ObserverError(f"{made.file} is not sound ({problems[0]}); the run lies whole in {folder}")
    tell_archive(made, as_json=False)
    out.print(f"{layout.output} is empty for the next run", soft_wrap=True, markup=False)


def _clear(layout: RunLayout, called: str) -> None:
    """What lies in an archive that was read back."""
    folder: Path = layout.closed / called
    if lies_inside(folder, layout.output):
        shutil.rmtree(folder)
