from pathlib import Path

import pytest

from env import replay as replays
from env.emulator import Emulator
from env.stand_in import golden_games, stand_in_rom

MODES = {"clear": "1p", "two-players": "2p", "vs-cpu": "vs_cpu"}


@pytest.mark.parametrize("path", golden_games(), ids=lambda path: str(path.stem))
def test_a_game_recorded_on_another_day_comes_out_the_same(path: Path) -> None:
    replay = replays.read(path)
    assert (replay.record["outcome"], replay.scenario["mode"]) == ("win", MODES[path.stem])
    with Emulator(stand_in_rom()) as emulator:
        replays.verify(replay, emulator)


def test_there_is_one_of_each_kind() -> None:
    assert {path.stem for path in golden_games()} == set(MODES)
