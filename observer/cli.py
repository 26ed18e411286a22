"""The commands: parse, call, print, exit code. A known error is one line on stderr, never a traceback.

Exit codes: 0 ok, 1 failed, 2 usage, 75 try again, 78 configuration or set-up.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Never

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track
from rich.table import Table

from env import replay as replays
from env.emulator import Emulator
from env.errors import EmulatorMissing, EnvError, ReplayError, RomError
from env.options import OptionsError
from observer import __version__, app, daemon
from observer import config as configuration
from observer.adapters import jobfiles, logs
from observer.adapters.lock import FolderLock
from observer.adapters.store import Store
from observer.checkpointfile import read_file
from observer.config import Config
from observer.core.clock import SystemClock
from observer.core.errors import ExitCode, ObserverError
from observer.core.layout import RunLayout
from observer.core.models import Estimate, EvaluationResult
from observer.core.models import Progress as WorkerProgress
from observer.core.plan import plan_digest, plan_seeds
from observer.foreground import evaluate_file
from observer.sb3zip import check_archive, describe, read_checkpoint, read_weights
from observer.stages.publishing import Publishing
from observer.stages.status import status as read_status

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Default: config.yaml here, or the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
RunOption = Annotated[
    str | None, typer.Option("--run", help="Name of the run in the configuration; default: the first.")
]

cli = typer.Typer(no_args_is_help=True, add_completion=False)
config_commands = typer.Typer(no_args_is_help=True, help="Check or show the configuration.")
cli.add_typer(config_commands, name="config")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


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


@cli.command()
def run(
    config: ConfigOption = None,
    *,
    until_idle: Annotated[bool, typer.Option(help="End when everything that was found is done.")] = False,
) -> None:
    """Watch the configured folders until told to stop (the daemon)."""
    settings = configuration.load(config)
    logs.configure(settings.service.log)
    raise typer.Exit(daemon.run(settings, until_idle=until_idle))


@cli.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="A checkpoint's zip; an environment.json beside it is read too.")],
    config: ConfigOption = None,
    *,
    episodes: Annotated[int | None, typer.Option(min=1, help="Games; default: the configuration's.")] = None,
    output: Annotated[Path | None, typer.Option(help="New folder to keep result, table and replays in.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Play one checkpoint now, without daemon or database."""
    settings = _with_episodes(configuration.load(config), episodes)
    with _progress(quiet=as_json) as on_progress:
        result = evaluate_file(file, settings, output=output, on_progress=on_progress)
    if as_json:
        print(jobfiles.to_json(result), end="")  # noqa: T201 -- this is the answer
    else:
        out.print(_result_table(result))


@cli.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A checkpoint's zip.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what a checkpoint holds, without running any of it."""
    blob, _ = read_file(file)
    check_archive(blob)
    held = describe(read_checkpoint(blob), read_weights(blob))
    _show(held if as_json else _inspection(held), as_json=as_json, title=file.name)


@cli.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(help="Replays, or folders of them.", metavar="REPLAY...")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Play replays again and compare: does each still come out as it was recorded?"""
    rom = configuration.load(config).environment.rom_path
    found = sorted({file for path in paths for file in (path.rglob("*.replay") if path.is_dir() else [path])})
    if not found:
        raise ObserverError(f"there is no replay in {', '.join(map(str, paths))}")
    shown = found if as_json or not err.is_terminal else track(found, "verifying", console=err, transient=True)
    problems = {str(file): problem for file in shown if (problem := _verify(file, rom))}
    if as_json:
        print(json.dumps({"replays": len(found), "problems": problems}, indent=1))  # noqa: T201 -- this is the answer
    for file, problem in ({} if as_json else problems).items():
        err.print(f"[red]{escape(file)}: {escape(problem.removeprefix(f'{file}: '))}", soft_wrap=True)
    if not as_json:
        out.print(f"{len(found) - len(problems)} of {len(found)} replays match")
    raise typer.Exit(ExitCode.FAILED if problems else ExitCode.DONE)


@cli.command()
def status(config: ConfigOption = None, *, name: RunOption = None, as_json: JsonOption = False) -> None:
    """Say how far the work is; works while the daemon runs."""
    settings = configuration.load(config)
    layout = _layout(settings, name)
    told = read_status(layout)
    others = [section.name for section in settings.runs if section.output != layout.output]
    shown = told if as_json else _standing(told) | ({"other runs": f"--run {', '.join(others)}"} if others else {})
    _show(shown, as_json=as_json, title=str(layout.output))


@cli.command()
def report(config: ConfigOption = None, *, name: RunOption = None) -> None:
    """Write report, metrics.csv and TensorBoard events anew from the evidence; a running daemon does so by itself."""
    settings = configuration.load(config)
    logs.configure(settings.service.log)
    layout = _layout(settings, name)
    writers = app.writers(layout, run=name or settings.runs[0].name)
    with Store(layout.database, read_only=True):
        pass  # a run that never was gets no database by being asked about
    with FolderLock(layout.lock), Store(layout.database) as store:
        for writer in writers:
            store.advance(writer.name, 0)
        Publishing(store, layout, writers, clock=SystemClock()).flush()
    out.print(str(layout.report), soft_wrap=True)


@cli.command()
def plan(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show what is played for each checkpoint, and the plan's identity."""
    settings = configuration.load(config)
    planner = app.Planner(evaluation=settings.evaluation, rom_sha256=app.check_setup(settings))
    made = planner.plan(settings.environment.options())
    told = {"plan_sha256": plan_digest(made), **jobfiles.plain(made)}
    seeds = f"{made.seeds[0]} to {made.seeds[-1]}"
    _show(told if as_json else {**told, "seeds": seeds}, as_json=as_json, title="plan")


@config_commands.command()
def check(config: ConfigOption = None) -> None:
    """Name every problem of the configuration, of the ROM and of the emulator."""
    app.check_setup(configuration.load(config))
    out.print("the configuration can be used")


@config_commands.command()
def show(config: ConfigOption = None) -> None:
    """Print the whole configuration with the defaults filled in."""
    print(yaml.safe_dump(configuration.load(config).model_dump(mode="json"), sort_keys=False), end="")  # noqa: T201


@config_commands.command()
def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    print(json.dumps(configuration.schema(), indent=2))  # noqa: T201 -- this is the answer


def _with_episodes(settings: Config, episodes: int | None) -> Config:
    if episodes is None:
        return settings
    try:
        plan_seeds(settings.evaluation.first_seed, episodes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--episodes") from error
    evaluation = settings.evaluation.model_copy(update={"episodes": episodes})
    return settings.model_copy(update={"evaluation": evaluation})


def _layout(settings: Config, name: str | None) -> RunLayout:
    for section in settings.runs:
        if name in {None, section.name}:
            return RunLayout(section.output)
    known = ", ".join(section.name for section in settings.runs)
    raise ObserverError(f"there is no run named {name!r} in the configuration; its runs are {known}")


def _verify(file: Path, rom: Path) -> str | None:
    """What is wrong with a replay; None where it comes out as recorded."""
    try:
        replay = replays.read(file)
        with Emulator(rom) as emulator:
            replays.verify(replay, emulator)
    except (RomError, EmulatorMissing):
        raise
    except (ReplayError, EnvError) as error:
        return str(error)
    return None


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[WorkerProgress], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task("games", total=None)
        yield lambda told: bar.update(task, completed=told.done, total=told.total)


def _result_table(result: EvaluationResult) -> Table:
    summary = result.summary
    table = Table(title=f"{result.checkpoint.name}: step {result.checkpoint.step:,}, {summary.episodes} games")
    for heading in ("", "value", "95% from", "to"):
        table.add_column(heading, justify="left" if not heading else "right")
    for label, estimate, unit in (
        ("win rate", summary.win_rate, 100),
        ("viruses cleared", summary.viruses_cleared, 1),
        ("episode length (agent steps)", summary.episode_length, 1),
        ("length (NES frames)", summary.frames, 1),
        ("total reward", summary.total_reward, 1),
        ("largest combo", summary.max_combo, 1),
    ):
        table.add_row(label, *_cells(estimate, unit))
    table.caption = f"{summary.wins} won, {summary.topped_out} topped out, {summary.timeouts} timed out"
    return table


def _cells(estimate: Estimate, unit: int) -> list[str]:
    sign = " %" if unit == 100 else ""  # noqa: PLR2004 -- percent
    return [f"{value * unit:.2f}{sign}" for value in (estimate.value, estimate.low, estimate.high)]


def _show(values: Mapping[str, Any], *, as_json: bool, title: str) -> None:
    if as_json:
        print(json.dumps(values, indent=1, default=str))  # noqa: T201 -- this is the answer
        return
    table = Table(title=escape(title), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in values.items():
        table.add_row(escape(key), escape(_words(value)))
    out.print(table)


def _inspection(held: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint holds, a line for each tensor and each file."""
    return {
        **held,
        "timesteps": "not said" if held["timesteps"] is None else f"{held['timesteps']:,}",
        "system_info": "\n".join(line.removeprefix("- ") for line in held["system_info"]),
        "parameters": f"{held['parameters']:,}",
        "finite": "yes" if held["finite"] else "no: not a number, or infinite; the training has diverged",
        "weights": _columns({name: "x".join(map(str, shape)) for name, shape in held["weights"].items()}),
        "members": _columns({name: f"{size:,} bytes" for name, size in held["members"].items()}),
    }


_RESTS = {False: "nothing", True: "nothing: `observer run` takes up again what was being played"}


def _standing(told: Mapping[str, Any]) -> dict[str, str]:
    """How far the work is, a line for each thing."""
    jobs = [f"step {job['step']:,}: {job['done']} of {job['total']} ({job['kind']})" for job in told["running"]]
    parked = [f"{Path(file['path']).name}: {file['word']}: {file['sentence']}" for file in told["parked"]]
    last = told["last_result"]
    return {
        "daemon": "not running" if told["daemon"] is None else f"process {told['daemon']}",
        "evaluations": _counts(told["queue"]),
        "clips": _counts(told["renderings"]),
        "now": "\n".join(jobs) if jobs and told["daemon"] is not None else _RESTS[bool(jobs)],
        "parked": "\n".join(parked) or "nothing",
        "last result": "none yet" if last is None else _last_result(last),
    }


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.items() if number) or "none yet"


def _last_result(last: Mapping[str, Any]) -> str:
    games = last.get("problem") or f"{last['wins']} of {last['episodes']} games won"
    return f"step {last['step']:,}: {games}\n{last['directory']}\n{last['finished_at']}"


def _columns(values: Mapping[str, str]) -> str:
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


if __name__ == "__main__":
    main()
