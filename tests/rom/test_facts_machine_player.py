"""The machine as player 2, and the demo that the title begins."""

from collections.abc import Iterator

import pytest
from models.duel import BLOCKS, LEVEL, PLAYERS, SPEED, VS_CPU, Duel, board
from models.fidelity import Fact
from models.machine import ATTRACT, CARTRIDGE, FRAME_COUNTER, MODE, PLAY, TITLE, Machine
from models.rules_model import DOWN, FALLING, LEFT, RESOLVING, RIGHT, SELECT, START, UP, A

from env.emulator import Emulator

TOPIC = "The machine as player 2, and the demo"
TWO = 1
X, ROTATION, CAPSULE, GRAVITY = 0x05, 0x25, 0x01, 0x12
HELD_2, COUNTDOWN = 0xF8, 0x51
VIRUS = 0xD0


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    with Emulator(CARTRIDGE) as emulator:
        yield Duel(emulator, selects=2)


def test_select_leads_through_three_kinds_of_game(at_title: Machine, fact: Fact) -> None:
    seen = []
    for _ in range(4):
        at_title.tap(SELECT)
        seen.append((at_title.ram[PLAYERS], at_title.ram[VS_CPU]))
    fact("$0727, $04 after each of four times Select", documented=[(2, 0), (2, 1), (1, 0), (2, 0)], measured=seen)


def test_up_and_down_leave_the_flag_alone(at_title: Machine, fact: Fact) -> None:
    for button in (SELECT, SELECT, UP, DOWN):
        at_title.tap(button)
    fact("$04 after Select, Select, Up, Down", documented=1, measured=at_title.ram[VS_CPU])


def test_the_machines_options_follow_the_first_pad(at_title: Machine, fact: Fact) -> None:
    for button in (SELECT, SELECT, START, RIGHT, RIGHT, RIGHT, DOWN, RIGHT):
        at_title.tap(button)
    ram = at_title.ram
    options = [(ram[start + LEVEL], ram[start + SPEED]) for start in BLOCKS]
    at_title.step(LEFT)
    fact("$F5, $F6 for Left on pad 1 on the options", documented=(LEFT, LEFT), measured=tuple(at_title.ram[0xF5:0xF7]))
    fact("Level, speed of both after Right, Right, Right, Down, Right", documented=[(3, 2), (3, 2)], measured=options)


def steered(duel: Duel, cells: dict[int, int], *colours: int) -> tuple[int, int]:
    """Where the machine locks its first capsule of these colours over these viruses: column, rotation."""
    duel.begin()
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    duel.put(TWO, board(cells))
    duel.poke({BLOCKS[TWO] + CAPSULE + i: colour for i, colour in enumerate(colours)} | {BLOCKS[TWO] + X: 3})
    duel.wait_for({0x397: RESOLVING})
    return duel.of(TWO, X), duel.of(TWO, ROTATION)


@pytest.mark.parametrize(
    ("what", "cells", "colours", "column"),
    [
        ("red in row 8, column 1 and row 12, column 5", {8 * 8 + 1: VIRUS | 1, 12 * 8 + 5: VIRUS | 1}, (1, 0), 1),
        ("the same, red in row 12 above", {12 * 8 + 1: VIRUS | 1, 8 * 8 + 5: VIRUS | 1}, (0, 1), 5),
        (
            "red in column 1 blocked at the top, red in column 5",
            {1: 0x80, 9: VIRUS, 8 * 8 + 1: VIRUS | 1, 12 * 8 + 5: VIRUS | 1},
            (1, 1),
            5,
        ),
        ("none of its colours", {8 * 8 + 1: VIRUS | 1}, (0, 0), 3),
    ],
    ids=["highest", "second", "blocked", "none"],
)
def test_the_machine_goes_for_the_highest_open_virus(
    duel: Duel, fact: Fact, what: str, cells: dict[int, int], colours: tuple[int, int], column: int
) -> None:
    fact(f"Column, rotation of its lock: {what}", documented=(column, 0), measured=steered(duel, cells, *colours))


def test_the_machine_holds_down_over_its_target(duel: Duel, fact: Fact) -> None:
    duel.begin()
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    duel.put(TWO, board({12 * 8: VIRUS}))
    duel.poke({BLOCKS[TWO] + CAPSULE: 0, BLOCKS[TWO] + CAPSULE + 1: 0, BLOCKS[TWO] + GRAVITY: 0, HELD_2: 0})
    held = []
    while duel.of(TWO, 0x17) == FALLING:
        duel.step()
        held.append(duel.ram[HELD_2])
    order = list(dict.fromkeys(held))
    fact("$F8 until the lock, the target left of it", documented=[LEFT, DOWN], measured=order)


def test_the_second_pad_is_not_heard(duel: Duel, fact: Fact) -> None:
    games = []
    for pad in (0, RIGHT | A | START):
        duel.begin()
        for _ in range(40):
            duel.step(0, pad)
            duel.step(frames=2)
        games.append(duel.ram[0x300:0x600])
    fact("Games with and without pad 2 are equal over 120 frames", documented=True, measured=games[0] == games[1])


def test_the_machine_has_no_randomness(duel: Duel, fact: Fact) -> None:
    games = []
    for _ in range(2):
        duel.begin((8, 8))
        duel.step(frames=600)
        games.append(duel.ram)
    fact("Two games of one seed are equal after 600 frames", documented=True, measured=games[0] == games[1])


def test_the_title_counts_to_the_demo(at_title: Machine, fact: Fact) -> None:
    wraps, periods, previous = 0, [], at_title.ram
    while previous[ATTRACT] == 0 and wraps < 12:
        at_title.step()
        ram = at_title.ram
        wraps += ram[FRAME_COUNTER] < previous[FRAME_COUNTER]
        if ram[COUNTDOWN] != previous[COUNTDOWN] and ram[ATTRACT] == 0:
            periods.append(ram[FRAME_COUNTER])
        previous = ram
    fact("Wraps of $43 on the title until the demo", documented=8, measured=wraps)
    fact("$0741 then", documented="$FE", measured=f"${previous[ATTRACT]:02X}")
    fact("$43 whenever $51 changed on the title", documented=[0], measured=sorted(set(periods)))
    at_title.wait_for({MODE: PLAY})
    fact(
        "The demo's level, speed, music",
        documented=(10, 1, 3),
        measured=(at_title.ram[0x316], at_title.ram[0x30B], at_title.ram[0x731]),
    )
    at_title.tap(START)
    at_title.step(frames=60)
    fact(
        "$46, $0741 after START in the demo",
        documented=(TITLE, 0),
        measured=(at_title.ram[MODE], at_title.ram[ATTRACT]),
    )
