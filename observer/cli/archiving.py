"""`observer archive`: a run as one file, and whether such a file is sound."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from observer import config as configuration
from observer.adapters.archives.checking import Checked
from observer.archiving import Archive, Order, archive_run, check_archive
from observer.cli.sentences import size
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, err, layout_of, out, show, warn
from observer.config import Config
from observer.core.errors import ExitCode
from observer.files import files_below


def archive(
    place: Annotated[
        str, typer.Argument(help="A folder, a file ending in .tar.zst, or an address such as s3://b/f.", metavar="DEST")
    ],
    config: ConfigOption = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Write nothing: read this archive, and compare.")] = False,
    snapshots: Annotated[bool, typer.Option(help="With the copies of checkpoints that are not evaluated.")] = True,
    name: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run into one file, with a manifest; works while the daemon runs."""
    if verify:
        _verify(place, as_json=as_json)
        return
    settings = configuration.load(config)
    layout = layout_of(settings, name)
    order = Order(layout=layout, run=name_of(settings, name), place=place, has_snapshots=snapshots)
    with byte_bar("archiving", quiet=as_json, total=2 * bytes_below(layout.output)) as on_bytes:
        made = archive_run(order, on_bytes=on_bytes)
    tell_archive(made, as_json=as_json)


def tell_archive(made: Archive, *, as_json: bool) -> None:
    """Say what was written."""
    packed = made.packed
    if as_json:
        told = {"archive": made.file, "size_bytes": made.size_bytes, "files": packed.files}
        show({**told, "unpacked_bytes": packed.size_bytes, "problem": made.problem}, as_json=True, title="")
        return
    warn(made.problem)
    whole = f"{packed.files} files, {size(packed.size_bytes)}"
    out.print(f"{escape(made.file)}: {whole}, packed into {size(made.size_bytes)}", soft_wrap=True)


def name_of(settings: Config, name: str | None) -> str:
    return settings.runs[0].name if name is None else name


def bytes_below(folder: Path) -> int:
    return sum(state.st_size for _, state in files_below(folder))


@contextmanager
def byte_bar(title: str, *, quiet: bool, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar for a person."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)


def _verify(place: str, *, as_json: bool) -> None:
    with byte_bar("verifying", quiet=as_json, total=None) as on_bytes:
        checked = check_archive(place, on_bytes=on_bytes)
    if as_json:
        told = {"archive": place, "run": checked.run, "files": checked.files, "unpacked_bytes": checked.size_bytes}
        show({**told, "problems": list(checked.problems)}, as_json=True, title="")
    else:
        _tell_checked(place, checked)
    raise typer.Exit(ExitCode.FAILED if checked.problems else ExitCode.DONE)


def _tell_checked(place: str, checked: Checked) -> None:
    for problem in checked.problems:
        err.print(f"[red]{escape(f'{place}: {problem}')}", soft_wrap=True)
    if not checked.problems:
        whole = f"{checked.files} files, {size(checked.size_bytes)}"
        out.print(f"{escape(place)} is sound: {escape(checked.run)}, {whole}", soft_wrap=True)
