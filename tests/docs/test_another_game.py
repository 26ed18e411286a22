"""The environment on the page runs as it stands there, on the small cartridge of the tests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from env import replay
from env.emulator import Emulator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "another-game.md"
ROM = ROOT / "tests" / "data" / "rom" / "echo.nes"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's example defines."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert sum(1 for line in block.splitlines() if line.strip()) <= 50
    names: dict[str, Any] = {"__name__": "another_game"}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 -- our own page
    return names


@pytest.fixture
def cursor(page: dict[str, Any]) -> Iterator[gym.Env[Any, Any]]:
    env: gym.Env[Any, Any] = page["CursorEnv"](ROM)
    yield env
    env.close()


def steer(env: gym.Env[Any, Any], page: dict[str, Any], *, seed: int) -> tuple[float, replay.Replay]:
    """A game played well; its reward and its recording."""
    seen, _ = env.reset(seed=seed)
    while True:
        across, down = page["GOAL"].astype(int) - seen
        action = (1 if across > 0 else 2) if abs(across) > abs(down) else (3 if down > 0 else 4)
        seen, reward, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            return float(reward), info["replay"]


def test_it_is_an_environment_as_gymnasium_wants_it(cursor: gym.Env[Any, Any]) -> None:
    check_env(cursor, skip_render_check=True)


def test_a_game_can_be_won_and_its_recording_proven(
    cursor: gym.Env[Any, Any], page: dict[str, Any], tmp_path: Path
) -> None:
    reward, game = steer(cursor, page, seed=3)
    assert reward == 1.0
    replay.write(game, tmp_path / "3.replay")
    with Emulator(ROM) as another:
        replay.verify(replay.read(tmp_path / "3.replay"), another)


def test_a_seed_is_a_game(cursor: gym.Env[Any, Any], page: dict[str, Any]) -> None:
    games = [replay.to_bytes(steer(cursor, page, seed=seed)[1]) for seed in (5, 5, 6)]
    assert games[0] == games[1] != games[2]
    seen, _ = cursor.reset(seed=5)
    assert np.array_equal(seen, cursor.reset(seed=5)[0])
