"""A replay that was edited in any way that can be seen is refused in one sentence; the untouched game is accepted after it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from models.machine import CARTRIDGE

from env import claims
from env import replay as replays
from env.boot import StartStates
from env.cartridge import Cartridge
from env.drmario import DrMarioEnv
from env.emulator import Emulator
from env.errors import EnvError
from env.lane import GameSettings
from env.options import EnvironmentOptions
from env.replay import Replay
from env.savestate import ram, with_ram
from env.stand_in import golden_games
from env.wire import Pad

Edit = Callable[[Replay, Replay], Replay]


def recorded(starts: StartStates, seed: int) -> Replay:
    """A few capsules, dropped in one column after the other until the time is over."""
    env = DrMarioEnv(starts, GameSettings(options=EnvironmentOptions(actions="placement"), frame_limit=700))
    env.reset(seed=seed)
    over, column = False, 0
    info: dict[str, Any] = {}
    while not over:
        column = (column + 3) % 7
        _, _, terminated, truncated, info = env.step(4 * column)
        over = terminated or truncated
    env.close()
    return replays.from_bytes(info["replay"])


@pytest.fixture(scope="module")
def games(starts: StartStates) -> tuple[Replay, Replay]:
    return recorded(starts, 5), recorded(starts, 6)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(CARTRIDGE) as running:
        yield running


def record(**changes: object) -> Edit:
    return lambda game, _: replace(game, record={**game.record, **changes})


def scenario(**changes: object) -> Edit:
    return lambda game, _: replace(game, scenario={**game.scenario, **changes})


def flipped(game: Replay, _: Replay) -> Replay:
    """The first press of a button that steers is another one."""
    place = next(place for place, pad in enumerate(game.inputs) if pad in {Pad.LEFT, Pad.RIGHT})
    inputs = bytearray(game.inputs)
    inputs[place] ^= Pad.LEFT | Pad.RIGHT
    return replace(game, inputs=bytes(inputs))


def with_another_last_capsule(game: Replay, _: Replay) -> Replay:
    """In the queue, where this game never comes."""
    return replace(game, start_state=with_ram(game.start_state, {0x07FF: (ram(game.start_state)[0x07FF] + 1) % 9}))


def cut_short(game: Replay, _: Replay) -> Replay:
    """A sound recording of the game's beginning."""
    frame, digest = game.checks[0]
    return replace(game, inputs=game.inputs[: 2 * frame], checks=((frame, digest),))


def with_a_start_of_another_board(game: Replay, _: Replay) -> Replay:
    data = bytearray(CARTRIDGE.read_bytes())
    data[6] = data[6] & 0x0F | 0x40
    path = Path(str(game.metadata["folder"])) / "mmc3.nes"
    path.write_bytes(data)
    with Emulator(path) as other:
        return replace(game, start_state=other.save_state())


EDITS: dict[str, tuple[Edit, str]] = {
    "an input": (flipped, "diverges between frames 0 and"),
    "all inputs": (lambda game, _: replace(game, inputs=game.inputs[::-1]), "diverges"),
    "a check": (lambda game, _: replace(game, checks=((game.frames, "0" * 16),)), "diverges"),
    "the end cut off": (cut_short, "record says frames"),
    "the start": (lambda game, other: replace(game, start_state=other.start_state), "diverges"),
    "a byte of the start": (with_another_last_capsule, "does not begin|diverges"),
    "the start of another cartridge": (with_a_start_of_another_board, "of another cartridge or another emulator"),
    "the seed": (lambda game, _: replace(game, seed=7), "does not begin as seed 7 in 1p-level0-med does"),
    "another game under its seed": (lambda game, other: replace(other, seed=game.seed), "does not begin as seed 5"),
    "the ROM": (lambda game, _: replace(game, rom_sha256="0" * 64), "give the same ROM"),
    "the level": (scenario(level=5), "does not begin as seed 5 in 1p-level5-med"),
    "a level that is none": (scenario(level=21), "level: 21 is not a level of the game"),
    "a scenario that is none": (scenario(players=1), "names a scenario that is none"),
    "the outcome": (record(outcome="win"), "record says outcome 'win', and the game came to 'timeout'"),
    "won": (record(won=True), "record says won True"),
    "topped out": (record(topped_out=True), "record says topped_out"),
    "the viruses": (record(viruses_cleared=4), "record says viruses_cleared 4"),
    "the capsules": (record(capsules=99), "record says capsules 99"),
    "the frames": (record(frames=1), "record says frames 1"),
    "no record": (lambda game, _: replace(game, record={}), "record says frames None"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_replay_is_refused_in_one_sentence(
    games: tuple[Replay, Replay], emulator: Emulator, starts: StartStates, tmp_path: Path, kind: str
) -> None:
    edit, words = EDITS[kind]
    game = replace(games[0], metadata={"folder": str(tmp_path)})
    forged = replays.from_bytes(replays.to_bytes(edit(game, games[1])))  # with a right checksum
    with pytest.raises(EnvError, match=words) as caught:
        claims.check(forged, emulator, starts)
    assert "\n" not in str(caught.value)
    assert emulator.is_alive(), "nothing was sent to it that it cannot take"


def test_an_untouched_game_is_accepted(games: tuple[Replay, Replay], emulator: Emulator, starts: StartStates) -> None:
    for game in games:
        claims.check(game, emulator, starts)


@pytest.mark.parametrize("path", golden_games(), ids=lambda path: str(path.stem))
def test_the_golden_games_are_what_they_say(path: Path, emulator: Emulator) -> None:
    claims.check(replays.read(path), emulator, StartStates(Cartridge.read(CARTRIDGE)))
