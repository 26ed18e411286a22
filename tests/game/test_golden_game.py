from pathlib import Path

import pytest

from env import replay as replays
from env.emulator import Emulator
from env.stand_in import stand_in_rom

#: Won by a player that looks one capsule ahead, on the stand-in game as it is committed: `models.record_golden`.
GOLDEN = Path(__file__).parents[1] / "data" / "replays"


@pytest.mark.parametrize(("name", "mode"), [("clear", "1p"), ("two-players", "2p"), ("vs-cpu", "vs_cpu")])
def test_a_game_recorded_on_another_day_comes_out_the_same(name: str, mode: str) -> None:
    replay = replays.read(GOLDEN / f"{name}.replay")
    assert (replay.record["outcome"], replay.scenario["mode"]) == ("win", mode)
    with Emulator(stand_in_rom()) as emulator:
        replays.verify(replay, emulator)
