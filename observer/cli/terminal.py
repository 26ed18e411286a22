"""What the commands share: their common options, the two consoles, and values shown as tables or as JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from observer.config import Config
from observer.core.errors import ObserverError
from observer.core.layout import RunLayout
from observer.core.models import Progress as WorkerProgress

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Default: config.yaml here, or the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
RunOption = Annotated[
    str | None, typer.Option("--run", help="Name of the run in the configuration; default: the first.")
]

#: what is piped is searched, not looked at: no value is folded there
_PIPED_COLUMNS: Final = 10_000

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS)
err = Console(stderr=True, highlight=False)


def layout_of(settings: Config, name: str | None) -> RunLayout:
    for section in settings.runs:
        if name in {None, section.name}:
            return RunLayout(section.output)
    known = ", ".join(section.name for section in settings.runs)
    raise ObserverError(f"there is no run named {name!r} in the configuration; its runs are {known}")


def warn(sentence: str) -> None:
    """Say on standard error what is to be known and stops nothing; nothing where there is no sentence."""
    if sentence:
        err.print(f"[yellow]{escape(sentence)}", soft_wrap=True)


@contextmanager
def progress_bar(*, quiet: bool, what: str = "games") -> Iterator[Callable[[WorkerProgress], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda told: bar.update(task, completed=told.done, total=told.total)


def show(values: Mapping[str, Any], *, as_json: bool, title: str) -> None:
    if as_json:
        print(json.dumps(values, indent=1, default=str))  # noqa: T201 -- this is the answer
        return
    table = Table(title=escape(title), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in values.items():
        table.add_row(escape(key), escape(_words(value)))
    out.print(table)


def columns(values: Mapping[str, str]) -> str:
    width = max(map(len, values), default=0)
    return "\n".join(f"{name:{width}}  {value}" for name, value in values.items())


def _words(value: object) -> str:
    """A JSON value for a person: what is nested as indented lines."""
    if isinstance(value, Mapping | list | tuple):
        return (
            yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False, width=100).rstrip()
            if value
            else "none"
        )
    return "none" if value is None else str(value)
