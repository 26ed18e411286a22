"""What the RAM of two players says, from either side."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from env.actions import ACTIONS, placement_mask
from env.game import (
    ACTION,
    ALONE,
    CAPSULES,
    CELLS_MATCHED,
    COLUMN,
    MATCHES,
    MODE,
    NEXT_CAPSULE,
    PLAYER_1,
    PLAYER_2,
    ROTATION,
    TOPPED_OUT,
    VIRUSES_LEFT,
    WINS,
    WINS_NEEDED,
    Action,
    Mode,
    Seats,
    is_falling,
    is_over,
    match_verdict,
    seats,
    verdict,
)
from env.observation import OBSERVATIONS, planes
from env.reward import clear
from env.tally import Tally
from env.wire import Pad

BuildRam = Callable[..., bytes]
Bytes = Mapping[int, int]
FIRST, SECOND = seats(1, has_rival=True), seats(2, has_rival=True)
CLEARED, LOST = {VIRUSES_LEFT: 0}, {TOPPED_OUT: 1}
FLIPPED = {"win": "loss", "loss": "win", "draw": "draw", None: None}


def test_a_seat_is_a_player_and_the_one_across() -> None:
    assert Seats(PLAYER_1, PLAYER_2) == FIRST
    assert Seats(PLAYER_2, PLAYER_1) == SECOND
    assert (FIRST.across(), SECOND.across()) == (SECOND, FIRST)
    assert seats(1, has_rival=False) == ALONE == ALONE.across()


def test_the_second_player_has_a_block_a_field_and_a_pad_of_its_own() -> None:
    assert (PLAYER_2.at(ROTATION), PLAYER_2.at(VIRUSES_LEFT), PLAYER_2.field) == (0x3A5, 0x3A4, 0x500)
    assert PLAYER_1.pads(Pad.A, 3) == bytes((1, 0)) * 3
    assert PLAYER_2.pads(Pad.A, 3) == bytes((0, 1)) * 3


@pytest.mark.parametrize(
    ("first", "second", "mode", "expected"),
    [
        ({}, {}, Mode.PLAY, None),
        (CLEARED, {}, Mode.PLAY, "win"),
        ({}, CLEARED, Mode.PLAY, "loss"),
        (CLEARED, CLEARED, Mode.PLAY, "draw"),
        (LOST, {}, Mode.PLAY, "loss"),
        ({}, LOST, Mode.PLAY, "win"),
        (LOST, LOST, Mode.PLAY, "draw"),
        (LOST, {}, 5, "loss"),
        ({}, LOST, Mode.ROUND_OVER, "win"),
        (LOST, LOST, Mode.ROUND_OVER, "draw"),
        (CLEARED, LOST, Mode.PLAY, "win"),
        (LOST, CLEARED, Mode.PLAY, "loss"),
        ({**CLEARED, **LOST}, {}, Mode.PLAY, "win"),
        (CLEARED, CLEARED, 8, None),
        ({}, CLEARED, Mode.LEVEL_DATA, None),
    ],
)
def test_a_round_has_one_verdict_whoever_looks(
    build_versus_ram: BuildRam, first: Bytes, second: Bytes, mode: int, expected: str | None
) -> None:
    ram = build_versus_ram(first, second, shared={MODE: mode})
    assert verdict(ram, FIRST) == expected
    assert verdict(ram, SECOND) == FLIPPED[expected]
    assert is_over(ram, FIRST) == is_over(ram, SECOND) == (expected is not None)


@pytest.mark.parametrize(
    ("wins", "expected"),
    [((0, 0), None), ((2, 2), None), ((3, 0), "win"), ((2, 3), "loss"), ((3, 3), "win"), ((4, 3), "win")],
)
def test_a_match_goes_to_who_has_the_crowns_and_at_three_all_to_player_one(
    build_versus_ram: BuildRam, wins: tuple[int, int], expected: str | None
) -> None:
    ram = build_versus_ram({WINS: wins[0]}, {WINS: wins[1]}, shared={WINS_NEEDED: 3})
    assert match_verdict(ram, FIRST) == expected
    assert match_verdict(ram, SECOND) == FLIPPED[expected]


def test_alone_nothing_in_the_second_block_matters(build_versus_ram: BuildRam) -> None:
    for second in (CLEARED, LOST, {ACTION: Action.RESOLVING}):
        ram = build_versus_ram({}, second)
        assert not is_over(ram)
        assert is_falling(ram)
        assert verdict(ram) is None


@pytest.mark.parametrize(("own", "rival"), [(Action.FALLING, Action.RESOLVING), (Action.THROWING, Action.FALLING)])
def test_each_player_has_control_while_its_own_capsule_falls(
    build_versus_ram: BuildRam, own: Action, rival: Action
) -> None:
    ram = build_versus_ram({ACTION: own}, {ACTION: rival})
    assert is_falling(ram, FIRST) == (own == Action.FALLING)
    assert is_falling(ram, SECOND) == (rival == Action.FALLING)
    over = build_versus_ram({ACTION: own}, {ACTION: rival, **LOST})
    assert not is_falling(over, FIRST)
    assert not is_falling(over, SECOND)


def example(build_versus_ram: BuildRam) -> bytes:
    """Two players in different places."""
    fields = {(15, 0): 0xD0, (14, 3): 0x81}, {(0, 6): 0x82, (9, 7): 0xD2, (0, 1): 0x80}
    return build_versus_ram({COLUMN: 1, ROTATION: 1, NEXT_CAPSULE: 2}, {COLUMN: 5, NEXT_CAPSULE + 1: 1}, fields=fields)


def test_planes_show_the_own_field_and_then_the_rivals(build_versus_ram: BuildRam) -> None:
    ram = example(build_versus_ram)
    first, second = planes(ram, FIRST), planes(ram, SECOND)
    assert first.shape == second.shape == (16, 8, 24)
    np.testing.assert_array_equal(first[:, :, :12], planes(ram))
    np.testing.assert_array_equal(first[:, :, 12:], second[:, :, :12])
    np.testing.assert_array_equal(first[:, :, :12], second[:, :, 12:])
    assert second[9, 7, 2] == second[0, 6, 5] == second[7, 5, 6] == second[0, 4, 9 + 1] == 1


def test_relative_colours_are_those_of_the_own_capsule(build_versus_ram: BuildRam) -> None:
    seen = OBSERVATIONS["relative"](example(build_versus_ram), SECOND)
    assert seen.shape == (16, 8, 12)
    assert seen[9, 7, 2] == 1


def test_the_mask_walks_the_own_top_row(build_versus_ram: BuildRam) -> None:
    ram = example(build_versus_ram)
    assert placement_mask(ram, FIRST).sum() == 30
    columns = {int(action) // 4 for action in np.flatnonzero(placement_mask(ram, SECOND))}
    assert columns == {2, 3, 4, 5}


@pytest.mark.parametrize("actions", ["pad", "placement"])
def test_an_action_of_the_second_player_presses_its_pad_alone(build_versus_ram: BuildRam, actions: str) -> None:
    ram = example(build_versus_ram)
    pads = next(ACTIONS[actions].pads(2 * 4 if actions == "placement" else 3, ram, 4, SECOND))
    assert not any(pads[0::2])
    assert any(pads[1::2])


def test_a_tally_is_the_agents_own(build_versus_ram: BuildRam) -> None:
    before = Tally.start(build_versus_ram({CAPSULES: 9}, {VIRUSES_LEFT: 0x12, CAPSULES: 2}), SECOND)
    ram = build_versus_ram({CAPSULES: 9}, {VIRUSES_LEFT: 0x09, CAPSULES: 3, CELLS_MATCHED: 8, MATCHES: 2})
    tally = before.after(ram)
    assert (tally.viruses_cleared, tally.capsules, tally.cells_cleared, tally.max_combo) == (3, 2, 8, 2)
    assert before.after(build_versus_ram({}, {**LOST, CAPSULES: 2})).topped_out
    beaten = before.after(build_versus_ram(CLEARED, {CAPSULES: 2}))
    assert (beaten.lost, beaten.topped_out) == (True, False)


def test_a_tally_adds_up_over_rounds(build_versus_ram: BuildRam) -> None:
    start = build_versus_ram({VIRUSES_LEFT: 0x04, CAPSULES: 1})
    decided = build_versus_ram({VIRUSES_LEFT: 0, CAPSULES: 5, CELLS_MATCHED: 4, WINS: 1, MATCHES: 1}, {WINS: 2})
    tally = Tally.start(start, FIRST).after(decided).crowned(decided)
    assert (tally.verdict, tally.rounds_won, tally.rounds_lost, tally.viruses_cleared) == ("win", 1, 2, 4)
    following = tally.next_round(start)
    assert (following.verdict, following.viruses_left, following.capsules) == (None, 4, 6)
    again = following.after(build_versus_ram({VIRUSES_LEFT: 0x01, CAPSULES: 2, CELLS_MATCHED: 5}))
    assert (again.viruses_cleared, again.capsules, again.cells_cleared) == (7, 7, 9)
    assert (again.rounds_won, again.rounds_lost) == (1, 2)


@pytest.mark.parametrize(
    ("first", "second", "worth"),
    [(CLEARED, {}, 12 + 2), ({}, LOST, 2), ({}, CLEARED, -1), (LOST, {}, -1), (LOST, LOST, 0)],
)
def test_a_round_is_worth_its_verdict(build_versus_ram: BuildRam, first: Bytes, second: Bytes, worth: float) -> None:
    before = Tally.start(build_versus_ram({VIRUSES_LEFT: 0x12}), FIRST)
    after = before.after(build_versus_ram({VIRUSES_LEFT: 0x12, **first}, second))
    assert clear(before, after) == pytest.approx(worth)
