"""The commands: parse, call, print, exit code. A known error is one line on stderr, never a traceback.

Exit codes: 0 ok, 1 failed, 2 usage, 75 try again, 78 configuration or set-up.
"""

from collections.abc import Callable
from typing import Annotated, Final, Never

import typer
from rich.markup import escape

from env.errors import EmulatorMissing, EnvError, RomError
from env.options import OptionsError
from observer import __version__
from observer.cli import (
    archiving,
    backfilling,
    configuring,
    diagnosing,
    inspecting,
    installing,
    lapsing,
    playing,
    queueing,
    rendering,
    renewing,
    standing,
    verifying,
    watching,
)
from observer.cli.terminal import err, out
from observer.core.errors import ExitCode, ObserverError

cli = typer.Typer(no_args_is_help=True, add_completion=False)
config_commands = typer.Typer(no_args_is_help=True, help="Check or show the configuration.")

COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    playing.run,
    playing.evaluate,
    backfilling.backfill,
    inspecting.inspect,
    rendering.render,
    watching.watch_live,
    lapsing.timelapse,
    verifying.verify,
    standing.status,
    queueing.pause,
    queueing.resume,
    queueing.retry,
    archiving.archive,
    renewing.new_run,
    standing.report,
    playing.plan,
    diagnosing.doctor,
    installing.install_service,
)
for _command in COMMANDS:
    cli.command()(_command)
for _command in (configuring.check, configuring.show, configuring.schema):
    config_commands.command()(_command)
cli.add_typer(config_commands, name="config")


def _say_version(*, wanted: bool) -> None:
    if wanted:
        out.print(f"training-run-observer {__version__}")
        raise typer.Exit


@cli.callback()
def _program(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda value: _say_version(wanted=value))
    ] = False,
) -> None:
    """Watch a training run's checkpoints play."""
    del version


def _fail(error: Exception) -> Never:
    err.print(f"[red]{escape(str(error))}", soft_wrap=True)
    setup = isinstance(error, RomError | EmulatorMissing | OptionsError)
    raise SystemExit(
        error.exit_code if isinstance(error, ObserverError) else ExitCode.SETUP if setup else ExitCode.FAILED
    )


def main() -> None:
    """The `observer` command."""
    try:
        cli()
    except (ObserverError, EnvError) as error:
        _fail(error)
