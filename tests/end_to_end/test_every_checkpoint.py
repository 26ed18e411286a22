"""Checkpoints of other algorithms, of the original project and of wrapped trainings, played in a real emulator."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import jobs
from fakes.training import SampledEnv
from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecNormalize

from env import replay as replays
from env.options import ActionsName, EnvironmentOptions
from env.original import INTENDED, LITERAL
from observer.adapters import jobfiles
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles
from observer.core.models import EvaluationResult, Failure
from observer.worker import work

pytestmark = pytest.mark.timeout(300)

BOARD = spaces.Box(0, 1, (16, 8, 12), np.float32)
PADS = EnvironmentOptions(frame_skip=8)
#: The layers of the original project's `custom_cnn.py`.
CUSTOM_CNN = """
import torch.nn as nn
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

class DrMarioCNN(BaseFeaturesExtractor):
    def __init__(self, observation_space, features_dim=256):
        super().__init__(observation_space, features_dim)
        self.cnn = nn.Sequential(
            nn.Conv2d(12, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Flatten(),
        )
        self.linear = nn.Sequential(nn.Linear(2048, features_dim), nn.ReLU())

    def forward(self, observations):
        return self.linear(self.cnn(observations.permute(0, 3, 1, 2)))
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What its `train.py` saves: PPO, `CnnPolicy`, a class of a module that nobody has here."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "custom_cnn.py").write_text(CUSTOM_CNN)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.syspath_prepend(str(folder))
    torch.manual_seed(0)
    extractor = importlib.import_module("custom_cnn").DrMarioCNN
    model = PPO(
        "CnnPolicy",
        SampledEnv(BOARD, spaces.Discrete(9)),
        policy_kwargs={"features_extractor_class": extractor, "features_extractor_kwargs": {"features_dim": 256}},
        device="cpu",
    )
    model.save(folder / "ppo_drmario_10000_steps.zip")
    monkeypatch.undo()
    del sys.modules["custom_cnn"]
    (folder / "custom_cnn.py").unlink()
    return folder / "ppo_drmario_10000_steps.zip"


@pytest.mark.parametrize(("actions", "buttons"), [("original", INTENDED), ("original_literal", LITERAL)])
def test_a_checkpoint_of_the_original_script_is_played_with_nothing_else_installed(
    actions: ActionsName, buttons: tuple[int, ...], original: Path, tmp_path: Path
) -> None:
    options = EnvironmentOptions(observation="original", actions=actions, reward="original", frame_skip=4)
    plan = jobs.plan_of(range(2), environment=options, policy_mode="stochastic", frame_limit=400)
    files = jobs.play_here(jobs.job(tmp_path / "job", original, plan))
    result = jobfiles.read(EvaluationResult, files.result)
    assert (result.plan.environment.actions, result.plan.environment.reward) == (actions, "original")
    pressed = {pad for seed in plan.seeds for pad in replays.read(files.replays / f"{seed}.replay").inputs[::2]}
    assert pressed == {int(pad) for pad in buttons}, "all nine are drawn in two hundred steps"
    assert all(game.total_reward != 0 for game in result.episodes)


def wrapped(lanes: int = 4) -> VecEnv:
    return DummyVecEnv([lambda: SampledEnv(BOARD, spaces.Discrete(6))] * lanes)


@pytest.fixture(scope="module")
def normalized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training on two frames at once, normalised; its statistics as CheckpointCallback saves them."""
    path = tmp_path_factory.mktemp("normalized") / "m_64_steps.zip"
    statistics = VecNormalize(VecFrameStack(wrapped(), 2))
    model = PPO("MlpPolicy", statistics, n_steps=16, batch_size=16, policy_kwargs={"net_arch": [8]}, device="cpu")
    model.learn(64).save(path)
    statistics.save(str(path.with_name("m_vecnormalize_64_steps.pkl")))
    return path


def test_a_training_on_normalised_frames_is_played_as_it_was_and_it_is_said_with_what(
    normalized: Path, tmp_path: Path
) -> None:
    beside = normalized.with_name("m_vecnormalize_64_steps.pkl")
    plan = jobs.plan_of(range(2), environment=PADS)
    files = jobs.play(jobs.job(tmp_path / "job", normalized, plan, normalization=str(beside)))
    result = jobfiles.read(EvaluationResult, files.result)
    assert result.summary.episodes == 2
    assert len(result.provenance.versions["vecnormalize"]) == 64


def refused(files: JobFiles) -> Failure:
    assert work(files.folder) == ExitCode.REFUSED
    return jobfiles.read(Failure, files.failure)


def test_without_its_statistics_it_is_refused_before_a_game_begins(normalized: Path, tmp_path: Path) -> None:
    failure = refused(jobs.job(tmp_path / "job", normalized, jobs.plan_of([0], environment=PADS)))
    assert failure.word == "vecnormalize_missing"


def test_statistics_of_another_training_are_refused_with_both_shapes(normalized: Path, tmp_path: Path) -> None:
    other = VecNormalize(DummyVecEnv([lambda: SampledEnv(spaces.Box(0, 1, (7,), np.float32), spaces.Discrete(6))]))
    other.save(str(tmp_path / "other.pkl"))
    plan = jobs.plan_of([0], environment=PADS)
    failure = refused(jobs.job(tmp_path / "job", normalized, plan, normalization=str(tmp_path / "other.pkl")))
    assert failure.word == "vecnormalize_mismatch"
    assert "(7,)" in failure.sentence
    assert "(16, 8, 12)" in failure.sentence


def model_of(algorithm: Any, policy: str, **options: Any) -> Any:  # noqa: ANN401 -- SB3's
    torch.manual_seed(2)
    model = algorithm(policy, SampledEnv(BOARD, spaces.Discrete(6)), device="cpu", **options)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.mul_(3.0)
    return model


def games(files: JobFiles) -> dict[int, bytes]:
    """Seed -> what was pressed."""
    return {
        episode.seed: replays.read(files.replays / f"{episode.seed}.replay").inputs
        for episode in jobfiles.read_episodes(files.episodes)
    }


def test_what_a_recurrent_policy_remembers_of_a_game_does_not_reach_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "r_10_steps.zip"
    arguments = {"net_arch": [16], "lstm_hidden_size": 16}
    model_of(RecurrentPPO, "MlpLstmPolicy", n_steps=8, batch_size=8, policy_kwargs=arguments).save(path)
    plan = jobs.plan_of(range(4), environment=PADS, frame_limit=300)
    forwards = jobs.play_here(jobs.job(tmp_path / "forwards", path, plan))
    backwards = jobs.play_here(jobs.job(tmp_path / "backwards", path, replace(plan, seeds=(3, 2, 1, 0))))
    assert games(forwards) == games(backwards)
    assert len(set(games(forwards).values())) > 1


def test_a_dqn_plays_its_best_action_and_says_that_it_has_nothing_to_draw_from(tmp_path: Path) -> None:
    path = tmp_path / "d_10_steps.zip"
    model_of(DQN, "MlpPolicy", buffer_size=10, policy_kwargs={"net_arch": [16]}).save(path)
    plan = jobs.plan_of(range(2), environment=PADS, frame_limit=300)
    assert len(games(jobs.play_here(jobs.job(tmp_path / "job", path, plan)))) == 2
    failure = refused(jobs.job(tmp_path / "drawn", path, replace(plan, policy_mode="stochastic")))
    assert failure.word == "no_probabilities"
