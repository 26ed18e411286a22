"""How fast capsules fall."""

import pytest
from models.arena import (
    ACTION,
    CAPSULES,
    CORNER,
    GRAVITY,
    LEVEL,
    SPEED,
    SPEEDUPS,
    Arena,
    X,
    Y,
    action,
    block,
)
from models.fidelity import Fact
from models.machine import BLOCK, FIELD, Machine
from models.rules_model import DOWN, FALLING, HI, LOW, MED, SPAWNED

TOPIC = "Speed"
NO_SPEEDUPS = 0x723
SPEED_INDEX = 0x20
#: as documented, by formula
FRAMES_BY_INDEX = [
    *(70 - 2 * index for index in range(26)),
    *(45 - index for index in range(26, 35)),
    *[10, 10, 9, 9, 8, 8, 7, 7],
    *[6] * 12,
    *[5] * 5,
    *[4] * 5,
    *[3] * 5,
    *[2] * 10,
    1,
]
BASE = {LOW: 15, MED: 25, HI: 31}


def frames_per_row(arena: Arena, speed: int, speedups: int) -> int:
    """From one row to the next."""
    arena.stage(block={SPEED: speed, SPEEDUPS: speedups & 255, GRAVITY: 0})
    return len(arena.until(lambda ram: block(ram, Y) == 14))


@pytest.mark.parametrize(("speed", "name", "frames"), [(LOW, "LOW", 40), (MED, "MED", 20), (HI, "HI", 14)])
def test_a_speeds_first_rows(arena: Arena, fact: Fact, speed: int, name: str, frames: int) -> None:
    fact(f"Frames a row at first, {name}", documented=frames, measured=frames_per_row(arena, speed, 0))


@pytest.mark.parametrize(
    ("first", "last", "speed"),
    [(0, 14, LOW), (15, 24, LOW), (25, 30, MED), (31, 80, HI)],
    ids=["unused", "low", "med", "hi"],
)
def test_every_index_of_the_gravity_table(arena: Arena, fact: Fact, first: int, last: int, speed: int) -> None:
    measured = [frames_per_row(arena, speed, index - BASE[speed]) for index in range(first, last + 1)]
    fact(f"Frames a row at index {first} to {last}", documented=FRAMES_BY_INDEX[first : last + 1], measured=measured)


def test_the_gravity_counter_counts_up_and_starts_again_with_a_row(arena: Arena, fact: Fact) -> None:
    arena.stage(block={SPEED: HI, GRAVITY: 0})
    counted = [block(ram, GRAVITY) for ram in arena.trace([0] * 15)]
    fact("Gravity counter over a row at HI", documented=[*range(1, 14), 0, 1], measured=counted)


def next_capsule(arena: Arena) -> int:
    """Drop the capsule into an empty field, throw the next; the speed-ups then."""
    arena.until(lambda ram: block(ram, ACTION) != FALLING, DOWN)
    arena.machine.poke({FIELD + i: 0xFF for i in range(CORNER)})
    arena.until(action(FALLING))
    return block(arena.machine.ram, SPEEDUPS)


def test_which_capsules_fall_faster(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 1})
    speedups = [0]
    for _ in range(30):
        speedups.append(next_capsule(arena))
        arena.machine.poke({BLOCK + Y: 1})
    faster = [i + 1 for i in range(1, len(speedups)) if speedups[i] > speedups[i - 1]]
    fact("Capsules that fall faster than the one before", documented=[9, 19, 29], measured=faster)


def test_the_capsule_counter_is_decimal(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 1, CAPSULES: 0x99, CAPSULES + 1: 1})
    next_capsule(arena)
    ram = arena.machine.ram
    counter = (f"${block(ram, CAPSULES):02X}", block(ram, CAPSULES + 1))
    fact("Capsule counter after 199: low digits, hundreds", documented=("$00", 2), measured=counter)


@pytest.mark.parametrize(
    ("what", "speedups", "flag", "after"),
    [("from 48", 48, 0, 49), ("from 49", 49, 0, 49), ("with $0723 set", 3, 1, 3)],
    ids=["48", "49", "flag"],
)
def test_speedups_have_an_end(arena: Arena, fact: Fact, what: str, speedups: int, flag: int, after: int) -> None:
    arena.stage(block={Y: 1, CAPSULES: 0x09, SPEEDUPS: speedups}, values={NO_SPEEDUPS: flag})
    fact(f"Speed-ups at a tenth capsule {what}", documented=after, measured=next_capsule(arena))


def test_the_speedups_in_use_are_copied_at_each_gravity_check(arena: Arena, fact: Fact) -> None:
    arena.stage(block={SPEEDUPS: 7, SPEED_INDEX: 0})
    copied = block(arena.trace([0])[-1], SPEED_INDEX)
    fact("$0320 a frame after $030A became 7", documented=7, measured=copied)


@pytest.mark.parametrize("level", [20, 24])
def test_levels_beyond_20_start_no_faster(machine: Machine, arena: Arena, fact: Fact, level: int) -> None:
    machine.begin(level, MED, state=0x2222)
    arena.until(action(FALLING))
    machine.poke({FIELD + i: 0xFF for i in range(CORNER)} | {BLOCK + X: 3})
    first = len(arena.until(lambda ram: block(ram, Y) == 14))
    assert (block(machine.ram, LEVEL), block(machine.ram, SPEEDUPS)) == (level, 0)
    fact(f"Frames of the first row at level {level}, MED", documented=20, measured=first)
    fact(f"$0728 at level {level}", documented=level - 20, measured=machine.ram[0x728])


def test_the_first_capsule_is_in_reach_a_frame_after_the_spawn(machine: Machine, arena: Arena, fact: Fact) -> None:
    machine.begin(0, MED, state=0x2222)
    before = block(machine.ram, CAPSULES)
    arena.until(action(SPAWNED))
    fact(
        "Capsule counter before and after the first throw",
        documented=[1, 2],
        measured=[before, block(machine.ram, CAPSULES)],
    )
