"""What a training script of a user would define: an environment, an extractor and a policy of its own."""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

EPISODE_STEPS = 10


class SampledEnv(gymnasium.Env[Any, Any]):
    """Gives samples of a space for observations; every third choice is illegal."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        self.observation_space = observation_space
        self.action_space = action_space
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:  # noqa: ANN401 - any space's
        self.steps += 1
        return self.observation_space.sample(), float(np.sum(action)), self.steps >= EPISODE_STEPS, False, {}

    def action_masks(self) -> NDArray[np.bool_]:
        return legal(self.action_space, rows=1).reshape(-1)


class OwnExtractor(BaseFeaturesExtractor):
    """An extractor that no library knows."""

    def __init__(self, observation_space: spaces.Space[Any], features_dim: int = 24) -> None:
        super().__init__(observation_space, features_dim)
        size = int(np.prod(observation_space.shape or ()))
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size, features_dim), nn.ReLU())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.layers(observations)
        return features


class OwnPolicy(ActorCriticPolicy):
    """A policy that no library knows."""


def choices_of(space: spaces.Space[Any]) -> int:
    """How many numbers a mask has."""
    return int(space.nvec.sum()) if isinstance(space, spaces.MultiDiscrete) else int(getattr(space, "n", 0))


def legal(space: spaces.Space[Any], *, rows: int) -> NDArray[np.bool_]:
    """Masks in which no row is like the next, and none is empty."""
    count = choices_of(space)
    return np.stack([(np.arange(count) + row) % 3 > 0 for row in range(rows)])


class LinearExtractor(BaseFeaturesExtractor):
    """The extractor that `tests/data/checkpoints/write.py` calls `own_features.OwnExtractor`."""

    def __init__(self, observation_space: spaces.Space[Any], features_dim: int = 7) -> None:
        super().__init__(observation_space, features_dim)
        self.layer = nn.Linear((observation_space.shape or (0,))[0], features_dim)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.layer(observations))
