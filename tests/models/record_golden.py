"""Records the golden games again: needed whenever the stand-in game is built anew, since a replay names its cartridge.

`PYTHONPATH=tests python -m models.record_golden` plays the games and replaces the files in `tests/data/replays/`.
"""

import sys
from pathlib import Path
from typing import Any, Final

from models.greedy import best

from env.drmario import DrMarioEnv
from env.lane import GameSettings
from env.options import EnvironmentOptions

REPLAYS: Final = Path(__file__).parents[1] / "data" / "replays"
SEEDS: Final = range(200)


def main() -> int:
    """The first game that is won becomes the golden one."""
    settings = GameSettings(options=EnvironmentOptions(actions="placement"))
    env = DrMarioEnv(settings=settings)
    for seed in SEEDS:
        info = play(env, seed)
        if info["won"]:
            (REPLAYS / "clear.replay").write_bytes(info["replay"])
            break
    env.close()
    return 0


def play(env: DrMarioEnv, seed: int) -> dict[str, Any]:
    """One game of the greedy player; the info of its end."""
    planes, info = env.reset(seed=seed)
    over = False
    while not over:
        planes, _, won_or_lost, cut_off, info = env.step(best(planes, env.action_masks()))
        over = won_or_lost or cut_off
    return info


if __name__ == "__main__":
    sys.exit(main())
