"""The policy that `env.train` teaches: it judges a placement by the cells in which the capsule would come to rest.

Owns that network, as a policy of stable-baselines3, for `relative` observations and `placement` actions. That a
board is read there, and not column by column as in `env.network`, is what makes it learn several times faster.
"""

from typing import Any, Final

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from env.network import PlacementPolicy, board_shape, channels_first, require_placements

FEATURES: Final = 32
HIDDEN: Final = 64
COLUMN_FEATURES: Final = 16
VALUE_WIDTH: Final = 128
#: Viruses and settled halves: what a capsule comes to rest on.
FIELD_CHANNELS: Final = 6
#: Channels of `relative` with the capsule's first and second colour exchanged, triple by triple.
SWAPPED: Final = (1, 0, 2, 4, 3, 5, 7, 6, 8, 10, 9, 11)


class LandingNetwork(nn.Module):
    """From flat observations to the logits of all placements, and to what the value is read from.

    Rotations 2 and 3 are rotations 0 and 1 of the capsule with its halves exchanged, so the network looks at every
    board twice, and learns each thing once. Logit `column * 4 + rotation` belongs to the placement of that name.
    """

    latent_dim_vf = VALUE_WIDTH

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        rows, columns, channels = shape
        self.shape = shape
        self.latent_dim_pi = columns * 4
        self.cells = nn.Sequential(
            nn.Conv2d(channels, FEATURES, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(FEATURES, FEATURES, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(FEATURES, FEATURES, 3, padding=1),
        )
        self.whereabouts = nn.Parameter(torch.zeros(1, FEATURES, rows, columns))
        self.lying, self.standing = _judge(), _judge()
        self.columns = nn.Sequential(
            nn.Conv2d(FEATURES, COLUMN_FEATURES, (rows, 3), padding=(0, 1)),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(COLUMN_FEATURES * columns, VALUE_WIDTH),
            nn.ReLU(),
        )

    def forward(self, flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, rows * columns * channels) to logits (batch, columns * 4) and (batch, `latent_dim_vf`)."""
        boards, features = self._look(flat)
        return self._logits(boards, features), self._worth(features)

    def forward_actor(self, flat: torch.Tensor) -> torch.Tensor:
        return self._logits(*self._look(flat))

    def forward_critic(self, flat: torch.Tensor) -> torch.Tensor:
        return self._worth(self._look(flat)[1])

    def _look(self, flat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The boards, each as it is and then each with its capsule's halves exchanged; and their cells' features."""
        boards = channels_first(flat.reshape(-1, *self.shape))
        both = torch.cat([boards, boards[:, SWAPPED]])
        return both, torch.relu(self.cells(both) + self.whereabouts)

    def _logits(self, boards: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        rests = floor(boards)
        at = rests - 1
        beside = torch.minimum(at[:, :-1], at[:, 1:])
        left, right = cells_at(features[..., :-1], beside), cells_at(features[..., 1:], beside)
        lying = nn.functional.pad(self.lying(torch.cat([left, right], 1)), (0, 1))
        standing = self.standing(torch.cat([cells_at(features, at), cells_at(features, at - 1)], 1))
        by_rotation = torch.cat([lying, standing], 1).chunk(2)
        return torch.cat(by_rotation, 1).transpose(1, 2).flatten(1)

    def _worth(self, features: torch.Tensor) -> torch.Tensor:
        as_it_is, exchanged = self.columns(features).chunk(2)
        worth: torch.Tensor = (as_it_is + exchanged) / 2
        return worth


class LandingPolicy(PlacementPolicy):
    """Policy for `placement` actions on `relative` observations: `MaskablePPO(LandingPolicy, env)`.

    Its shape is its own default, so a checkpoint holds the class by reference and empty `policy_kwargs`.
    About 76,000 parameters for the (16, 8, 12) board.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        **options: Any,  # noqa: ANN401 - handed through to SB3, whose types they are
    ) -> None:
        require_placements(observation_space, action_space)
        require_relative(observation_space)
        defaults = {"features_extractor_class": FlattenExtractor, "ortho_init": False}
        super().__init__(observation_space, action_space, lr_schedule, **{**defaults, **options})

    def _build_mlp_extractor(self) -> None:
        network: Any = LandingNetwork(board_shape(self.observation_space))
        self.mlp_extractor = network

    def _head(self) -> nn.Module:
        return nn.Identity()


def require_relative(space: spaces.Space[Any]) -> None:
    """ValueError unless a board has the channels of `relative`."""
    if board_shape(space)[2] != len(SWAPPED):
        sentence = f"LandingPolicy reads boards of {len(SWAPPED)} channels, not {space}: choose observation: relative."
        raise ValueError(sentence)


def floor(boards: torch.Tensor) -> torch.Tensor:
    """(batch, columns): the row of each column's uppermost cell; the number of rows where it is empty."""
    is_filled = boards[:, :FIELD_CHANNELS].amax(1) > 0
    rows = is_filled.shape[1]
    first = is_filled.to(torch.int64).argmax(1)
    return torch.where(is_filled.any(1), first, rows)


def cells_at(features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """From (batch, features, rows, columns) the features of one cell a column; above the field the top row's."""
    chosen = rows.clamp(min=0)[:, None, None, :].expand(-1, features.shape[1], 1, -1)
    return features.gather(2, chosen)[:, :, 0]


def _judge() -> nn.Sequential:
    """Scores a placement by the features of the two cells that it fills."""
    return nn.Sequential(nn.Conv1d(2 * FEATURES, HIDDEN, 1), nn.ReLU(), nn.Conv1d(HIDDEN, 1, 1))
