"""The networks that play this game: torch modules for stable-baselines3, and nothing else.

Owns our extractor and policy (facts: one head shared over the columns learns several times faster than a
dense one) and a stand-in for the CNN of the original project. Refuses spaces of another shape in a sentence.
"""

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

ROTATIONS = 4
COLUMN_FEATURES = 32
VALUE_WIDTH = 128
BOARD_DIMENSIONS = 3

#: Small, so that the first policy is nearly uniform over the legal placements.
HEAD_GAIN = 0.01


class ColumnExtractor(BaseFeaturesExtractor):
    """Reads a board and describes each of its columns by 32 numbers.

    Input: float32 (batch, rows, columns, channels), channels last, as the environment gives it (SB3 does not
    transpose a float Box). Output: (batch, 32 * columns), the 32 features outermost.
    """

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        rows, columns, channels = board_shape(observation_space)
        super().__init__(observation_space, COLUMN_FEATURES * columns)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, COLUMN_FEATURES, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(COLUMN_FEATURES, COLUMN_FEATURES, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(COLUMN_FEATURES, COLUMN_FEATURES, (rows, 3), padding=(0, 1)),
            nn.ReLU(),
            nn.Flatten(),
        )

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Describe the columns of each board of the batch."""
        features: torch.Tensor = self.convolutions(channels_first(observations))
        return features


class ColumnHead(nn.Module):
    """Scores the four rotations of every column with the same weights.

    Logit `column * 4 + rotation` belongs to the placement of that name.
    """

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.rotations = nn.Conv1d(COLUMN_FEATURES, ROTATIONS, 1)
        nn.init.orthogonal_(self.rotations.weight, gain=HEAD_GAIN)
        nn.init.zeros_(self.rotations.get_parameter("bias"))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Turn (batch, 32 * columns) features into (batch, columns * 4) logits."""
        by_column = features.reshape(-1, COLUMN_FEATURES, self.columns)
        logits: torch.Tensor = self.rotations(by_column)
        return logits.transpose(1, 2).flatten(1)


class PlacementPolicy(MaskableActorCriticPolicy):
    """A policy of `placement` actions with a layer of its own where SB3 has its linear one."""

    def _head(self) -> nn.Module:
        """What makes the logits of what the policy's branch gives."""
        raise NotImplementedError

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.action_net = self._head()
        # SB3 has just made its optimizer over the layer that was replaced.
        rate = {"lr": lr_schedule(1.0), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **rate)


class ColumnPolicy(PlacementPolicy):
    """Policy for `placement` actions: `MaskablePPO(ColumnPolicy, env)`.

    Its shape is its own default, so a checkpoint holds the class by reference and empty `policy_kwargs`.
    About 95,000 parameters for the (16, 8, 12) board.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        **options: Any,  # noqa: ANN401 - handed through to SB3, whose types they are
    ) -> None:
        require_placements(observation_space, action_space)
        super().__init__(observation_space, action_space, lr_schedule, **{**column_defaults(), **options})

    def _head(self) -> nn.Module:
        return ColumnHead(board_shape(self.observation_space)[1])


class OriginalCNN(BaseFeaturesExtractor):
    """A stand-in for `custom_cnn.DrMarioCNN`, the extractor of the project that came before this one.

    To read its checkpoints, list `custom_cnn.DrMarioCNN: env.network.OriginalCNN` under `policy.classes`.
    """

    def __init__(self, observation_space: spaces.Space[Any], features_dim: int = 256) -> None:
        rows, columns, channels = board_shape(observation_space)
        super().__init__(observation_space, features_dim)
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.linear = nn.Sequential(nn.Linear(64 * (rows // 2) * (columns // 2), features_dim), nn.ReLU())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Describe each board of the batch by `features_dim` numbers."""
        features: torch.Tensor = self.linear(self.cnn(channels_first(observations)))
        return features


def column_defaults() -> Mapping[str, Any]:
    """The arguments of SB3's policy that make it ours."""
    return {
        "net_arch": {"pi": [], "vf": [VALUE_WIDTH]},
        "activation_fn": nn.ReLU,
        "features_extractor_class": ColumnExtractor,
    }


def board_shape(space: spaces.Space[Any]) -> tuple[int, int, int]:
    """Rows, columns and channels of a board space; ValueError when it is not one."""
    if space.shape is None or len(space.shape) != BOARD_DIMENSIONS:
        sentence = f"This network reads boards of (rows, columns, channels); the environment gives {space}."
        raise ValueError(sentence)
    rows, columns, channels = space.shape
    return rows, columns, channels


def require_placements(observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
    """ValueError unless the actions are four rotations for each column of the board."""
    expected = board_shape(observation_space)[1] * ROTATIONS
    if not isinstance(action_space, spaces.Discrete) or action_space.n != expected:
        raise ValueError(
            f"The policy needs Discrete({expected}) placements, not {action_space}: choose actions: placement."
        )


def channels_first(observations: torch.Tensor) -> torch.Tensor:
    """Boards (batch, rows, columns, channels) as torch's convolutions want them."""
    return observations.permute(0, 3, 1, 2)
