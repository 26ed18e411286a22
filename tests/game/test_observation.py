from collections.abc import Callable

import numpy as np
import pytest
from models.comparison import play
from models.machine import Machine
from models.rules_model import FALLING, Round
from models.seeding_model import Generator, capsule_queue
from numpy.typing import NDArray

from env.game import (
    ACTION,
    ALONE,
    CAPSULE,
    COLUMN,
    HEIGHT,
    MODE,
    NEXT_CAPSULE,
    ROTATION,
    TOPPED_OUT,
    VIRUSES_LEFT,
)
from env.observation import OBSERVATIONS, planes, relative

YELLOW, RED, BLUE = range(3)
BuildRam = Callable[..., bytes]
Ones = set[tuple[int, int, int]]
#: rotation -> where the first and the second half lie, from the lower left cell, as (rows up, columns right)
HALVES = {0: ((0, 0), (0, 1)), 1: ((0, 0), (1, 0)), 2: ((0, 1), (0, 0)), 3: ((1, 0), (0, 0))}
KINDS = {0xD: 0, 0x4: 3, 0x5: 3, 0x6: 3, 0x7: 3, 0x8: 3}


def ones(observation: NDArray[np.float32], channels: range) -> Ones:
    """(row, column, channel) wherever there is a 1, of some channels."""
    return {(r, c, k) for r, c, k in np.argwhere(observation == 1).tolist() if k in channels}


@pytest.mark.parametrize("colour", range(3))
def test_viruses_have_a_plane_for_each_colour(build_ram: BuildRam, colour: int) -> None:
    seen = planes(build_ram(field={(15, 0): 0xD0 | colour, (6, 7): 0xD0 | colour}))
    assert ones(seen, range(6)) == {(15, 0, colour), (6, 7, colour)}


@pytest.mark.parametrize("kind", [0x40, 0x50, 0x60, 0x70, 0x80])
@pytest.mark.parametrize("colour", range(3))
def test_every_kind_of_settled_half_is_seen_in_its_colour(build_ram: BuildRam, kind: int, colour: int) -> None:
    assert ones(planes(build_ram(field={(9, 4): kind | colour})), range(6)) == {(9, 4, 3 + colour)}


@pytest.mark.parametrize("cell", [0xB0, 0xB1, 0xB2, 0xF0, 0xF1, 0xF2, 0xFF])
def test_what_is_cleared_or_just_emptied_counts_as_empty(build_ram: BuildRam, cell: int) -> None:
    assert not ones(planes(build_ram(field={(9, 4): cell})), range(6))


@pytest.mark.parametrize("rotation", range(4))
def test_the_falling_capsule_is_drawn_where_it_is(build_ram: BuildRam, rotation: int) -> None:
    ram = build_ram({COLUMN: 5, HEIGHT: 2, ROTATION: rotation, CAPSULE: BLUE, CAPSULE + 1: RED})
    (up1, right1), (up2, right2) = HALVES[rotation]
    expected = {(13 - up1, 5 + right1, 6 + BLUE), (13 - up2, 5 + right2, 6 + RED)}
    assert ones(planes(ram), range(6, 9)) == expected


@pytest.mark.parametrize(("rotation", "visible"), [(1, BLUE), (3, RED)])
def test_of_an_upright_capsule_at_the_top_only_the_lower_half_is_in_the_field(
    build_ram: BuildRam, rotation: int, visible: int
) -> None:
    ram = build_ram({COLUMN: 0, HEIGHT: 15, ROTATION: rotation, CAPSULE: BLUE, CAPSULE + 1: RED})
    assert ones(planes(ram), range(6, 9)) == {(0, 0, 6 + visible)}


@pytest.mark.parametrize(
    "state", [{ACTION: 1}, {ACTION: 3}, {ACTION: 6}, {TOPPED_OUT: 1}, {VIRUSES_LEFT: 0}, {MODE: 8}]
)
def test_no_capsule_is_drawn_while_none_falls(build_ram: BuildRam, state: dict[int, int]) -> None:
    assert not ones(planes(build_ram(state)), range(6, 9))


def test_the_next_capsule_is_drawn_in_the_middle_of_the_top_row(build_ram: BuildRam) -> None:
    seen = planes(build_ram({NEXT_CAPSULE: BLUE, NEXT_CAPSULE + 1: YELLOW}))
    assert ones(seen, range(9, 12)) == {(0, 3, 9 + BLUE), (0, 4, 9 + YELLOW)}


def test_relative_colours_follow_the_capsule(build_ram: BuildRam) -> None:
    field = {(15, 0): 0xD0 | BLUE, (15, 1): 0xD0 | RED, (15, 2): 0xD0 | YELLOW}
    field |= {(14, 0): 0x80 | BLUE, (14, 1): 0x60 | RED, (14, 2): 0x70 | YELLOW}
    seen = relative(build_ram({CAPSULE: BLUE, CAPSULE + 1: RED}, field=field))
    viruses = {(15, 0, 0), (15, 1, 1), (15, 2, 2)}
    halves = {(14, 0, 3), (14, 1, 4), (14, 2, 5)}
    assert ones(seen, range(6)) == viruses | halves


def test_with_two_equal_halves_both_relative_colours_are_set(build_ram: BuildRam) -> None:
    field = {(15, 0): 0xD0 | RED, (15, 1): 0xD0 | BLUE, (14, 0): 0x80 | RED}
    seen = relative(build_ram({CAPSULE: RED, CAPSULE + 1: RED}, field=field))
    assert ones(seen, range(6)) == {(15, 0, 0), (15, 0, 1), (15, 1, 2), (14, 0, 3), (14, 0, 4)}


@pytest.mark.parametrize(
    ("following", "channels"), [((BLUE, YELLOW), {6, 11}), ((RED, RED), {7, 10}), ((YELLOW, BLUE), {8, 9})]
)
def test_the_next_capsule_fills_relative_planes(
    build_ram: BuildRam, following: tuple[int, int], channels: set[int]
) -> None:
    colours = {CAPSULE: BLUE, CAPSULE + 1: RED, NEXT_CAPSULE: following[0], NEXT_CAPSULE + 1: following[1]}
    seen = relative(build_ram(colours))
    assert {k for k in range(6, 12) if seen[:, :, k].all()} == channels
    assert {k for k in range(6, 12) if seen[:, :, k].any()} == channels


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_an_observation_is_an_array_of_its_own(build_ram: BuildRam, name: str) -> None:
    ram = build_ram(field={(15, 0): 0xD0})
    first = OBSERVATIONS[name](ram, ALONE)
    first[:] = 7
    second = OBSERVATIONS[name](ram, ALONE)
    assert second.shape == (16, 8, 12)
    assert second.dtype == np.float32
    assert set(np.unique(second)) == {0.0, 1.0} | ({0.5} if name == "original" else set())


def expected_planes(model: Round) -> NDArray[np.float32]:
    """The same, from the rules model."""
    seen = np.zeros((16, 8, 12), np.float32)
    for i, cell in enumerate(model.board):
        if cell >> 4 in KINDS:
            seen[i // 8, i % 8, KINDS[cell >> 4] + (cell & 3)] = 1
    if model.action == FALLING and not model.over:
        for (up, right), colour in zip(HALVES[model.rotation], model.colours, strict=True):
            if model.y + up <= 15:
                seen[15 - model.y - up, model.x + right, 6 + colour] = 1
    for half, colour in enumerate(model.next_colours):
        seen[0, 3 + half, 9 + colour] = 1
    return seen


def expected_relative(model: Round) -> NDArray[np.float32]:
    """The same, cell by cell."""
    seen = np.zeros((16, 8, 12), np.float32)

    def mark(where: tuple[slice | int, slice | int], channel: int, colour: int) -> None:
        matching = [k for k, own in enumerate(model.colours) if own == colour] or [2]
        for k in matching:
            seen[(*where, channel + k)] = 1

    for i, cell in enumerate(model.board):
        if cell >> 4 in KINDS:
            mark((i // 8, i % 8), KINDS[cell >> 4], cell & 3)
    for half, colour in enumerate(model.next_colours):
        mark((slice(None), slice(None)), 6 + 3 * half, colour)
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_on_the_cartridge_observations_are_those_of_the_rules_model(machine: Machine, seed: int) -> None:
    chance = np.random.default_rng(seed)
    model = machine.begin(seed * 4, seed % 3, state=(seed * 999 + 1) << 1)
    choices = chance.choice([0, 0x80, 0x40, 0x02, 0x01, 0x04, 0x04, 0x04], 60)
    for held in np.repeat(choices, chance.integers(1, 14, 60)).tolist():
        play(machine, model, held)
        np.testing.assert_array_equal(planes(machine.ram), expected_planes(model))
        np.testing.assert_array_equal(relative(machine.ram), expected_relative(model))
        if model.over:
            break


def test_the_first_capsules_seen_are_the_queues(machine: Machine) -> None:
    queue = capsule_queue(Generator(0x12, 0x34))
    machine.begin(0, 1, state=0x1234)
    machine.wait_for({ACTION: FALLING})
    seen = planes(machine.ram)
    first, second = divmod(queue[1], 3), divmod(queue[2], 3)
    assert ones(seen, range(6, 9)) == {(0, 3 + half, 6 + colour) for half, colour in enumerate(first)}
    assert ones(seen, range(9, 12)) == {(0, 3 + half, 9 + colour) for half, colour in enumerate(second)}
