"""Tries whether the games of this machine can be compared: alike from one seed, others from other seeds, as on other days.

Everything that is measured stands on this. Takes some thousand frames; knows nothing of checkpoints.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from env import replay as replays
from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import NotComparable, ReplayDiverged
from env.game import CAPSULE_QUEUE, CAPSULE_QUEUE_LENGTH, COLUMNS, ROWS, Seats, seats
from env.options import Scenario
from env.play import Play, drive
from env.savestate import ram as ram_of_state
from env.stand_in import golden_games, stand_in_rom

SEEDS: Final = 20
#: of random input, after which two games of one seed have to stand alike
FRAMES: Final = 240
#: the recorded game that is played again; `doctor` plays them all
GOLDEN: Final = "clear"
_BUTTONS: Final = np.array([0x00, 0x01, 0x02, 0x20, 0x40, 0x80], np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was played without a finding."""

    games: int
    frames: int


def check(cartridge: Cartridge, scenario: Scenario) -> Tried:
    """Play what shows whether results can be compared.

    Raises:
        NotComparable: they cannot; the sentence says why.
        BootError: the ROM does not play this scenario.
        EmulatorError: the emulator failed, which says nothing of the games.
    """
    first, second = (_end_of_a_game(cartridge, scenario) for _ in range(2))
    if first[0] != second[0]:
        raise NotComparable(
            f"The same game, seed 0 of {scenario.name} with the same input, came out differently the second time "
            f"(RAM {first[0][:8]} and {second[0][:8]}): no result of this machine can be compared with another."
        )
    frames = first[1] + second[1] + _require_different_games(cartridge, scenario) + _replay_golden_game()
    return Tried(games=SEEDS + 3, frames=frames)


def _end_of_a_game(cartridge: Cartridge, scenario: Scenario) -> tuple[str, int]:
    """From power-on: the hash of the RAM after some play of seed 0, and the frames that it took."""
    with Emulator(cartridge.path) as emulator:
        drive(emulator, StartStates(cartridge).begin(emulator, scenario, seed=0))
        end = drive(emulator, _random_input())
        return hashlib.sha256(end).hexdigest(), emulator.frames


def _random_input() -> Play[bytes]:
    """The same buttons every time, on the first pad."""
    pads = np.zeros((FRAMES, 2), np.uint8)
    pads[:, 0] = np.random.Generator(np.random.Philox(key=0)).choice(_BUTTONS, FRAMES)
    return (yield pads.tobytes())


def _require_different_games(cartridge: Cartridge, scenario: Scenario) -> int:
    """The frames that it took."""
    starts, dealt = StartStates(cartridge), dict[bytes, int]()
    at = seats(scenario.player, has_rival=scenario.has_rival)
    with Emulator(cartridge.path) as emulator:
        for seed in range(SEEDS):
            ram = ram_of_state(drive(emulator, starts.begin(emulator, scenario, seed=seed)))
            twin = dealt.setdefault(_deal(ram, at), seed)
            if twin != seed:
                raise NotComparable(
                    f"The seeds {twin} and {seed} of {scenario.name} give the very same game: "
                    "this ROM does not take its games from the seed, and a hundred of them would be one."
                )
        return emulator.frames


def _deal(ram: bytes, at: Seats) -> bytes:
    """The viruses and all capsules to come."""
    field, queue = at.own.field, CAPSULE_QUEUE
    return ram[field : field + ROWS * COLUMNS] + ram[queue : queue + CAPSULE_QUEUE_LENGTH]


def _replay_golden_game() -> int:
    """The frames that it took."""
    (path,) = (path for path in golden_games() if path.stem == GOLDEN)
    with Emulator(stand_in_rom()) as emulator:
        try:
            replays.verify(replays.read(path), emulator)
        except ReplayDiverged as error:
            raise NotComparable(
                f"A game that was recorded with this project does not come out as it did ({error}): "
                "this Mednafen plays otherwise; install version 1.29 or 1.32 as Debian has it."
            ) from error
        return emulator.frames
