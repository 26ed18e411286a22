from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from env import replay as replays
from env.drmario import DrMarioEnv
from env.emulator import Emulator
from env.game import CAPSULES, FIELD, MATCHES, PLAYER_1, VIRUSES_LEFT, is_topped_out
from env.lane import GameSettings
from env.moments import Moments, stack_height
from env.options import EnvironmentOptions
from env.replay import Replay
from env.stand_in import stand_in_rom
from env.tally import Tally
from env.wire import PAD_BYTES

BuildRam = Callable[..., bytes]


def cell(row: int, column: int) -> int:
    return FIELD + 8 * row + column


@pytest.mark.parametrize(
    ("cells", "rows"),
    [
        ({}, 0),
        ({cell(15, 3): 0xD0}, 1),
        ({cell(4, 4): 0x61, cell(9, 3): 0x52}, 12),
        ({cell(0, 2): 0x61}, 0),
        ({cell(2, 3): 0xB1, cell(3, 4): 0xF2}, 0),
    ],
    ids=["nothing", "a virus at the bottom", "the highest counts", "another column", "what is being cleared"],
)
def test_the_stack_is_measured_below_the_opening(build_ram: BuildRam, cells: dict[int, int], rows: int) -> None:
    empty = dict.fromkeys(range(FIELD, FIELD + 128), 0xFF)
    assert stack_height(build_ram({**empty, **cells}), PLAYER_1) == rows


def test_the_combo_is_where_it_first_was_as_big_as_it_got(build_ram: BuildRam) -> None:
    tally = Tally.start(build_ram({VIRUSES_LEFT: 4, CAPSULES: 1}))
    moments = Moments()
    for frame, matches in [(4, 1), (8, 1), (12, 2), (16, 2), (20, 0), (24, 1)]:
        ram = build_ram({VIRUSES_LEFT: 4, CAPSULES: 1, MATCHES: matches})
        before, tally = tally, tally.after(ram)
        moments = moments.after(before, tally, ram=ram, frame=frame)
    assert moments == Moments(combo_frame=12)


def test_a_replay_that_tells_nothing_has_no_moments() -> None:
    assert Moments.of({"outcome": "win", "highest_stack": None}) == Moments()
    assert Moments.of({"outcome": "win", **asdict(Moments(top_out_frame=7, highest_stack=3))}) == Moments(
        top_out_frame=7, highest_stack=3
    )


@pytest.fixture(scope="module")
def lost_game() -> Replay:
    """Whoever presses nothing tops out."""
    settings = GameSettings(options=EnvironmentOptions(actions="placement", observation="relative"))
    env = DrMarioEnv(settings=settings)
    try:
        env.reset(seed=3)
        info: dict[str, object] = {}
        while "replay" not in info:
            info = env.step(np.int64(4 * 3))[4]
        assert "top_out_frame" not in info  # nothing that an agent is told
        return replays.from_bytes(info["replay"])  # type: ignore[arg-type]
    finally:
        env.close()


def test_the_moment_of_a_top_out_is_the_frame_of_the_replay_at_which_it_happens(lost_game: Replay) -> None:
    moments = Moments.of(lost_game.record)
    assert moments.top_out_frame is not None
    assert moments.last_virus_frame is None
    assert moments.highest_stack >= 14
    with Emulator(Path(stand_in_rom())) as emulator:
        emulator.load_state(lost_game.start_state)
        emulator.step(lost_game.inputs[: (moments.top_out_frame - 4) * PAD_BYTES])
        assert not is_topped_out(emulator.read_ram(), PLAYER_1)
        emulator.step(lost_game.inputs[(moments.top_out_frame - 4) * PAD_BYTES : moments.top_out_frame * PAD_BYTES])
        assert is_topped_out(emulator.read_ram(), PLAYER_1)
