"""The original project's observation, actions and reward, as its code made them, defects included."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from env.actions import ACTIONS
from env.drmario import DrMarioEnv, observation_shape
from env.game import ALONE, COLUMN, FIELD, HEIGHT, MODE, PAUSE, PAUSED, PLAYER_1, PLAYER_2, VIRUSES_LEFT, Seats
from env.observation import OBSERVATIONS
from env.options import EnvironmentOptions, Scenario
from env.original import LITERAL, WRITTEN, pay
from env.wire import Pad

BuildRam = Callable[..., bytes]
MakeEnv = Callable[..., DrMarioEnv]
observe = OBSERVATIONS["original"]
#: Bits of the console's own pad bytes, from bit 0.
CONSOLE = (Pad.RIGHT, Pad.LEFT, Pad.DOWN, Pad.UP, Pad.START, Pad.SELECT, Pad.B, Pad.A)
AS_PLAYER_2 = Seats(PLAYER_2, PLAYER_1)
FIELD_2 = FIELD + 0x100
TALLEST = {(0, column): 0x50 for column in range(8)}


def at(observation: NDArray[np.float32], row: int, column: int) -> list[float]:
    """What all channels say of a cell."""
    values: list[float] = observation[row, column].tolist()
    return values


@pytest.mark.parametrize(
    ("byte", "channel"),
    [
        (255, 0),
        (208, 1),
        (209, 2),
        (210, 3),
        (76, 1),
        (77, 2),
        (80, 1),
        (81, 2),
        (82, 3),
        (96, 1),
        (97, 2),
        (98, 3),
        (112, 1),
        (113, 2),
        (114, 3),
        (128, 1),
        (129, 2),
        (130, 3),
    ],
)
def test_a_cell_is_in_the_channel_of_its_kind(build_ram: BuildRam, byte: int, channel: int) -> None:
    seen = at(observe(build_ram({COLUMN: 0, HEIGHT: 0}, field={(9, 4): byte}), ALONE), 9, 4)
    assert [index for index, value in enumerate(seen[:4]) if value] == [channel]


@pytest.mark.parametrize(
    "byte", [0x40, 0x41, 0x42, 0x4B, 0x53, 0x73, 0x83, 0xB0, 0xB1, 0xB2, 0xD3, 0xF0, 0xF1, 0xF2, 0x00]
)
def test_what_its_encoder_did_not_know_is_in_none(build_ram: BuildRam, byte: int) -> None:
    seen = at(observe(build_ram({COLUMN: 0, HEIGHT: 0}, field={(9, 4): byte}), ALONE), 9, 4)
    assert not any(seen[:4])


@pytest.mark.parametrize("height", range(16))
@pytest.mark.parametrize("column", range(8))
def test_the_capsule_is_upside_down_without_colour_or_rotation(build_ram: BuildRam, height: int, column: int) -> None:
    expected = np.zeros((16, 8), np.float32)
    expected[height, column] = 1.0
    if column < 7:
        expected[height, column + 1] = 0.5
    for rotation in (0, 1):
        ram = build_ram({HEIGHT: height, COLUMN: column, 0x0325: rotation, MODE: 7})
        np.testing.assert_array_equal(observe(ram, ALONE)[:, :, 4], expected)


def test_next_capsules_and_the_rivals_capsule_are_never_seen(build_ram: BuildRam) -> None:
    ram = build_ram({0x031A: 2, 0x031B: 1, 0x039A: 2, 0x0385: 3, 0x0386: 4})
    for seats in (ALONE, AS_PLAYER_2, Seats(PLAYER_1, PLAYER_2)):
        assert not observe(ram, seats)[:, :, [5, 10, 11]].any()


def test_player_2_sees_its_own_field_first_and_player_1s_behind_it(build_ram: BuildRam) -> None:
    ram = bytearray(build_ram({0x0386: 7, 0x0385: 2}, field={(3, 5): 0xD1}))
    ram[FIELD_2 : FIELD_2 + 128] = bytes([0xFF]) * 128
    ram[FIELD_2 + 8 * 12 + 6] = 0xD2
    seen = observe(bytes(ram), AS_PLAYER_2)
    assert at(seen, 12, 6)[:4] == [0, 0, 0, 1]
    assert at(seen, 3, 5)[6:10] == [0, 0, 1, 0]
    assert at(seen, 7, 2)[4] == 1


def test_nobody_on_the_other_side_has_an_empty_field(build_ram: BuildRam) -> None:
    ram = bytearray(build_ram())
    ram[FIELD_2 : FIELD_2 + 128] = bytes([0xD0]) * 128  # a cartridge leaves a copy of the viruses there
    seen = observe(bytes(ram), ALONE)
    assert (seen[:, :, 6] == 1).all()
    assert not seen[:, :, 7:].any()


def test_it_has_twelve_channels_with_a_rival_as_well() -> None:
    for mode in ("1p", "2p", "vs_cpu"):
        options = EnvironmentOptions(observation="original", scenario=Scenario(mode=mode))
        assert observation_shape(options) == (16, 8, 12)


def test_literal_actions_are_the_very_bits_that_were_written() -> None:
    assert [hex(byte) for byte in WRITTEN] == ["0x0", "0x2", "0x1", "0x10", "0x40", "0x80", "0x12", "0x11", "0x42"]
    for byte, pad in zip(WRITTEN, LITERAL, strict=True):
        assert pad == sum(button for bit, button in enumerate(CONSOLE) if byte >> bit & 1)


@pytest.mark.parametrize(
    ("name", "buttons"),
    [
        ("original", [Pad(0), Pad.LEFT, Pad.RIGHT, Pad.DOWN, Pad.A, Pad.B, Pad.LEFT | Pad.DOWN, Pad.RIGHT | Pad.DOWN, Pad.LEFT | Pad.A]),
        ("original_literal", list(LITERAL)),
    ],
)  # fmt: skip
def test_an_action_holds_its_buttons_for_the_frame_skip(build_ram: BuildRam, name: str, buttons: list[Pad]) -> None:
    actions, ram = ACTIONS[name], build_ram()
    assert actions.count == len(buttons) == 9
    assert actions.mask(ram, ALONE).all()
    for action, pad in enumerate(buttons):
        assert next(actions.pads(action, ram, 3, ALONE)) == bytes((pad, 0)) * 3


#: 0.1 for the step, and 0.05 less for each row of air above the one cell at the bottom.
CALM = 0.1 - 0.05 * 15


@pytest.mark.parametrize(
    ("cells", "score"),
    [
        ({}, 0.0),
        ({(15, 1): 0x81}, 0.5),
        ({(15, 1): 0x81, (15, 2): 0x81}, 2.0),
        ({(15, column): 0x81 for column in range(1, 4)}, 10.0),
        ({(15, column): 0x81 for column in range(1, 8)}, 10.0),
        ({(15, 1): 0xD1}, 0.5 + 3.0),
        ({(14, 0): 0x81}, 0.5 + 0.05),
        ({(15, 1): 0x61}, 0.5),
        ({(15, 1): 0x5C}, 0.5),
        ({(15, 1): 0x71}, 0.0),
        ({(15, 1): 0x41}, 0.0),
        ({(15, 1): 0xB1}, 0.0),
        ({(15, 2): 0x81}, 0.0),
    ],
)
def test_runs_of_like_cells_pay_when_they_appear_and_cost_when_they_go(
    build_ram: BuildRam, cells: dict[tuple[int, int], int], score: float
) -> None:
    """`$61`, right half of a red capsule, is taken for red as `$5C` would be; `$71` for blue and `$41` for yellow."""
    before = build_ram({VIRUSES_LEFT: 4}, field={(15, 0): 0x81})
    after = build_ram({VIRUSES_LEFT: 4}, field={(15, 0): 0x81, **cells})
    assert pay(before, after, ALONE) == pytest.approx(CALM + score)
    change = 0.05 if (14, 0) in cells else 0.0
    assert pay(after, before, ALONE) == pytest.approx(CALM - (score - change))


@pytest.mark.parametrize(
    ("viruses", "paid"),
    [((0x04, 0x03), 20), ((0x20, 0x19), 140), ((0x10, 0x08), 160), ((0x04, 0x04), 0), ((0x03, 0x04), 0)],
)
def test_viruses_are_counted_in_tens_of_sixteen(build_ram: BuildRam, viruses: tuple[int, int], paid: int) -> None:
    before, after = (build_ram({VIRUSES_LEFT: left}, field={(15, 0): 0x80}) for left in viruses)
    assert pay(before, after, ALONE) == pytest.approx(CALM + paid)


def test_the_lower_the_stack_the_more_it_costs_and_an_empty_field_costs_nothing(build_ram: BuildRam) -> None:
    low, high, empty = (build_ram({VIRUSES_LEFT: 4}, field=cells) for cells in ({(15, 0): 0x80}, {(5, 0): 0x80}, {}))
    assert pay(low, low, ALONE) == pytest.approx(0.1 - 0.75)
    assert pay(high, high, ALONE) == pytest.approx(0.1 - 0.25)
    assert pay(empty, empty, ALONE) == pytest.approx(0.1)


def test_a_win_pays_and_anything_in_the_top_row_costs(build_ram: BuildRam) -> None:
    won = build_ram({VIRUSES_LEFT: 0})
    assert pay(won, won, ALONE) == pytest.approx(0.1 + 200)
    for top in (0x50, 0xF0, 0x00):
        full = build_ram({VIRUSES_LEFT: 4}, field={(0, 0): top})
        assert pay(full, full, ALONE) == pytest.approx(0.1 - 10)


def test_player_2_is_paid_for_its_own_field(build_ram: BuildRam) -> None:
    before, after = (bytearray(build_ram({VIRUSES_LEFT: 4, 0x03A4: left}, field=TALLEST)) for left in (9, 8))
    for ram in (before, after):
        ram[FIELD_2 : FIELD_2 + 128] = bytes([0xFF]) * 128
    assert pay(bytes(before), bytes(after), AS_PLAYER_2) == pytest.approx(0.1 + 20)


def test_its_down_moves_down_and_the_byte_that_it_wrote_pauses_the_game(make_env: MakeEnv) -> None:
    meant = make_env(observation="original", actions="original", frame_skip=1)
    written = make_env(observation="original", actions="original_literal", frame_skip=1)
    first = {env: env.reset(seed=3)[0] for env in (meant, written)}
    np.testing.assert_array_equal(first[meant], first[written])
    for env in (meant, written):
        for _ in range(12):
            env.step(np.int64(3))
    assert meant._lane._ram[PAUSE] != PAUSED
    assert meant._lane._ram[HEIGHT] < 15
    assert written._lane._ram[HEIGHT] == 15
    assert written._lane._ram[PAUSE] == PAUSED
