from pathlib import Path

from env import replay as replays
from env.emulator import Emulator
from env.stand_in import stand_in_rom

#: A cleared level 0, played by a network in training; recorded on the stand-in game as it is committed.
GOLDEN = Path(__file__).parents[1] / "data" / "replays" / "clear.replay"


def test_a_game_recorded_on_another_day_comes_out_the_same() -> None:
    replay = replays.read(GOLDEN)
    assert replay.record["outcome"] == "win"
    with Emulator(stand_in_rom()) as emulator:
        replays.verify(replay, emulator)
