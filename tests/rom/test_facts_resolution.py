"""What a lock leads to, frame by frame."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from models.arena import (
    ACTION,
    BLUE,
    COLOURS,
    CORNER,
    GRAVITY,
    KILLS,
    MATCH_COLOURS,
    MATCHED_CELLS,
    MATCHES,
    RED,
    REDRAW,
    ROTATION,
    SPEED,
    STEP,
    VIRUSES,
    YELLOW,
    Arena,
    X,
    Y,
    block,
)
from models.fidelity import Fact
from models.machine import FIELD, FRAME_COUNTER
from models.rules_model import FALLING, HI, LOW, MED, RESOLVING, SPAWNED

TOPIC = "Resolution"
DUE = 39
HALF, VIRUS, CLEARING, EMPTIED = 0x80, 0xD0, 0xB0, 0xF0
THROW_STEP = 0x7D
FLOOR = 15 * 8


def locked(
    arena: Arena, cells: Mapping[int, int], values: Mapping[int, int] | None = None, **capsule: int
) -> list[bytes]:
    """RAM from the lock to the spawn, entry n being n frames after the lock.  The capsule comes down next."""
    names = {"x": X, "y": Y, "rotation": ROTATION, "speed": SPEED, "second": COLOURS + 1}
    given = {names[name]: value for name, value in capsule.items()}
    arena.stage(cells, {Y: 0, GRAVITY: DUE} | given, values)
    rams = arena.trace([0])
    assert block(rams[0], ACTION) == RESOLVING
    return rams + arena.until(lambda ram: block(ram, ACTION) in {SPAWNED, FALLING} or ram[0x309] != 0)


def first(rams: list[bytes], holds: Callable[[bytes], bool]) -> int:
    return next(i for i, ram in enumerate(rams) if holds(ram))


def holds(cell: int, byte: int) -> Callable[[bytes], bool]:
    return lambda ram: ram[FIELD + cell] == byte


@pytest.mark.parametrize(("speed", "name"), [(MED, "MED"), (HI, "HI")])
def test_the_next_spawn_without_a_match(arena: Arena, fact: Fact, speed: int, name: str) -> None:
    frames = []
    for row in range(16):
        below = {(row + 1) * 8: VIRUS} if row < 15 else {}
        frames.append(len(locked(arena, below, x=0, y=15 - row, speed=speed)) - 1)
    documented = [max(4, row + 1) + 29 for row in range(16)]
    fact(f"Frames from a lock in row 0 to 15 to the spawn, no match, {name}", documented=documented, measured=frames)


def test_the_row_redrawn_counts_down_to_nothing(arena: Arena, fact: Fact) -> None:
    rams = locked(arena, {11 * 8: VIRUS}, x=0, y=5)
    shown = [f"${block(ram, REDRAW):02X}" for ram in rams[:13]]
    documented = [f"${row & 255:02X}" for row in range(10, -2, -1)]
    fact("$0300 from a lock in row 10 on", documented=[*documented, "$FF"], measured=shown)


def test_the_steps_of_a_resolution(arena: Arena, fact: Fact) -> None:
    rams = locked(arena, {4 * 8: VIRUS}, x=0, y=12)
    steps = [block(ram, STEP) for ram in rams if block(ram, ACTION) == RESOLVING]
    order = [step for i, step in enumerate(steps) if i == 0 or step != steps[i - 1]]
    fact("$0307 over a resolution without a match", documented=list(range(9)), measured=order)


#: a yellow half comes down in column 3, with three yellow cells beside it or under it
ROW = {FLOOR: HALF, FLOOR + 1: HALF, FLOOR + 2: HALF}
COLUMN = {FLOOR + 3: HALF, FLOOR - 5: HALF, FLOOR - 13: HALF}


@pytest.mark.parametrize(
    ("line", "cells", "height", "marked"),
    [("horizontal", ROW, 0, 2), ("vertical", COLUMN, 3, 3)],
    ids=["row", "column"],
)
def test_a_match_is_marked_and_emptied(
    arena: Arena, fact: Fact, line: str, cells: dict[int, int], height: int, marked: int
) -> None:
    rams, p = locked(arena, cells, x=3, y=height), 16 - height
    fact(
        f"Frames after p to $Bx, {line} match", documented=marked, measured=first(rams, holds(FLOOR + 3, CLEARING)) - p
    )
    fact(f"Frames after p to $Fx, {line} match", documented=4, measured=first(rams, holds(FLOOR + 3, EMPTIED)) - p)


def test_a_half_that_lost_its_partner_becomes_a_single(arena: Arena, fact: Fact) -> None:
    rams = locked(arena, ROW, x=3)
    frame = first(rams, holds(FLOOR + 4, HALF | RED)) - 16
    fact("Frames after p until a capsule's other half is $8x", documented=4, measured=frame)


def test_emptied_cells_are_forgotten_with_the_first_fall(arena: Arena, fact: Fact) -> None:
    frame = first(locked(arena, ROW, x=3), holds(FLOOR, 0xFF)) - 16
    fact("Frames after p until $Fx is $FF", documented=20, measured=frame)


def test_the_spawn_after_a_clear_that_drops_nothing(arena: Arena, fact: Fact) -> None:
    frames = len(locked(arena, ROW, x=3)) - 1 - 16
    fact("Frames from p to the spawn, a clear that drops nothing", documented=20 + 29, measured=frames)


def test_pieces_fall_a_row_every_16_frames(arena: Arena, fact: Fact) -> None:
    rams = locked(arena, COLUMN, x=3, y=3)
    falls = [first(rams, holds(row * 8 + 4, HALF | RED)) - 13 for row in (13, 14, 15)]
    fact("Frames after p of each row that a piece falls", documented=[20, 36, 52], measured=falls)
    spawn = len(rams) - 1 - 13
    fact("Frames from the last fall to the spawn", documented=16 + 29, measured=spawn - falls[-1])


def test_the_whole_column_falls_together(arena: Arena, fact: Fact) -> None:
    column = {row * 8 + 1: HALF | row % 2 + 1 for row in (12, 13, 14)}
    rams = locked(arena, ROW | column, x=3)
    moved = {first(rams, holds((row + 1) * 8 + 1, HALF | row % 2 + 1)) - 16 for row in (12, 13, 14)}
    fact("Frames after p at which each of three stacked halves fell", documented=[20], measured=sorted(moved))


#: a blue second half and three blues that come down beside it, or onto a blue virus
BESIDE = ROW | {14 * 8 + column: HALF | BLUE for column in (1, 2, 3)}
ONTO = {
    **{FLOOR + column: VIRUS | RED for column in (0, 2, 3)},
    **{14 * 8 + column: HALF for column in (0, 1, 2)},
    **{row * 8 + 1: HALF | BLUE for row in (11, 12, 13)},
    FLOOR + 1: VIRUS | BLUE,
}


@pytest.mark.parametrize(
    ("line", "cells", "height", "after"),
    [("horizontal", BESIDE, 0, 16 + 2), ("vertical", ONTO, 1, 16 + 3)],
    ids=["row", "column"],
)
def test_a_cascades_match(arena: Arena, fact: Fact, line: str, cells: dict[int, int], height: int, after: int) -> None:
    rams = locked(arena, cells, x=3, y=height, second=BLUE)
    landed = FLOOR + 1 - 8 * height
    frames = first(rams, holds(FLOOR + 1, CLEARING | BLUE)) - first(rams, holds(landed, HALF | BLUE))
    fact(f"Frames from the last fall to a cascade's {line} match", documented=after, measured=frames)


@pytest.mark.parametrize(
    ("what", "cells", "watched", "ends"),
    [
        ("a virus", {8 * 8: VIRUS}, VIRUS, [8 * 8]),
        ("a single half", {13 * 8: HALF | RED}, HALF | RED, [FLOOR]),
        ("a pair, right cell supported", {13 * 8: 0x62, 13 * 8 + 1: 0x71, 14 * 8 + 1: VIRUS}, 0x62, [13 * 8]),
        ("a pair, neither supported", {13 * 8: 0x62, 13 * 8 + 1: 0x71}, 0x62, [FLOOR]),
        ("a standing capsule", {12 * 8: 0x40, 13 * 8: 0x51}, 0x51, [FLOOR]),
        ("a half over $F1", {13 * 8: HALF | RED, 14 * 8: EMPTIED | 1}, HALF | RED, [FLOOR]),
    ],
    ids=["virus", "single", "held", "pair", "standing", "emptied"],
)
def test_what_falls(arena: Arena, fact: Fact, what: str, cells: dict[int, int], watched: int, ends: list[int]) -> None:
    ram = locked(arena, cells, x=5)[-1]
    rows = [i // 8 for i in range(CORNER) if ram[FIELD + i] == watched]
    fact(f"Row where {what} ends that began in row {min(cells) // 8}", documented=[i // 8 for i in ends], measured=rows)


def cleared(arena: Arena, cells: Mapping[int, int]) -> int:
    """Cells that became $Bx."""
    rams = locked(arena, cells, x=3)
    return max(sum(byte & 0xF0 == CLEARING for byte in ram[FIELD : FIELD + 128]) for ram in rams)


@pytest.mark.parametrize(
    ("what", "cells", "count"),
    [
        ("three in a row", {FLOOR + 1: HALF, FLOOR + 2: HALF}, 0),
        ("four in a row", ROW, 4),
        ("four of them two viruses", {FLOOR: VIRUS, FLOOR + 1: HALF, FLOOR + 2: VIRUS}, 4),
        ("a row and a column of four that share a cell", ROW | {row * 8 + 3: VIRUS for row in (12, 13, 14)}, 7),
        ("eight in two rows", ROW | {14 * 8 + column: HALF for column in (0, 1, 2, 3)}, 8),
    ],
    ids=["three", "four", "viruses", "cross", "rows"],
)
def test_four_or_more_of_a_colour_in_a_line_match(
    arena: Arena, fact: Fact, what: str, cells: dict[int, int], count: int
) -> None:
    fact(f"Cells cleared by {what}", documented=count, measured=cleared(arena, cells))


def test_the_counters_of_a_resolution(arena: Arena, fact: Fact) -> None:
    cross = ROW | {row * 8 + 3: VIRUS for row in (12, 13, 14)}
    ram = locked(arena, cross | {CORNER - 8: HALF}, x=3)[-1]
    counters = {"matches": block(ram, MATCHES), "cells": block(ram, MATCHED_CELLS), "viruses": block(ram, KILLS)}
    fact(
        "Counters after a row and a column that share a cell, 3 viruses",
        documented={"matches": 2, "cells": 7, "viruses": 3},
        measured=counters,
    )
    fact(
        "Virus counter, tallies of yellow, red, blue after it",
        documented=(1, 0, 0, 1),
        measured=(block(ram, VIRUSES), *ram[0x72:0x75]),
    )


def test_the_colours_of_the_matches_are_kept(arena: Arena, fact: Fact) -> None:
    rows = {FLOOR + i: HALF for i in (0, 1, 2)} | {FLOOR + i: HALF | RED for i in (5, 6, 7)}
    ram = locked(arena, rows | {8 * 8: VIRUS | BLUE}, x=3)[-1]
    fact(
        "Colours kept after a yellow and a red match",
        documented=(YELLOW, RED),
        measured=(block(ram, MATCH_COLOURS), block(ram, MATCH_COLOURS + 1)),
    )


def score(ram: bytes) -> int:
    return sum(digit * 10 ** (i + 1) for i, digit in enumerate(ram[0x729:0x72F]))


def kill(arena: Arena, speed: int, count: int) -> int:
    """The score of one resolution that kills so many viruses: two rows around a standing yellow capsule."""
    places = [FLOOR + i for i in (0, 1, 2, 4, 5, 6, 7)] + [14 * 8 + i for i in (0, 1, 2, 4)]
    cells = {cell: (VIRUS if i < count else HALF) for i, cell in enumerate(places)} | {8 * 8: VIRUS | BLUE}
    ram = locked(arena, cells, x=3, rotation=1, speed=speed, second=YELLOW)[-1]
    assert block(ram, KILLS) == count
    return score(ram)


@pytest.mark.parametrize(("speed", "name"), [(LOW, "LOW"), (MED, "MED"), (HI, "HI")])
def test_the_score_of_one_to_eleven_kills(arena: Arena, fact: Fact, speed: int, name: str) -> None:
    sums = [kill(arena, speed, count) for count in range(12)]
    worth = [more - less for less, more in pairwise(sums)]
    documented = [(speed + 1) * 100 * factor for factor in (1, 2, 4, 8, 16, *[32] * 6)]
    fact(f"Score of the 1st to 11th kill of a capsule, {name}", documented=documented, measured=worth)


def test_the_score_is_kept_as_digits(arena: Arena, fact: Fact) -> None:
    ram = locked(
        arena, {FLOOR: VIRUS, FLOOR + 1: HALF, FLOOR + 2: HALF}, x=3, values={0x72A: 9, 0x72B: 9, 0x72C: 9, 0x72D: 1}
    )[-1]
    fact(
        "$0729-$072E after 199,900 and one kill at MED", documented=[0, 1, 0, 0, 2, 0], measured=list(ram[0x729:0x72F])
    )


@pytest.mark.parametrize(("speed", "name", "parities"), [(MED, "MED", [0, 1]), (HI, "HI", [0, 1]), (LOW, "LOW", [1])])
def test_the_throw_advances(arena: Arena, fact: Fact, speed: int, name: str, parities: list[int]) -> None:
    rams = locked(arena, {}, x=6, speed=speed)
    advanced = [ram for before, ram in pairwise(rams) if before[THROW_STEP] < ram[THROW_STEP]]
    fact(f"Frames on which a throw advances, {name}", documented=22, measured=len(advanced))
    fact(
        f"Parities of $43 on which it does, {name}",
        documented=parities,
        measured=sorted({ram[FRAME_COUNTER] % 2 for ram in advanced}),
    )


@pytest.mark.parametrize(
    ("line", "cells", "height", "frames"),
    [("horizontal", ROW, 0, 2), ("vertical", COLUMN, 3, 1)],
    ids=["row", "column"],
)
def test_how_long_cleared_cells_are_seen(
    arena: Arena, fact: Fact, line: str, cells: dict[int, int], height: int, frames: int
) -> None:
    rams = locked(arena, cells, x=3, y=height)
    shown = [sum(ram[FIELD + FLOOR + 3] == kind for ram in rams) for kind in (CLEARING, EMPTIED)]
    fact(f"Frames of $Bx and of $Fx in a {line} match", documented=[frames, 16], measured=shown)


def test_the_flag_of_a_match(arena: Arena, fact: Fact) -> None:
    rams = locked(arena, ROW, x=3)
    flags = [int(block(rams[16 + after], 0x14) != 0) for after in (1, 2, 3, 4)]
    fact("$0314 is set 1, 2, 3, 4 frames after p, horizontal match", documented=[0, 1, 1, 1], measured=flags)


def test_sizes_of_capsules(arena: Arena, fact: Fact) -> None:
    ram = locked(arena, {}, x=6)[-1]
    fact(
        "Sizes of the capsule and the next ($0326, $0323)",
        documented=(2, 2),
        measured=(block(ram, 0x26), block(ram, 0x23)),
    )
