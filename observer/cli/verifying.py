"""`observer verify`: are these replays the games that they say they are?"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import track

from env import claims, segment
from env import replay as replays
from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EmulatorMissing, EnvError, ReplayError, RomError
from env.replay import Replay
from observer import config as configuration
from observer.adapters import jobfiles
from observer.cli.terminal import ConfigOption, JsonOption, err, out
from observer.core.errors import ExitCode, ObserverError, ResultInvalid
from observer.core.models import EvaluationResult


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Replays, segments, or folders of them.", metavar="REPLAY...")],
    config: ConfigOption = None,
    *,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Emulators at once; default: one for each core.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play replays again and compare: is each the game that it says it is?"""
    starts = StartStates(Cartridge.read(configuration.load(config).environment.rom_path))
    found = sorted({file for path in paths for file in (_inside(path) if path.is_dir() else [path])})
    if not found:
        raise ObserverError(f"there is no replay in {', '.join(map(str, paths))}")
    checked = _checked(found, starts, workers=workers or len(os.sched_getaffinity(0)))
    if not as_json and err.is_terminal:
        checked = track(checked, "verifying", total=len(found), console=err, transient=True)
    games, problems = 0, dict[str, str]()
    for count, wrong in checked:
        games += count
        problems |= wrong
        _say(wrong, quiet=as_json)
    if not games:  # "0 of 0 match" with exit 0 would pass for verified
        raise ObserverError(f"there is no whole game in {', '.join(map(str, paths))} yet: nothing was verified")
    if as_json:
        print(json.dumps({"replays": games, "problems": problems}, indent=1))  # noqa: T201 -- this is the answer
    else:
        out.print(f"{games - len(problems)} of {games} replays match")
    raise typer.Exit(ExitCode.FAILED if problems else ExitCode.DONE)


def _inside(folder: Path) -> list[Path]:
    return [file for kind in (".replay", segment.SUFFIX) for file in folder.rglob(f"*{kind}")]


def _say(problems: Mapping[str, str], *, quiet: bool) -> None:
    for name, problem in {} if quiet else problems.items():
        err.print(f"[red]{escape(name)}: {escape(problem.removeprefix(f'{name}: '))}", soft_wrap=True)


def _checked(files: Sequence[Path], starts: StartStates, *, workers: int) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Of each file how many games it has, and what is wrong with which; in their order.

    An emulator runs in the thread that waits for it.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            yield from pool.map(partial(_look_at, starts=starts), files)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _look_at(file: Path, *, starts: StartStates) -> tuple[int, Mapping[str, str]]:
    if file.suffix == segment.SUFFIX:
        return _look_into(file, starts=starts)
    problem = _problem(file, starts=starts)
    return 1, {} if problem is None else {str(file): problem}


def _look_into(file: Path, *, starts: StartStates) -> tuple[int, Mapping[str, str]]:
    """The games of a segment; where it was cut, or is damaged, counts as one more."""
    number, problems = 0, dict[str, str]()
    try:
        for number, replay in enumerate(segment.games(file), start=1):
            if problem := _divergence(replay, starts=starts):
                problems[f"{file}, game {number - 1}"] = problem
    except ReplayError as error:
        return number + 1, {**problems, str(file): str(error)}
    return number, problems


def _divergence(replay: Replay, *, starts: StartStates) -> str | None:
    try:
        with Emulator(starts.cartridge.path) as emulator:
            claims.check(replay, emulator, starts)
    except (RomError, EmulatorMissing):
        raise
    except EnvError as error:
        return str(error)
    return None


def _problem(file: Path, *, starts: StartStates) -> str | None:
    """What is wrong with a replay; None where it comes out as recorded."""
    try:
        problem = _divergence(replays.read(file), starts=starts)
    except ReplayError as error:
        return str(error)
    if problem is not None:
        return problem
    recorded = _recorded(file.parent.parent / "result.json").get(file.name)
    if recorded is not None and recorded != hashlib.sha256(file.read_bytes()).hexdigest():
        return "It is a sound replay, but not the one that result.json beside it was made from: it was exchanged or edited."
    return None


@lru_cache(maxsize=16)
def _recorded(result: Path) -> Mapping[str, str]:
    """File name -> hash of the replays that a result rests on; none where there is no result."""
    try:
        episodes = jobfiles.read(EvaluationResult, result).episodes
    except ResultInvalid:
        return {}
    return {f"{game.seed}.replay": game.replay_sha256 for game in episodes}
