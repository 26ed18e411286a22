"""A player that is no checkpoint, in the place of one: asked as a policy is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from env.opponent import OPPONENTS
from observer.adapters.policy.view import Array


class ReferencePolicy:
    """`random` or `scripted`; what is drawn, is drawn from the game's own random numbers."""

    def __init__(self, player: str) -> None:
        self._player = OPPONENTS[player]()

    def act(
        self,
        observations: Array,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: NDArray[np.bool_],
        generators: Sequence[np.random.Generator],
        deterministic: bool,
    ) -> NDArray[np.int64]:
        """One action for each row; the first one where nothing is possible."""
        del deterministic
        chosen = self._player.act(observations, episode_starts, action_masks=action_masks, generators=generators)
        return np.maximum(chosen, 0)
