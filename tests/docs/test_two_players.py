"""The page on games of two: its opponent plays."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from env import replay
from env.drmario import DrMarioVectorEnv

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "two-players.md"


@pytest.fixture
def games() -> Iterator[DrMarioVectorEnv]:
    """What the page's code makes."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 -- our own page
    yield names["games"]
    names["games"].close()


def test_the_pages_opponent_plays_and_the_replay_names_it(games: DrMarioVectorEnv) -> None:
    games.reset(seed=1)
    infos: dict[str, Any] = {}
    aside, ended = np.array([0 * 4 + 1, 7 * 4 + 1]), np.zeros(2, np.bool_)
    while not ended.any():
        _, _, terminated, truncated, infos = games.step(aside)
        ended = terminated | truncated
    lane = int(np.flatnonzero(ended)[0])
    game = replay.from_bytes(infos["replay"][lane])
    assert any(game.inputs[0::2])
    assert any(game.inputs[1::2])
    assert game.metadata == {"opponent": "Hasty"}
