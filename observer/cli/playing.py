"""Commands that play or plan: run, evaluate, plan."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from env.opponent import OPPONENTS
from observer import app, daemon
from observer import config as configuration
from observer.adapters import jobfiles, logs
from observer.cli.queueing import ask_to_evaluate
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, err, out, progress_bar, show, warn
from observer.config import Config
from observer.core.errors import ExitCode
from observer.core.models import Digest, Estimate, EvaluationResult
from observer.core.plan import plan_digest, plan_name, plan_seeds
from observer.foreground import Evaluated, evaluate_file
from observer.planner import Planner


def run(
    config: ConfigOption = None,
    *,
    until_idle: Annotated[bool, typer.Option(help="End when everything that was found is done.")] = False,
) -> None:
    """Watch the configured folders until told to stop (the daemon)."""
    settings = configuration.load(config)
    logs.configure(settings.service.log)
    raise typer.Exit(daemon.run(settings, until_idle=until_idle, read_again=partial(configuration.load, config)))


def evaluate(  # noqa: PLR0913 -- each is an option of the command line
    file: Annotated[Path, typer.Argument(help="A checkpoint's zip; an environment.json beside it is read too.")],
    config: ConfigOption = None,
    *,
    episodes: Annotated[int | None, typer.Option(min=1, help="Games; default: the configuration's.")] = None,
    output: Annotated[Path | None, typer.Option(help="New folder to keep result, table and replays in.")] = None,
    opponent: Annotated[
        str | None, typer.Option(help="Play the game of two, on both sides, against noop, random, scripted or a zip.")
    ] = None,
    as_json: JsonOption = False,
    now: Annotated[bool, typer.Option("--now", help="Let the daemon play it, before everything else.")] = False,
    name: RunOption = None,
) -> None:
    """Play one checkpoint now, without daemon or database; or let the daemon play it next."""
    if now:
        if any(given is not None for given in (episodes, output, opponent)) or as_json:
            raise typer.BadParameter("with --now it is played and kept like every other: without --episodes and such")
        ask_to_evaluate(file, configuration.load(config), name=name)
        return
    settings = _against(_with_episodes(configuration.load(config), episodes), opponent)
    rom = app.check_setup(settings)
    warn(rom.warning)
    with progress_bar(quiet=as_json) as on_progress:
        made = evaluate_file(file, settings, rom_sha256=Digest(rom.sha256), output=output, on_progress=on_progress)
    if as_json:
        print(_results_json(made, several=settings.evaluation.has_several_plans), end="")  # noqa: T201 -- this is the answer
    for result in () if as_json else made.results.values():
        out.print(_result_table(result))
    for scenario, sentence in made.refused.items():
        err.print(f"[red]{escape(scenario)}: {escape(sentence)}", soft_wrap=True)
    raise typer.Exit(ExitCode.FAILED if made.refused else ExitCode.DONE)


def plan(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show what is played for each checkpoint, and the plan's identity."""
    settings = configuration.load(config)
    rom = app.check_setup(settings)
    warn(rom.warning)
    plans = Planner.read(settings.evaluation, Digest(rom.sha256)).planned(settings.environment.options()).plans
    told = [{"plan_sha256": plan_digest(made), **jobfiles.plain(made)} for made in plans]
    if as_json:
        show({"rom": rom.name, "plans": told}, as_json=True, title="plan")
        return
    for made, values in zip(plans, told, strict=True):
        seeds = f"{made.seeds[0]} to {made.seeds[-1]}"
        show({"rom": rom.name, **values, "seeds": seeds}, as_json=False, title=plan_name(made))


def _with_episodes(settings: Config, episodes: int | None) -> Config:
    if episodes is None:
        return settings
    try:
        plan_seeds(settings.evaluation.first_seed, episodes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--episodes") from error
    evaluation = settings.evaluation.model_copy(update={"episodes": episodes})
    return settings.model_copy(update={"evaluation": evaluation})


def _against(settings: Config, opponent: str | None) -> Config:
    """Scenarios of the configuration give way to the game of two."""
    if opponent is None:
        return settings
    chosen = opponent if opponent in OPPONENTS else Path(opponent).absolute()
    evaluation = settings.evaluation.model_copy(update={"opponent": chosen, "scenarios": ()})
    return settings.model_copy(update={"evaluation": evaluation})


def _results_json(made: Evaluated, *, several: bool) -> str:
    """`result.json`, or one object with that of each scenario where the configuration lists them."""
    if not several:
        return jobfiles.to_json(next(iter(made.results.values())))
    results = {name: json.loads(jobfiles.to_json(result)) for name, result in made.results.items()}
    return json.dumps({"results": results, "refused": dict(made.refused)}, indent=1) + "\n"


def _result_table(result: EvaluationResult) -> Table:
    summary = result.summary
    name = f"{escape(result.checkpoint.name)}: step {result.checkpoint.step:,}"
    table = Table(title=f"{name}, {plan_name(result.plan)}, {summary.episodes} games")
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
    counts = {"won": summary.wins, "lost": summary.losses, "drawn": summary.draws, "timed out": summary.timeouts}
    table.caption = ", ".join(f"{number} {word}" for word, number in counts.items() if number or word != "drawn")
    return table


def _cells(estimate: Estimate, unit: int) -> list[str]:
    sign = " %" if unit == 100 else ""  # noqa: PLR2004 -- percent
    return [f"{value * unit:.2f}{sign}" for value in (estimate.value, estimate.low, estimate.high)]
