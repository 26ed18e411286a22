"""The machine at a pad: against it, and in the attract demo."""

from collections.abc import Iterator

import numpy as np
import pytest
from models.duel import FIELDS, PLAYERS, VS_CPU, Duel
from models.machine import CARTRIDGE, MODE, PAUSE, PLAY, START, TITLE, Machine
from models.rules_model import DOWN, FALLING, LEFT, RIGHT, SELECT, UP
from models.seeding_model import EMPTY

from env.emulator import Emulator

DEMO, DEMO_PERIODS = 0xFE, 8


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    with Emulator(CARTRIDGE) as emulator:
        yield Duel(emulator, selects=2)


def wanted(ram: bytes) -> int:
    """What the machine holds after this frame: towards its target's column, then down."""
    if ram[0x397] != FALLING:
        return 0
    field, colours = ram[FIELDS[1] : FIELDS[1] + 128], {0xD0 | ram[0x381], 0xD0 | ram[0x382]}
    columns = [i % 8 for i, cell in enumerate(field) if cell in colours and field[i % 8] == EMPTY]
    target = min(columns[0], 6) if columns else ram[0x385]
    return RIGHT if target > ram[0x385] else LEFT if target < ram[0x385] else DOWN


def test_select_goes_from_one_player_to_two_to_the_machine_and_back(at_title: Machine) -> None:
    seen = []
    for _ in range(4):
        at_title.tap(SELECT)
        seen.append((at_title.ram[PLAYERS], at_title.ram[VS_CPU]))
    assert seen == [(2, 0), (2, 1), (1, 0), (2, 0)]


def test_up_and_down_leave_the_machines_flag_alone(at_title: Machine) -> None:
    at_title.tap(SELECT)
    at_title.tap(SELECT)
    seen = []
    for button in (UP, DOWN):
        at_title.tap(button)
        seen.append((at_title.ram[PLAYERS], at_title.ram[VS_CPU]))
    assert seen == [(1, 1), (2, 1)]


def test_the_machines_options_follow_the_first_pad(at_title: Machine) -> None:
    for button in (SELECT, SELECT, START, RIGHT, RIGHT, LEFT, DOWN, RIGHT):
        at_title.tap(button)
    at_title.step(LEFT, frames=30)
    ram = at_title.ram
    assert (ram[0x316], ram[0x30B]) == (ram[0x396], ram[0x38B]) == (1, 0)


@pytest.mark.parametrize("level", [0, 6, 13, 20])
def test_the_machine_goes_for_the_uppermost_virus_of_its_colours(duel: Duel, level: int) -> None:
    duel.begin((level, level), state=0x2468 + level)
    before, held = duel.ram, 0
    frames = 0
    while duel.ram[MODE] == PLAY and frames < 1500:
        duel.step()
        now = duel.ram
        byte = wanted(before)
        assert (now[0xF8], now[0xF6]) == (byte, byte & ~held)
        before, held, frames = now, byte, frames + 1
    assert frames > 100


def test_the_second_pad_is_not_heard(duel: Duel) -> None:
    chance = np.random.default_rng(5)
    played = []
    for second in (np.zeros(800, int), chance.integers(0, 256, 800)):
        duel.begin((10, 10))
        for button in second:
            duel.step(0, int(button))
        played.append(duel.ram[:0x800])
    assert played[0][0x300:0x600] == played[1][0x300:0x600]


def test_a_pause_leaves_the_fields_in_sight_to_be_studied(duel: Duel) -> None:
    duel.begin((20, 20))
    duel.step(frames=40)
    in_play = duel.emulator.screenshot()
    duel.tap(START)
    assert duel.ram[PAUSE] == 5
    duel.step(frames=300)
    bottom = duel.emulator.screenshot()[136:200]
    assert np.count_nonzero(bottom) > np.count_nonzero(in_play[136:200]) / 2
    duel.tap(START)
    assert duel.ram[PAUSE] == 0


def test_a_player_alone_sees_nothing_in_a_pause_even_where_the_machine_was_chosen_before(at_title: Machine) -> None:
    for button in (SELECT, SELECT, UP, START):
        at_title.tap(button)
    at_title.step(START)
    at_title.wait_for({MODE: PLAY})
    at_title.step(frames=30)
    at_title.tap(START)
    assert (at_title.ram[PAUSE], at_title.ram[VS_CPU]) == (5, 1)
    assert np.count_nonzero(at_title.emulator.screenshot()[160:200]) < 500, "the word and a few bubbles at most"


def test_nobody_at_the_title_for_eight_wraps_of_the_frame_counter_begins_the_demo(at_title: Machine) -> None:
    at_title.tap(SELECT)
    frames = 6
    while at_title.ram[0x741] == 0:
        at_title.step()
        frames += 1
        assert frames < 256 * DEMO_PERIODS + 10
    assert frames > 256 * (DEMO_PERIODS - 1)
    assert (at_title.ram[0x741], at_title.ram[MODE]) == (DEMO, 1)
    at_title.wait_for({MODE: PLAY})
    ram = at_title.ram
    assert (ram[PLAYERS], ram[0x316], ram[0x30B], ram[0x731], ram[0x324]) == (1, 10, 1, 3, 0x44)
    at_title.step(frames=200)
    at_title.step(START)
    at_title.wait_for({MODE: TITLE, 0x741: 0})
    ram = at_title.ram
    assert (ram[PLAYERS], ram[VS_CPU], ram[0x316], ram[0x30B]) == (2, 0, 0, 1)
    assert tuple(ram[0x17:0x19]) == (0x89, 0x88), "the demo uses no random number of the player's"


def test_the_demo_plays_well_and_ends_by_itself_at_the_title(at_title: Machine) -> None:
    at_title.step(frames=256 * DEMO_PERIODS)
    at_title.wait_for({MODE: PLAY})
    viruses = [0x44]
    while at_title.ram[0x741] == DEMO and len(viruses) < 500:
        viruses.append(at_title.ram[0x324])
        at_title.step(frames=10)
    assert (at_title.ram[0x741], at_title.ram[MODE]) == (0, TITLE)
    assert min(viruses) <= 0x22, "the recording does not fit the rules: PYTHONPATH=tests python -m models.record_demo"
