"""The falling capsule, by pads and RAM."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from models.arena import ACTION, COLOURS, GRAVITY, REPEAT, ROTATION, SPEED, Arena, X, Y, action, block
from models.fidelity import Fact
from models.machine import FIELD, FRAME_COUNTER
from models.rules_model import DOWN, FALLING, LEFT, LOW, RESOLVING, RIGHT, SPAWNED, UP, A, B

TOPIC = "The falling capsule"
#: one below the frames of a row at MED: the next frame drops the capsule
DUE = 19
HALF = 0x80


def cell(row: int, column: int) -> int:
    return row * 8 + column


def changes(rams: Sequence[bytes], offset: int, *, before: int) -> list[int]:
    """Frames, from 0, after which a byte of the block is another."""
    values = [before, *(block(ram, offset) for ram in rams)]
    return [i for i, (old, new) in enumerate(pairwise(values)) if old != new]


def placed(arena: Arena, *names: int) -> tuple[int, ...]:
    ram = arena.machine.ram
    return tuple(block(ram, name) for name in names)


def test_a_held_direction_repeats(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 0, SPEED: LOW, GRAVITY: 0})
    moved = changes(arena.trace([RIGHT] * 35), X, before=0)
    fact("Left or Right held moves on the frames", documented=[0, 16, 22, 28, 34], measured=moved)


@pytest.mark.parametrize(
    ("by", "column", "cells", "counter"),
    [("cells", 3, {cell(0, 5): HALF}, 15), ("the bottle's wall", 6, {}, 0)],
    ids=["cells", "wall"],
)
def test_a_blocked_move_sets_the_repeat_counter(
    arena: Arena, fact: Fact, by: str, column: int, cells: dict[int, int], counter: int
) -> None:
    arena.stage(cells, {X: column, REPEAT: 7})
    arena.trace([RIGHT])
    assert placed(arena, X) == (column,)
    fact(f"Repeat counter after a press against {by}", documented=counter, measured=placed(arena, REPEAT)[0])


def test_the_repeat_counter_survives_from_capsule_to_capsule(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 0, Y: 0, GRAVITY: DUE - 3})
    rams = arena.trace([LEFT] * 4) + arena.until(action(FALLING), LEFT)
    still = {block(ram, REPEAT) for ram in rams[3:]}
    assert block(rams[3], ACTION) == RESOLVING
    fact(
        "Repeat counter from the lock to the next capsule, Left held 3 frames before",
        documented=[2],
        measured=sorted(still),
    )


def test_left_and_right_together_both_act(arena: Arena, fact: Fact) -> None:
    ends: list[int] = []
    for cells in ({}, {cell(0, 5): HALF}, {cell(0, 2): HALF}):
        arena.stage(cells, {X: 3})
        arena.trace([LEFT | RIGHT])
        ends += placed(arena, X)
    fact("Left+Right, column 3 to: free, right taken, left taken", documented=[3, 2, 3], measured=ends)


def test_the_vertical_step_comes_before_the_horizontal_one(arena: Arena, fact: Fact) -> None:
    arena.stage({cell(5, 5): HALF}, {Y: 10, GRAVITY: DUE})
    arena.trace([RIGHT])
    fact(
        "Drop due and Right pressed, right blocked only before the drop: column, height",
        documented=(4, 9),
        measured=placed(arena, X, Y),
    )


def test_the_horizontal_step_comes_before_the_rotation(arena: Arena, fact: Fact) -> None:
    arena.stage({cell(4, 4): HALF}, {Y: 10})
    arena.trace([RIGHT | A])
    fact(
        "Right+A, the cell above the new column taken: column, rotation",
        documented=(4, 0),
        measured=placed(arena, X, ROTATION),
    )


def test_a_and_b_together_both_apply(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 7, Y: 10, ROTATION: 1})
    arena.trace([A | B])
    fact(
        "A+B standing at the wall (A kicks, B turns back): column, rotation",
        documented=(6, 1),
        measured=placed(arena, X, ROTATION),
    )


@pytest.mark.parametrize(("button", "name", "turns"), [(A, "A", [3, 2, 1, 0]), (B, "B", [1, 2, 3, 0])], ids="AB")
def test_a_turns_clockwise_and_b_the_other_way(
    arena: Arena, fact: Fact, button: int, name: str, turns: list[int]
) -> None:
    arena.stage(block={Y: 10})
    rams = arena.trace([button, 0] * 4)
    fact(f"Rotations by four presses of {name}", documented=turns, measured=[block(ram, ROTATION) for ram in rams[::2]])


def test_a_turn_needs_a_new_press(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 10, SPEED: LOW})
    rams = arena.trace([A] * 30)
    fact("Turns by A held for 30 frames", documented=1, measured=len(changes(rams, ROTATION, before=0)))


@pytest.mark.parametrize(
    ("rotation", "cells"),
    [
        (0, {cell(15, 3): 0x60, cell(15, 4): 0x71}),
        (1, {cell(15, 3): 0x50, cell(14, 3): 0x41}),
        (2, {cell(15, 3): 0x61, cell(15, 4): 0x70}),
        (3, {cell(15, 3): 0x51, cell(14, 3): 0x40}),
    ],
)
def test_a_locked_capsules_cells(arena: Arena, fact: Fact, rotation: int, cells: dict[int, int]) -> None:
    arena.stage(block={Y: 0, ROTATION: rotation, GRAVITY: DUE})
    arena.trace([0])
    field = arena.machine.ram[FIELD : FIELD + 127]
    found = {i: byte for i, byte in enumerate(field) if byte != 0xFF}
    fact(
        f"Cells of yellow, red locked at column 3 in rotation {rotation}",
        documented=named(cells),
        measured=named(found),
    )


def named(cells: dict[int, int]) -> str:
    return " ".join(f"row {i // 8} column {i % 8} ${byte:02X}" for i, byte in sorted(cells.items()))


@pytest.mark.parametrize(
    ("what", "cells", "start", "end"),
    [
        ("standing at the right wall", {}, (7, 1), (6, 0)),
        ("standing, right cell taken", {cell(5, 4): HALF}, (3, 1), (2, 0)),
        ("standing between cells", {cell(5, 4): HALF, cell(5, 2): HALF}, (3, 1), (3, 1)),
        ("lying under a cell", {cell(4, 3): HALF}, (3, 0), (3, 0)),
    ],
    ids=["wall", "cell", "both", "upwards"],
)
def test_only_lying_down_kicks_and_only_one_column_to_the_left(
    arena: Arena, fact: Fact, what: str, cells: dict[int, int], start: tuple[int, int], end: tuple[int, int]
) -> None:
    arena.stage(cells, {X: start[0], Y: 10, ROTATION: start[1]})
    arena.trace([A])
    fact(f"Kick: {what}: column {start[0]} to column, rotation", documented=end, measured=placed(arena, X, ROTATION))


def test_left_held_slips_one_further_column_when_it_lies_down(arena: Arena, fact: Fact) -> None:
    ends: list[int] = []
    for cells in ({}, {cell(5, 3): HALF}):
        arena.stage(cells, {X: 4, Y: 10, ROTATION: 1, REPEAT: 0, GRAVITY: 0}, {0xF7: LEFT})
        arena.trace([LEFT | A])
        ends += placed(arena, X)
    fact("Left held, A pressed, standing in column 4: free, taken", documented=[3, 4], measured=ends)


def test_down_alone_drops_a_row_on_every_odd_frame(arena: Arena, fact: Fact) -> None:
    arena.stage(values={FRAME_COUNTER: 0})
    rams = arena.trace([DOWN] * 20)
    odd = [rams[i][FRAME_COUNTER] for i in changes(rams, Y, before=15)]
    fact("Down held: $43 at each row in 20 frames", documented=list(range(1, 21, 2)), measured=odd)


@pytest.mark.parametrize(
    ("held", "name", "rows"),
    [
        (DOWN | A, "Down+A", 9),
        (DOWN | LEFT, "Down+Left", 0),
        (DOWN | RIGHT, "Down+Right", 0),
        (DOWN | UP, "Down+Up", 0),
    ],
    ids=["a", "left", "right", "up"],
)
def test_only_the_direction_pad_must_be_exactly_down(arena: Arena, fact: Fact, held: int, name: str, rows: int) -> None:
    arena.stage(block={GRAVITY: 0, Y: 14}, values={FRAME_COUNTER: 0})
    dropped = 14 - block(arena.trace([held] * 18)[-1], Y)
    fact(f"Rows in 18 frames of {name} at MED", documented=rows, measured=dropped)


def test_the_lock_is_immediate(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 0, GRAVITY: 10}, values={FRAME_COUNTER: 0})
    rams = arena.trace([DOWN] * 3)
    fact(
        "Frames from a downward step that fails to the lock", documented=0, measured=changes(rams, ACTION, before=0)[0]
    )


def test_an_upper_half_above_the_field_vanishes_on_the_lock(arena: Arena, fact: Fact) -> None:
    arena.stage({cell(1, 0): HALF}, {X: 0, ROTATION: 1, GRAVITY: DUE})
    ram = arena.trace([0])[-1]
    field = [f"${ram[FIELD + i]:02X}" for i in range(3)]
    fact("Row 0 after yellow below red locks standing at height 15", documented=["$50", "$FF", "$FF"], measured=field)


def test_just_emptied_cells_block_moves(arena: Arena, fact: Fact) -> None:
    arena.stage({cell(0, 5): 0xF1}, {X: 3})
    arena.trace([RIGHT])
    fact("Column after Right from 3 against a cell $F1", documented=3, measured=placed(arena, X)[0])


def test_a_spawned_capsule_is_steered_from_the_second_frame_on(arena: Arena, fact: Fact) -> None:
    first = []
    for wait in range(4):
        arena.stage(block={Y: 0, X: 0, GRAVITY: DUE})
        arena.until(action(SPAWNED))
        first.append(block(arena.trace([0] * wait + [LEFT])[-1], X))
    fact("Column when Left is pressed 1, 2, 3, 4 frames after the spawn", documented=[3, 2, 2, 2], measured=first)


def test_a_capsule_spawns_at_the_top(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 0, X: 0, ROTATION: 1, GRAVITY: DUE})
    arena.until(action(SPAWNED))
    fact("Column, height, rotation at the spawn", documented=(3, 15, 0), measured=placed(arena, X, Y, ROTATION))
    fact("Colours at the spawn: those that were next", documented=(2, 2), measured=placed(arena, COLOURS, COLOURS + 1))


def test_the_old_place_stays_until_the_spawn(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 0, X: 5, GRAVITY: DUE})
    rams = arena.until(action(SPAWNED))
    places = {(block(ram, X), block(ram, Y)) for ram in rams[:-1]}
    fact("Column, height in all states from the lock to the spawn", documented=[(5, 0)], measured=sorted(places))


def test_the_first_row_falls_21_frames_after_the_spawn(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 0, X: 0, GRAVITY: DUE})
    arena.until(action(SPAWNED))
    fact(
        "Frames from the spawn to the first drop at MED",
        documented=21,
        measured=len(arena.until(lambda ram: block(ram, Y) == 14)),
    )


def test_the_states_of_a_capsule_come_in_this_order(arena: Arena, fact: Fact) -> None:
    arena.stage(block={Y: 0, X: 0, GRAVITY: DUE})
    states = [0] + [block(ram, ACTION) for ram in arena.until(action(FALLING))]
    order = [state for i, state in enumerate(states) if i == 0 or state != states[i - 1]]
    fact("Action states from one capsule to the next", documented=[0, 1, 2, 5, 6, 3, 0], measured=order)
