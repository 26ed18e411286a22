"""Every place where a capsule can come to lie: held against the rules model's every input, and against the cartridge."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.comparison import expected_ram
from models.machine import BLOCK, FIELD, MODE, PLAY, Machine
from models.rules_model import DOWN, FALLING, LEFT, LOW, RIGHT, A, B, Round, new_round
from models.seeding_model import CELLS, EMPTY, ROWS, VIRUS

from env.actions import ACTIONS, placement_mask, reach_mask
from env.game import ALONE, Seats, is_falling
from env.play import Play, drive
from env.reaching import PLACES

REACH = ACTIONS["reach"]
#: Column, row from the top and rotation of the lower left cell.
Place = tuple[int, int, int]
CROSSES = (0, LEFT, RIGHT, DOWN, LEFT | RIGHT)
INPUTS = tuple(cross | turn for cross in CROSSES for turn in (0, A, B, A | B))
#: At HI, by speed-ups: 14 and 10 frames a row.
SPEED_UPS = (0, 4)


def place_of(action: int) -> Place:
    cell, rotation = divmod(action, 4)
    return cell % 8, cell // 8, rotation


def ram_of(model: Round) -> bytes:
    ram = bytearray(2048)
    for address, value in (expected_ram(model) | {MODE: PLAY}).items():
        ram[address] = value
    ram[FIELD : FIELD + CELLS] = model.board
    return bytes(ram)


def board(chance: np.random.Generator, *, rows: int, share: float) -> bytearray:
    """Cells strewn over the lower rows, so that there is much to slide under; the last one is a virus."""
    cells = bytearray([EMPTY]) * CELLS
    for cell in range((ROWS - rows) * 8, CELLS):
        if chance.random() < share:
            cells[cell] = 0x80 | int(chance.integers(3))
    cells[-1] = VIRUS
    return cells


def falling(cells: bytearray, *, speed: int = 2, speed_ups: int = 0, height: int = 15) -> Round:
    """A capsule of two colours that falls from the middle of a row, in its first frame there."""
    model = new_round(0, speed, a=0x12, b=0x34)
    while model.action != FALLING:
        model.frame(0)
    model.board[:], model.speedups, model.y, model.colours = cells, speed_ups, height, (0, 1)
    return model


def offered(model: Round) -> set[Place]:
    return {place_of(int(action)) for action in np.flatnonzero(reach_mask(ram_of(model)))}


def by_every_input(model: Round) -> set[Place]:
    """Where the model's capsule locks, whatever is held in whichever frame."""
    cells = bytes(model.board)
    begin = (model.x, model.y, model.rotation, model.gravity, model.repeat, 0, model.frame_counter & 1)
    seen, to_do, found = {begin}, [begin], set[Place]()
    while to_do:
        at = to_do.pop()
        for held in INPUTS:
            model.x, model.y, model.rotation, model.gravity, model.repeat, model.held, model.frame_counter = at
            model.begin_frame(held)
            model.act()
            if model.action != FALLING:
                found.add((model.x, ROWS - 1 - model.y, model.rotation))
                model.action, model.board[:] = FALLING, cells
                continue
            still = held & (LEFT | RIGHT | A | B)
            after = (model.x, model.y, model.rotation, model.gravity, model.repeat, still, model.frame_counter & 1)
            if after not in seen:
                seen.add(after)
                to_do.append(after)
    return found


def landed(model: Round, action: int) -> Place:
    """Where a copy of the model locks its capsule, if it is sent there."""
    model = deepcopy(model)
    pads = REACH.pads(action, ram_of(model), 1, ALONE)
    chunk = next(pads)
    while True:
        for pad in chunk[::2]:
            model.frame(int(f"{pad:08b}"[::-1], 2))
            if model.action != FALLING:
                return model.x, ROWS - 1 - model.y, model.rotation
        chunk = pads.send(ram_of(model))


@pytest.mark.parametrize("seed", [1, 4])
def test_no_place_that_any_input_leads_to_is_missed(seed: int) -> None:
    compare_with_every_input(seed, speed_ups=SPEED_UPS[-1], height=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("speed_ups", SPEED_UPS)
@pytest.mark.parametrize("seed", range(100, 110))
def test_no_place_is_missed_from_higher_up_and_at_other_speeds(seed: int, speed_ups: int) -> None:
    compare_with_every_input(seed, speed_ups=speed_ups, height=3)


def compare_with_every_input(seed: int, *, speed_ups: int, height: int) -> None:
    cells = board(np.random.default_rng(seed), rows=height + 1, share=0.45)
    for column in (3, 4):
        cells[(ROWS - 1 - height) * 8 + column] = EMPTY
    model = falling(cells, speed_ups=speed_ups, height=height)
    assert offered(model) == by_every_input(model)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(0, 14),
    share=st.floats(0.1, 0.8),
    speed=st.integers(LOW, 2),
    speed_ups=st.integers(0, 49),
)
def test_in_the_model_a_capsule_lands_wherever_it_is_sent(
    seed: int, rows: int, share: float, *, speed: int, speed_ups: int
) -> None:
    chance = np.random.default_rng(seed)
    model = falling(board(chance, rows=rows, share=share), speed=speed, speed_ups=speed_ups)
    actions = np.flatnonzero(reach_mask(ram_of(model)))
    for action in chance.choice(actions, min(8, len(actions)), replace=False):
        assert landed(model, int(action)) == place_of(int(action))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), rows=st.integers(0, 15))
def test_what_can_be_dropped_can_be_reached(seed: int, rows: int) -> None:
    model = falling(board(np.random.default_rng(seed), rows=rows, share=0.4))
    ram, straight = ram_of(model), set[tuple[int, int]]()
    for action in np.flatnonzero(placement_mask(ram)):
        straight.add((int(action) // 4, int(action) % 4))
    assert straight <= {(column, rotation) for column, _, rotation in offered(model)}


def test_a_capsule_slides_under_what_hangs_over() -> None:
    cells = bytearray([EMPTY]) * CELLS
    cells[13 * 8 : 13 * 8 + 3] = bytes([0x80]) * 3
    assert {(0, 15, 0), (1, 15, 0), (0, 15, 1), (2, 14, 0)} & offered(falling(cells)) == {
        (0, 15, 0),
        (1, 15, 0),
        (0, 15, 1),
    }


def test_two_halves_of_one_colour_make_half_as_many_places() -> None:
    model = falling(bytearray([EMPTY]) * CELLS)
    assert len(offered(model)) == 30
    model.colours = (1, 1)
    assert {rotation for _, _, rotation in offered(model)} == {0, 1}


def test_where_nothing_can_be_steered_it_still_lies_somewhere() -> None:
    cells = bytearray([0x80]) * CELLS
    cells[3], cells[4] = EMPTY, EMPTY
    assert {(column, row) for column, row, _ in offered(falling(cells))} == {(3, 0), (4, 0)}


def test_a_place_that_cannot_be_reached_leaves_the_capsule_to_drop() -> None:
    model = falling(bytearray([EMPTY]) * CELLS)
    assert landed(model, 0) == (3, 15, 0)


def test_nothing_can_be_reached_while_nothing_falls() -> None:
    model = falling(bytearray([EMPTY]) * CELLS)
    model.lost = True
    assert reach_mask(ram_of(model)).shape == (PLACES,)
    assert not reach_mask(ram_of(model)).any()


@dataclass(frozen=True)
class Scene:
    """A capsule at the top of a strewn board, in a save state."""

    state: bytes
    places: list[int]


def scenes(machine: Machine, *, boards: int) -> Iterator[Scene]:
    for seed in range(boards):
        chance = np.random.default_rng(seed)
        model = machine.begin(0, seed % 3, state=0x1234 + 2 * seed)
        while not is_falling(machine.ram):
            machine.step()
        machine.put_board(model, board(chance, rows=int(chance.integers(2, 14)), share=float(chance.uniform(0.2, 0.6))))
        machine.poke({BLOCK + 0x0A: seed % 2 * int(chance.integers(0, 49))})
        places = np.flatnonzero(reach_mask(machine.ram))
        yield Scene(machine.emulator.save_state(), chance.permutation(places).tolist())


def sent(action: int, ram: bytes, at: Seats = ALONE) -> Play[Place]:
    """Where the capsule locked: the game keeps its old place until the next one."""
    pads = REACH.pads(action, ram, 1, at)
    chunk = next(pads)
    while is_falling(ram, at):
        ram = yield chunk
        if is_falling(ram, at):
            chunk = pads.send(ram)
    own = at.own
    return ram[own.at(BLOCK + 5)], ROWS - 1 - ram[own.at(BLOCK + 6)], ram[own.at(BLOCK + 0x25)]


@pytest.mark.parametrize(
    ("boards", "most"), [(4, 8), pytest.param(60, 512, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_on_the_cartridge_a_capsule_lands_wherever_it_is_sent(machine: Machine, boards: int, most: int) -> None:
    aimed, missed = 0, []
    for scene in scenes(machine, boards=boards):
        for action in scene.places[:most]:
            machine.emulator.load_state(scene.state)
            landing = drive(machine.emulator, sent(action, machine.ram))
            aimed += 1
            if landing != place_of(action):
                missed.append((action, landing))
    assert aimed >= boards * 5
    assert missed == []
