"""A checkpoint as the other player of a game of two: asked one game at a time, in batches of one row.

One row is a batch size like any other, and always the same, so no game hangs on those beside it.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from env.actions import Mask
from env.observation import Planes
from env.opponent import Opponent
from observer.adapters.policy.loading import load_policy
from observer.adapters.policy.playing import Policy
from observer.adapters.policy.spaces import GymSpace, SpaceMismatch
from observer.core.errors import CheckpointCorrupt, CheckpointError

UNNORMALISED = (
    "it was trained on normalised observations, and an opponent's statistics are not read: name a checkpoint that was "
    "trained without VecNormalize."
)


class CheckpointOpponent:
    """One lane's; what it remembers of a game is its own."""

    def __init__(self, policy: Policy, *, deterministic: bool) -> None:
        self._policy = policy
        self._deterministic = deterministic

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        return self._policy.act(
            observations,
            episode_starts,
            action_masks=action_masks,
            generators=generators,
            deterministic=self._deterministic,
        )


def load_opponent(
    blob: bytes,
    *,
    observation_space: GymSpace,
    action_space: GymSpace,
    deterministic: bool,
    trusted_classes: Mapping[str, str],
) -> Callable[[], Opponent]:
    """What makes the opponent of a lane; the zip is read as data, whatever the agent's is.

    Raises:
        CheckpointCorrupt: `opponent`, with the reason in its sentence; it was tried once.
    """

    def make() -> Opponent:
        policy = load_policy(
            blob,
            observation_space=observation_space,
            action_space=action_space,
            lanes=1,
            trusted_classes=trusted_classes,
        )
        policy.require("deterministic" if deterministic else "stochastic")
        return CheckpointOpponent(policy, deterministic=deterministic)

    try:
        make()
    except CheckpointError as error:
        raise CheckpointCorrupt("opponent", f"The opponent cannot play here: {_reason(error)}") from error
    return make


def _reason(error: CheckpointError) -> str:
    """Its own sentence, unless that gives advice which does not help an opponent: nothing beside one is read."""
    if isinstance(error, SpaceMismatch):
        return f"{error.difference}; name one that was trained with the observation and the actions of these games."
    return UNNORMALISED if error.word == "vecnormalize_missing" else error.sentence
