"""`observer verify`: are these replays the games that they say they are?"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import track

from env import claims
from env import replay as replays
from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EmulatorMissing, EnvError, RomError
from observer import config as configuration
from observer.adapters import jobfiles
from observer.cli.terminal import ConfigOption, JsonOption, err, out
from observer.core.errors import ExitCode, ObserverError, ResultInvalid
from observer.core.models import EvaluationResult


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Replays, or folders of them.", metavar="REPLAY...")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Play replays again and compare: is each the game that it says it is?"""
    starts = StartStates(Cartridge.read(configuration.load(config).environment.rom_path))
    found = sorted({file for path in paths for file in (path.rglob("*.replay") if path.is_dir() else [path])})
    if not found:
        raise ObserverError(f"there is no replay in {', '.join(map(str, paths))}")
    shown = found if as_json or not err.is_terminal else track(found, "verifying", console=err, transient=True)
    problems = {str(file): problem for file in shown if (problem := _problem(file, starts))}
    if as_json:
        print(json.dumps({"replays": len(found), "problems": problems}, indent=1))  # noqa: T201 -- this is the answer
    for file, problem in ({} if as_json else problems).items():
        err.print(f"[red]{escape(file)}: {escape(problem.removeprefix(f'{file}: '))}", soft_wrap=True)
    if not as_json:
        out.print(f"{len(found) - len(problems)} of {len(found)} replays match")
    raise typer.Exit(ExitCode.FAILED if problems else ExitCode.DONE)


def _problem(file: Path, starts: StartStates) -> str | None:
    """What is wrong with a replay; None where it comes out as recorded."""
    try:
        replay = replays.read(file)
        with Emulator(starts.cartridge.path) as emulator:
            claims.check(replay, emulator, starts)
    except (RomError, EmulatorMissing):
        raise
    except EnvError as error:
        return str(error)
    recorded = _recorded(file.parent.parent / "result.json").get(file.name)
    if recorded is not None and recorded != hashlib.sha256(file.read_bytes()).hexdigest():
        return "It is a sound replay, but not the one that result.json beside it was made from: it was exchanged or edited."
    return None


@lru_cache(maxsize=1)
def _recorded(result: Path) -> Mapping[str, str]:
    """File name -> hash of the replays that a result rests on; none where there is no result."""
    try:
        episodes = jobfiles.read(EvaluationResult, result).episodes
    except ResultInvalid:
        return {}
    return {f"{game.seed}.replay": game.replay_sha256 for game in episodes}
