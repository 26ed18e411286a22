import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from env import replay as replays
from env.cartridge import Cartridge
from env.drmario import DrMarioEnv
from env.lane import GameSettings
from env.options import EnvironmentOptions
from env.replay import Replay
from env.stand_in import stand_in_rom
from observer.core.models import Digest
from observer.core.statistics import wilson
from observer.core.timelapse import Sight, TimelapseRequest

SEED = 3
#: the columns that capsules go to, over and over, in the way of each checkpoint: the higher it builds, the sooner it ends
WAYS = {0: (0, 6), 20_000: (3, 4), 50_000: (3,)}
LIMITS = {0: 300, 20_000: 8000, 50_000: 400}


def play(columns: Sequence[int], frame_limit: int) -> Replay:
    """A real game of somebody who goes by columns alone, and so tops out."""
    options = EnvironmentOptions(actions="placement", observation="relative")
    env = DrMarioEnv(settings=GameSettings(options=options, frame_limit=frame_limit))
    try:
        env.reset(seed=SEED)
        info: dict[str, object] = {}
        turn = 0
        while "replay" not in info:
            mask = env.action_masks()
            wanted = 4 * columns[turn % len(columns)]
            info = env.step(np.int64(wanted if mask[wanted] else int(mask.argmax())))[4]
            turn += 1
        return replays.from_bytes(info["replay"])  # type: ignore[arg-type]
    finally:
        env.close()


@pytest.fixture(scope="session")
def games() -> dict[int, Replay]:
    """Step -> its game; all of one seed."""
    return {step: play(columns, LIMITS[step]) for step, columns in WAYS.items()}


@pytest.fixture(scope="session")
def three(games: dict[int, Replay], tmp_path_factory: pytest.TempPathFactory) -> TimelapseRequest:
    """Half a second of each of three checkpoints."""
    folder = tmp_path_factory.mktemp("replays")
    rom = stand_in_rom()
    return TimelapseRequest(
        rom=str(rom),
        rom_sha256=Digest(Cartridge.read(rom).sha256),
        seed=SEED,
        seconds=0.5,
        sights=tuple(sight(game, folder, step=step) for step, game in games.items()),
    )


def sight(game: Replay, folder: Path, *, step: int) -> Sight:
    path = folder / f"{step}.replay"
    replays.write(game, path)
    digest = Digest(hashlib.sha256(path.read_bytes()).hexdigest())
    return Sight(
        checkpoint=digest, step=step, win_rate=wilson(step // 10_000, 10), replay=str(path), replay_sha256=digest
    )
