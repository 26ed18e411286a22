"""`observer install-service`: the unit, in text and in words; written only where that was asked for."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from observer import config as configuration
from observer.cli.terminal import ConfigOption, out
from observer.config import CONFIG_FILE
from observer.core.errors import SetupError
from observer.installing import SERVICE, Service, plan_service, write_service


def install_service(
    config: ConfigOption = None,
    *,
    user: Annotated[bool, typer.Option(help="For your own service manager, without root.")] = False,
    apply: Annotated[bool, typer.Option(help="Write the files; without it they are only shown.")] = False,
    cpu_quota: Annotated[int | None, typer.Option(min=1, help="At most so many percent of one core.")] = None,
) -> None:
    """Show the systemd unit for this configuration and say what it opens; with --apply, write it."""
    file = (config or Path(CONFIG_FILE)).absolute()
    if not file.exists():
        raise SetupError(f"{file} does not exist: a service needs a configuration with a place; write one, or name it")
    service = plan_service(configuration.load(file), file, for_user=user, cpu_percent=cpu_quota)
    if apply:
        write_service(service)
    else:
        for path, text in service.files.items():
            out.print(f"# ===== {path}\n{text}", markup=False, soft_wrap=True)
    for line in _words(service, file, is_written=apply):
        out.print(escape(line), soft_wrap=True)


def _words(service: Service, file: Path, *, is_written: bool) -> Iterator[str]:
    paths = service.paths
    if paths.user is None:
        yield from _of_a_user()
    else:
        yield f"It runs as {paths.user}, whom the output belongs to, and may write in nothing but"
        yield from (f"  {path}" for path in paths.writable)
        yield "Of the homes, /srv, /mnt and /media it sees these, to read:"
        yield from (f"  {path}" for path in paths.shown or ("nothing",))
        yield from _of_files(paths.shown)
        yield "Any network but loopback is closed to it."
    if paths.user == "root":
        yield "The output belongs to root, so it runs as root, though without root's powers; better: give it to a user."
    yield ""
    yield "Written:" if is_written else "Nothing is written yet. To write the files:"
    if is_written:
        yield from (f"  {path}" for path in service.files)
        yield "Now:"
    else:
        yield f"  {_again(file, for_user=paths.user is None)}"
        yield "and then:"
    yield from _commands(for_user=paths.user is None)


def _of_files(shown: object) -> Iterator[str]:
    files = [path for path in shown if path.is_file()] if isinstance(shown, list) else []
    if files:
        yield "A file that is replaced by another one is seen only after a restart: " + ", ".join(map(str, files))


def _of_a_user() -> Iterator[str]:
    yield "Your own manager cannot close the machine to it: the unit keeps what needs no root, and each worker"
    yield "confines itself as always (Landlock). Weights count among your own services only: they do not protect a"
    yield "trainer in another session or of another user. --cpu-quota 100 holds it to one core, whoever else works."


def _again(file: Path, *, for_user: bool) -> str:
    program = shlex.quote(str(Path(sys.argv[0]).absolute()))
    root = "" if for_user or os.geteuid() == 0 else "sudo "
    return f"{root}{program} install-service --config {shlex.quote(str(file))} {'--user ' if for_user else ''}--apply"


def _commands(*, for_user: bool) -> Iterator[str]:
    root = "" if for_user or os.geteuid() == 0 else "sudo "
    manager = f"{root}systemctl{' --user' if for_user else ''}"
    yield f"  {manager} daemon-reload"
    yield f"  {manager} enable --now {SERVICE}"
    yield f"  {manager} status {SERVICE}"
    if for_user:
        yield "  loginctl enable-linger    # so that it runs while you are logged out"
