"""The games as stable-baselines3 trains on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from env import replay as replays
from env.boot import StartStates
from env.drmario import DrMarioVectorEnv
from env.errors import EnvError
from env.lane import GameSettings
from env.network import ColumnPolicy
from env.options import EnvironmentOptions
from env.sb3 import DrMarioVecEnv

SETTINGS = GameSettings(options=EnvironmentOptions(actions="placement", observation="relative"), capsule_limit=3)
SEEDS = range(3277, 3290)
DROP = np.array([12, 12])


def make(starts: StartStates, mode: AutoresetMode = AutoresetMode.SAME_STEP) -> DrMarioVectorEnv:
    return DrMarioVectorEnv(2, starts, SETTINGS, game_seeds=SEEDS, autoreset_mode=mode)


@pytest.fixture
def games(starts: StartStates) -> Iterator[DrMarioVecEnv]:
    games = DrMarioVecEnv(make(starts))
    yield games
    games.close()


def finish(games: VecEnv) -> tuple[Any, Any, list[dict[str, Any]]]:
    """Steps up to the first one in which a game ends: observations, dones, infos."""
    while True:
        observations, _, dones, infos = games.step(DROP)
        if dones.any():
            return observations, dones, infos


def test_games_that_wait_for_a_reset_are_refused(starts: StartStates) -> None:
    with pytest.raises(EnvError, match="SAME_STEP"):
        DrMarioVecEnv(make(starts, AutoresetMode.DISABLED))


def test_a_step_gives_what_sb3_expects(games: DrMarioVecEnv) -> None:
    first = games.reset()
    observations, rewards, dones, infos = games.step(DROP)
    assert isinstance(first, np.ndarray)
    assert isinstance(observations, np.ndarray)
    assert first.shape == observations.shape == (2, 16, 8, 12)
    assert rewards.dtype == np.float32
    assert rewards.shape == (2,)
    assert dones.dtype == np.bool_
    assert dones.tolist() == [False, False]
    assert infos == [{}, {}]


def test_the_info_of_a_finished_game_is_that_games(games: DrMarioVecEnv) -> None:
    games.reset()
    for _ in range(3):
        observations, dones, infos = finish(games)
        for lane in np.flatnonzero(dones):
            info = infos[lane]
            replay = replays.from_bytes(info["replay"])
            assert info["seed"] == replay.seed
            assert info["episode_length"] == replay.record["episode_length"]
            assert info["TimeLimit.truncated"] == (info["outcome"] == "timeout")
            assert info["terminal_observation"].shape == (16, 8, 12)
            assert not np.array_equal(info["terminal_observation"], observations[lane])


def test_a_seed_decides_which_games_are_drawn(games: DrMarioVecEnv) -> None:
    drawn = []
    for _ in range(2):
        games.seed(5)
        games.reset()
        drawn.append([int(info["seed"]) for info in finish(games)[2] if info])
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) <= set(SEEDS)


def test_masks_reach_maskable_ppo(games: DrMarioVecEnv) -> None:
    games.reset()
    assert is_masking_supported(VecMonitor(games))
    masks = get_action_masks(VecMonitor(games))
    assert masks.shape == (2, 32)
    assert masks.any(axis=1).all()
    assert not masks.all()


def test_attributes_are_answered_for_the_lanes_asked_for(games: DrMarioVecEnv) -> None:
    assert games.get_attr("num_envs", indices=[1]) == [2]
    assert games.get_attr("render_mode") == [None, None]
    assert games.env_is_wrapped(VecMonitor) == [False, False]
    assert not games.has_attr("nothing_of_the_kind")
    games.reset()
    assert len(games.env_method("action_masks", indices=0)) == 1
    with pytest.raises(EnvError, match="cannot be set"):
        games.set_attr("num_envs", 3)


def test_the_monitor_records_every_game(games: DrMarioVecEnv) -> None:
    watched = VecMonitor(games)
    watched.reset()
    _, dones, infos = finish(watched)
    lane = int(np.flatnonzero(dones)[0])
    assert infos[lane]["episode"]["l"] == infos[lane]["episode_length"]
    assert infos[lane]["episode"]["r"] == pytest.approx(infos[lane]["total_reward"], abs=1e-5)


def test_maskable_ppo_learns_a_step_and_its_checkpoint_plays(games: DrMarioVecEnv, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = MaskablePPO(ColumnPolicy, VecMonitor(games), n_steps=8, batch_size=16, n_epochs=1, seed=0, device="cpu")
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(16)
    assert any(not torch.equal(value, before[name]) for name, value in model.policy.state_dict().items())
    model.save(tmp_path / "ppo.zip")
    loaded = MaskablePPO.load(tmp_path / "ppo.zip", device="cpu")
    observations = games.reset()
    masks = get_action_masks(games)
    actions, _ = loaded.predict(observations, action_masks=masks, deterministic=True)
    assert masks[np.arange(2), actions].all()
    assert loaded.num_timesteps == 16
