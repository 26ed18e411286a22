"""Records the golden games again: needed whenever the stand-in game is built anew, since a replay names its cartridge.

`PYTHONPATH=tests python -m models.record_golden` plays the games and replaces the files in `env/rom/games/`.
"""

import sys
from typing import Any, Final

from models.greedy import best

from env.drmario import DrMarioEnv
from env.lane import GameSettings
from env.options import EnvironmentOptions, Scenario
from env.stand_in import FOLDER

SEEDS: Final = range(200)
GAMES: Final = {
    "clear": EnvironmentOptions(actions="placement"),
    "two-players": EnvironmentOptions(actions="placement", scenario=Scenario(mode="2p", side=2), opponent="random"),
    "vs-cpu": EnvironmentOptions(actions="placement", scenario=Scenario(mode="vs_cpu", level=3, length="match")),
}


def main() -> int:
    """Of each kind the first game that the greedy player wins."""
    for name, options in GAMES.items():
        env = DrMarioEnv(settings=GameSettings(options=options))
        infos = (play(env, seed) for seed in SEEDS)
        (FOLDER / "games" / f"{name}.replay").write_bytes(next(info["replay"] for info in infos if info["won"]))
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
