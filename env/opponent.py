"""Who plays the other side of a two-player game: what such a player can be asked, and those that need no training.

Owns no pads and no RAM. Whoever adds another one implements `Opponent` and hands it to the games' settings.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from env import scripted
from env.actions import Mask
from env.observation import Planes
from env.options import ActionsName, ObservationName

#: An opponent's answer instead of an action: press nothing for the frame skip.
NOTHING: Final = -1


class Opponent(Protocol):
    """Chooses actions as a policy does; a row is a game that waits for an answer."""

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        """One action for each row.

        Args:
            observations: (rows, ...) as the agent is shown its own; of `planes` the opponent's field comes first.
            episode_starts: (rows,) whether the game begins with this observation.
            action_masks: (rows, actions) what is possible.
            generators: one for each row, the game's own; chance comes from nowhere else.

        Returns:
            (rows,) actions of the games' action set, or `NOTHING`.
        """
        ...


class Noop:
    """Presses nothing, ever: its capsules fall where they appear."""

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        del observations, action_masks, generators
        return np.full(len(episode_starts), NOTHING, np.int64)


class Random:
    """Draws among the possible actions, each as likely as the other."""

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        del observations, episode_starts
        return np.array([_drawn(mask, chance) for mask, chance in zip(action_masks, generators, strict=True)], np.int64)


def _drawn(mask: Mask, chance: np.random.Generator) -> int:
    possible = np.flatnonzero(mask)
    return int(chance.choice(possible)) if len(possible) else NOTHING


class Scripted:
    """Looks one capsule ahead, see `env.scripted`. It is shown `planes` and asked for `placement`, whatever the agent has."""

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        del episode_starts, generators
        chosen = [
            scripted.best(planes, mask) if mask.any() else NOTHING
            for planes, mask in zip(observations, action_masks, strict=True)
        ]
        return np.array(chosen, np.int64)


OPPONENTS: Final[Mapping[str, Callable[[], Opponent]]] = {"noop": Noop, "random": Random, "scripted": Scripted}
#: Opponent -> the observation and the actions that it always has; the others have the agent's.
OWN_SETS: Final[Mapping[str, tuple[ObservationName, ActionsName]]] = {"scripted": ("planes", "placement")}
