"""Records the golden games again: needed whenever the stand-in game is built anew, since a replay names its cartridge.

`python tests/data/record_golden.py` plays the games and replaces the files in `replays/`.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from env.drmario import DrMarioEnv
from env.lane import GameSettings
from env.observation import Planes
from env.options import EnvironmentOptions

REPLAYS: Final = Path(__file__).parent / "replays"
ROTATIONS: Final = 4
SEEDS: Final = range(200)
HEIGHT_COST: Final = 0.3


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


def best(planes: Planes, mask: NDArray[np.bool_]) -> int:
    """The possible placement that lays most on its own colour."""
    return max((int(action) for action in np.flatnonzero(mask)), key=lambda action: worth(planes, action))


def worth(planes: Planes, action: int) -> float:
    """Same colours under the capsule's halves count for it, other colours and height against."""
    column, rotation = divmod(action, ROTATIONS)
    field = colours_of(planes[..., 0:3] + planes[..., 3:6])
    first, second = (int(colour) for colour in colours_of(planes[..., 6:9])[0, 3:5])
    if rotation >= ROTATIONS // 2:
        first, second = second, first
    if rotation % 2:
        return on_column(field[:, column], first) - 2.0 * (first != second)
    halves = on_column(field[:, column], first) + on_column(field[:, column + 1], second)
    return halves - 2.0 * (top_of(field[:, column]) != top_of(field[:, column + 1]))


def colours_of(planes: NDArray[np.float32]) -> NDArray[np.int64]:
    """(16, 8) colour of each cell, 3 where there is none."""
    return np.where(planes.any(axis=-1), planes.argmax(axis=-1), 3)


def top_of(column: NDArray[np.int64]) -> int:
    """The row of the uppermost cell; 16 in an empty column."""
    filled = np.flatnonzero(column < 3)
    return int(filled[0]) if filled.size else len(column)


def on_column(column: NDArray[np.int64], colour: int) -> float:
    """What a half of this colour is worth on top of a column."""
    top = top_of(column)
    run = 0
    while top + run < len(column) and column[top + run] == colour:
        run += 1
    blocked = top < len(column) and run == 0
    return 3.0 * run - 2.0 * blocked - HEIGHT_COST * (len(column) - top)


if __name__ == "__main__":
    sys.exit(main())
