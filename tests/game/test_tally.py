from collections.abc import Callable

import pytest

from env.game import (
    CAPSULES,
    CELLS_MATCHED,
    FIELD,
    GAME_SEEDS,
    MATCHES,
    MODE,
    PLAYER_1,
    TOPPED_OUT,
    VIRUSES_LEFT,
    capsule_count,
    decimal,
    is_cleared,
    is_over,
    rng_state,
)
from env.reward import DISCOUNT, PROMISE_WORTH, clear, promise, shaped
from env.tally import Tally

BuildRam = Callable[..., bytes]


def start(build_ram: BuildRam, viruses: int = 0x12) -> Tally:
    return Tally.start(build_ram({VIRUSES_LEFT: viruses, CAPSULES: 2}))


@pytest.mark.parametrize("number", range(100))
def test_counters_are_binary_coded_decimals(number: int) -> None:
    assert decimal(int(str(number), 16)) == number


def test_viruses_are_counted_down_over_a_ten(build_ram: BuildRam) -> None:
    tally = start(build_ram, viruses=0x20).after(build_ram({VIRUSES_LEFT: 0x19, CAPSULES: 2}))
    assert (tally.viruses_cleared, tally.viruses_left) == (1, 19)


def test_the_capsule_in_hand_is_the_first(build_ram: BuildRam) -> None:
    assert start(build_ram).capsules == 1


def test_capsules_are_counted_past_a_hundred(build_ram: BuildRam) -> None:
    tally = start(build_ram)
    for low, high in [(0x99, 0), (0x00, 1), (0x01, 1), (0x99, 1), (0x05, 2)]:
        tally = tally.after(build_ram({CAPSULES: low, CAPSULES + 1: high}))
    assert capsule_count(build_ram({CAPSULES: 0x05, CAPSULES + 1: 2})) == 205
    assert tally.capsules == 204


def test_cells_are_added_up_over_capsules(build_ram: BuildRam) -> None:
    tally = start(build_ram)
    for matched in [0, 4, 4, 8, 8, 0, 0, 4, 4, 0]:
        tally = tally.after(build_ram({CELLS_MATCHED: matched, CAPSULES: 2}))
    assert tally.cells_cleared == 12


def test_the_combo_is_the_most_matches_of_one_capsule(build_ram: BuildRam) -> None:
    tally = start(build_ram)
    for matches in [0, 1, 3, 0, 2]:
        tally = tally.after(build_ram({MATCHES: matches, CAPSULES: 2}))
    assert tally.max_combo == 3


def test_a_game_is_won_on_the_frame_of_the_last_kill(build_ram: BuildRam) -> None:
    ram = build_ram({VIRUSES_LEFT: 0})
    assert is_cleared(ram, PLAYER_1)
    assert is_over(ram)
    assert start(build_ram).after(ram).won


def test_a_field_without_viruses_is_no_win_before_play(build_ram: BuildRam) -> None:
    assert not is_cleared(build_ram({VIRUSES_LEFT: 0, MODE: 8}), PLAYER_1)


def test_a_blocked_capsule_tops_out(build_ram: BuildRam) -> None:
    tally = start(build_ram).after(build_ram({TOPPED_OUT: 1, VIRUSES_LEFT: 3}))
    assert tally.topped_out
    assert not tally.won


def test_every_seed_has_a_generator_of_its_own_and_none_is_stuck() -> None:
    states = {tuple(rng_state(seed).values()) for seed in range(GAME_SEEDS)}
    assert len(states) == GAME_SEEDS
    assert all(0 <= byte < 256 for state in states for byte in state)
    assert not states & {(0, 0), (0, 1)}


@pytest.mark.parametrize(("seed", "state"), [(0, 0x0002), (1, 0x9CDC), (3276, 0x4568), (32766, 0x6326)])
def test_a_seed_has_the_same_game_for_ever(seed: int, state: int) -> None:
    assert rng_state(seed) == {0x17: state >> 8, 0x18: state & 0xFF}


def test_seeds_are_taken_modulo() -> None:
    assert rng_state(GAME_SEEDS + 5) == rng_state(5)


@pytest.mark.parametrize(
    ("bytes_", "worth"),
    [
        ({}, 0.0),
        ({CAPSULES: 3}, -0.01),
        ({CELLS_MATCHED: 4}, 0.04),
        ({VIRUSES_LEFT: 0x10, CELLS_MATCHED: 5, CAPSULES: 3}, 2 + 0.05 - 0.01),
        ({VIRUSES_LEFT: 0, CELLS_MATCHED: 4}, 12 + 2 + 0.04),
        ({TOPPED_OUT: 1, CAPSULES: 3}, -1 - 0.01),
    ],
)
def test_a_step_is_worth_what_it_changed(build_ram: BuildRam, bytes_: dict[int, int], worth: float) -> None:
    before = start(build_ram)
    after = before.after(build_ram({VIRUSES_LEFT: 0x12, CAPSULES: 2} | bytes_))
    assert clear(before, after) == pytest.approx(worth)
    assert clear(after, after) == 0


RED_VIRUS, RED, BLUE = 0xD1, 0x81, 0x82


@pytest.mark.parametrize(
    ("cells", "worth"),
    [
        ({}, 0.0),
        ({127: RED_VIRUS}, 0.0),
        ({127: RED_VIRUS, 119: RED}, 1 / 3),
        ({127: RED_VIRUS, 119: RED, 111: RED}, 2 / 3),
        ({127: RED_VIRUS, 126: RED}, 1 / 3),
        ({127: RED_VIRUS, 119: RED_VIRUS}, 2 / 3),
        ({127: RED_VIRUS, 119: BLUE}, -0.05),
        ({127: RED_VIRUS, 119: RED, 111: BLUE}, 0.1 - 0.05),
        ({127: RED_VIRUS, 119: BLUE, 111: RED, 103: RED}, -0.15),
        ({121: RED_VIRUS, 120: RED, 113: BLUE, 122: RED}, 2 / 3 - 0.05),
        ({120: RED_VIRUS, 119: RED}, 0.0),
    ],
)
def test_a_field_promises_what_lies_in_line_with_its_viruses(
    build_ram: BuildRam, cells: dict[int, int], worth: float
) -> None:
    ram = build_ram({VIRUSES_LEFT: 1} | {FIELD + cell: byte for cell, byte in cells.items()})
    assert promise(Tally.start(ram)) == pytest.approx(worth)


def test_a_shaped_step_is_worth_what_it_brings_nearer(build_ram: BuildRam) -> None:
    before = Tally.start(build_ram({VIRUSES_LEFT: 1, FIELD + 127: RED_VIRUS, FIELD + 119: RED}))
    after = before.after(
        build_ram({VIRUSES_LEFT: 1, FIELD + 127: RED_VIRUS, FIELD + 119: RED, FIELD + 111: RED}),
    )
    gain = PROMISE_WORTH * (DISCOUNT * 2 / 3 - 1 / 3)
    assert shaped(before, after) == pytest.approx(clear(before, after) + gain)


@pytest.mark.parametrize("end", [{VIRUSES_LEFT: 0}, {VIRUSES_LEFT: 1, TOPPED_OUT: 1}])
def test_nothing_is_promised_once_a_round_is_decided(build_ram: BuildRam, end: dict[int, int]) -> None:
    ram = build_ram({VIRUSES_LEFT: 1, FIELD + 127: RED_VIRUS, FIELD + 119: RED})
    after = Tally.start(ram).after(build_ram(end | {FIELD + 127: RED_VIRUS, FIELD + 119: RED}))
    assert promise(after) == 0.0
    assert shaped(Tally.start(ram), after) == pytest.approx(clear(Tally.start(ram), after) - PROMISE_WORTH / 3)
