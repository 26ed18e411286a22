"""Actions as pads, carried out by the rules model and by the cartridge."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import pytest
from models.comparison import expected_ram, play
from models.machine import CARTRIDGE, FIELD, MODE, PLAY, Machine
from models.rules_model import FALLING, RESOLVING, Round, new_round
from models.seeding_model import EMPTY

from env.actions import ACTIONS, ControlLost, placement_mask, until_control
from env.boot import StartStates
from env.emulator import Emulator
from env.game import ACTION, ALONE, CAPSULE, COLUMN, GAME_SEEDS, ROTATION, Action, capsule_count, is_falling, is_over
from env.options import Scenario, Speed
from env.play import Play, drive, drive_all
from env.wire import Pad

BuildRam = Callable[..., bytes]
#: Where a capsule locked: column, rotation.
Landing = tuple[int, int]
PLACEMENT = ACTIONS["placement"]


def ram_of(model: Round) -> bytes:
    ram = bytearray(2048)
    for address, value in (expected_ram(model) | {MODE: PLAY}).items():
        ram[address] = value
    ram[FIELD : FIELD + 128] = model.board
    return bytes(ram)


def play_pads(model: Round, pads: Generator[bytes, bytes, object]) -> Landing:
    """Let the model do what an action says; where its capsule locked."""
    landing = model.x, model.rotation
    try:
        chunk = next(pads)
        while True:
            for pad in chunk[::2]:
                was_falling = model.action == FALLING
                model.frame(int(f"{pad:08b}"[::-1], 2))
                landing = (model.x, model.rotation) if was_falling else landing
            chunk = pads.send(ram_of(model))
    except StopIteration:
        return landing


def carried_out(pads: Generator[bytes, bytes, object], ram: bytes) -> bytes:
    """All pads of an action while the RAM stays as it is."""
    held = b""
    try:
        chunk = next(pads)
        while True:
            held += chunk
            chunk = pads.send(ram)
    except StopIteration:
        return held


def round_in_control(level: int, speed: int, *, seed: int) -> Round:
    a, b = divmod((seed % GAME_SEEDS + 1) << 1, 256)
    model = new_round(level, speed, a=a, b=b)
    while model.action != FALLING:
        model.frame(0)
    return model


def place(model: Round, action: int) -> Landing:
    return play_pads(model, PLACEMENT.pads(action, ram_of(model), 1, ALONE))


@pytest.mark.parametrize(("action", "button"), list(enumerate([Pad(0), Pad.LEFT, Pad.RIGHT, Pad.DOWN, Pad.A, Pad.B])))
@pytest.mark.parametrize("frame_skip", [1, 3, 4, 10, 60])
def test_a_pad_action_holds_its_button_for_the_frame_skip(
    build_ram: BuildRam, action: int, button: Pad, frame_skip: int
) -> None:
    held = carried_out(ACTIONS["pad"].pads(action, build_ram(), frame_skip, ALONE), build_ram())
    assert held == bytes((button, 0)) * frame_skip


def test_a_pad_action_is_always_possible(build_ram: BuildRam) -> None:
    assert ACTIONS["pad"].mask(build_ram(), ALONE).tolist() == [True] * 6


def test_a_long_pad_action_stops_with_the_round(build_ram: BuildRam) -> None:
    pads = ACTIONS["pad"].pads(3, build_ram(), 60, ALONE)
    held = next(pads)
    with pytest.raises(StopIteration):
        pads.send(build_ram({0x309: 1}))
    assert len(held) < 2 * 60


@pytest.mark.parametrize(
    ("blocked", "equal", "legal"),
    [
        ((), False, 30),
        ((), True, 15),
        ((2,), False, 18),
        ((5,), False, 18),
        ((2, 5), False, 6),
        ((0, 7), False, 22),
        ((2, 5), True, 3),
    ],
)
def test_the_mask_walks_the_top_row_as_far_as_it_is_empty(
    build_ram: BuildRam, blocked: tuple[int, ...], legal: int, *, equal: bool
) -> None:
    ram = build_ram({CAPSULE + 1: 0 if equal else 1}, field={(0, column): 0x80 for column in blocked})
    mask = placement_mask(ram)
    assert mask.shape == (32,)
    assert mask.sum() == legal


def test_a_cell_that_was_just_emptied_still_blocks_the_top_row(build_ram: BuildRam) -> None:
    assert not placement_mask(build_ram(field={(0, 5): 0xF1}))[5 * 4 + 1]


@pytest.mark.parametrize("speed", range(3))
@pytest.mark.parametrize("action", range(32))
def test_what_the_mask_allows_lands_where_it_is_aimed_and_nothing_else_does(action: int, speed: int) -> None:
    chance = np.random.default_rng(action)
    for seed in range(6):
        model = round_in_control(0, speed, seed=seed)
        for column in chance.choice(8, 2, replace=False).tolist():
            if column not in (3, 4):
                model.board[column::8] = bytes([0x80 | row // 2 % 2 for row in range(16)])
        allowed = placement_mask(ram_of(model))[action]
        doubled = model.colours[0] == model.colours[1] and action % 4 > 1
        landed = place(model, action) == divmod(action, 4)
        assert allowed == landed or (doubled and not allowed)


@pytest.mark.parametrize("speed", range(3))
def test_in_whole_random_games_of_the_model_placements_land_where_aimed(speed: int) -> None:
    chance, placed, missed = np.random.default_rng(speed), 0, 0
    for seed in range(12):
        model = round_in_control(seed % 6, speed, seed=100 + seed)
        while not model.over:
            action = int(chance.choice(np.flatnonzero(placement_mask(ram_of(model)))))
            missed += place(model, action) != divmod(action, 4)
            placed += 1
    assert placed > 150
    assert missed == 0


def test_an_action_that_cannot_be_reached_drops_the_capsule_where_it_is_held() -> None:
    model = round_in_control(0, 2, seed=3)
    model.board[2::8] = bytes([0x80 | row // 2 % 2 for row in range(16)])
    assert place(model, 0 * 4)[0] == 3
    assert model.action == FALLING


def test_nothing_is_pressed_between_the_lock_and_the_next_control(build_ram: BuildRam) -> None:
    pads = PLACEMENT.pads(3 * 4, build_ram(), 1, ALONE)
    assert next(pads)[0] == Pad.DOWN
    for state in (Action.RESOLVING, Action.THROWING, Action.SPAWNED):
        chunk = pads.send(build_ram({ACTION: state, COLUMN: 3}))
        assert not any(chunk)
    with pytest.raises(StopIteration):
        pads.send(build_ram())


def test_a_game_that_gives_no_control_is_an_error_and_no_endless_wait(build_ram: BuildRam) -> None:
    waiting = until_control(build_ram({ACTION: Action.THROWING}))
    with pytest.raises(ControlLost, match="no control"):
        carried_out(waiting, build_ram({ACTION: Action.THROWING}))


@dataclass(slots=True)
class Count:
    placed: int = 0
    missed: list[tuple[int, Landing]] = field(default_factory=list)


def random_games(starts: StartStates, emulator: Emulator, scenario: Scenario, *, seeds: range) -> Play[Count]:
    """Whole games of random legal placements on the cartridge."""
    count, chance = Count(), np.random.default_rng(seeds.start)
    for seed in seeds:
        yield from starts.begin(emulator, scenario, seed=seed)
        ram = emulator.read_ram()
        while not is_over(ram):
            action = int(chance.choice(np.flatnonzero(placement_mask(ram))))
            landing, ram = yield from watched(action, ram)
            count.placed += 1
            if landing != divmod(action, 4):
                count.missed.append((action, landing))
    return count


def watched(action: int, ram: bytes) -> Play[tuple[Landing, bytes]]:
    """Where the capsule locked (the game keeps its old place until the next one), and the RAM after the action."""
    pads, landing = PLACEMENT.pads(action, ram, 1, ALONE), None
    try:
        chunk = next(pads)
        while True:
            ram = yield chunk
            if landing is None and not is_falling(ram):
                landing = ram[COLUMN], ram[ROTATION]
            chunk = pads.send(ram)
    except StopIteration:
        return landing or (-1, -1), ram


def placements(starts: StartStates, *, level: int, seeds: range) -> list[Count]:
    """At every speed, side by side."""
    speeds: tuple[Speed, ...] = get_args(Speed)
    with ExitStack() as stack:
        emulators = [stack.enter_context(Emulator(CARTRIDGE)) for _ in speeds]
        return drive_all(
            (one, random_games(starts, one, Scenario(level=level, speed=speed), seeds=seeds))
            for one, speed in zip(emulators, speeds, strict=True)
        )


def test_on_the_cartridge_placements_land_where_aimed_at_every_speed(starts: StartStates) -> None:
    counts = placements(starts, level=0, seeds=range(40, 42))
    assert sum(count.placed for count in counts) > 100
    assert [count.missed for count in counts] == [[], [], []]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", [0, 4, 12])
def test_on_the_cartridge_thousands_of_placements_land_where_aimed(starts: StartStates, level: int) -> None:
    counts = placements(starts, level=level, seeds=range(100, 120))
    assert sum(count.placed for count in counts) > 500
    assert [count.missed for count in counts] == [[], [], []]


def test_the_cartridge_and_the_model_come_to_the_same_game(machine: Machine) -> None:
    model = machine.begin(2, 1, state=4242)
    while model.action != FALLING:
        play(machine, model, 0)
    chance = np.random.default_rng(7)
    for _ in range(12):
        ram = machine.ram
        action = int(chance.choice(np.flatnonzero(placement_mask(ram))))
        before = deepcopy(model)
        place(model, action)
        drive(machine.emulator, PLACEMENT.pads(action, ram, 1, ALONE))
        assert machine.ram[FIELD : FIELD + 128] == model.board
        assert before.capsules + 1 == model.capsules == capsule_count(machine.ram)
    assert model.board != bytes([EMPTY]) * 128
    assert model.action != RESOLVING
