"""A network that plays several games at once, each as if it played alone.

Owns batches and chance: every call has the same number of rows, and every game its own random numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy

from observer.adapters.policy.networks import Network, Question
from observer.adapters.policy.view import Array, Observations, View
from observer.core.errors import CheckpointCorrupt

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a policy thinks of each game, for people to look at."""

    #: (rows, choices) float64, the parts of a multiple action side by side; None: it has none, as DQN
    probabilities: Array | None
    #: (rows,) float64, what it expects the game to be worth; None: not told, as of recurrent policies
    values: Array | None


class Policy:
    """A loaded policy for up to `lanes` games; row i of every call is lane i.

    torch gives other last bits for other batch sizes, so each call is padded with zeros to `lanes` rows: then no
    row changes with its neighbours. What a recurrent policy remembers, and the frames of one that sees several, are
    kept for each lane, and forgotten where `episode_starts` says that a game begins.
    """

    def __init__(self, module: BasePolicy, network: Network, view: View, *, lanes: int) -> None:
        self.lanes = lanes
        self._module = module
        self._network = network
        self._view = view

    def act(
        self,
        observations: Observations,
        episode_starts: Bools,
        *,
        action_masks: Bools | None = None,
        generators: Sequence[np.random.Generator] = (),
        deterministic: bool = True,
    ) -> NDArray[np.int64]:
        """One action for each row; the games go on from here.

        Args:
            observations: (rows, ...) as the environment gives them, or a mapping of such; rows <= lanes.
            episode_starts: (rows,) whether a game begins with this observation.
            action_masks: (rows, choices) what is legal; a policy that was not trained with masks ignores them.
            generators: one for each row, used when not deterministic: one number for each choice of an action.
            deterministic: the likeliest action, as SB3 chooses it, instead of one drawn by its probability.

        Returns:
            (rows,) for one choice an action, (rows, parts) for several.

        Raises:
            ValueError: the rows do not agree, or are more than there are lanes.
            CheckpointCorrupt: no_probabilities.
        """
        if not deterministic:
            self.require("stochastic")
        rows = self._rows(observations, episode_starts)
        with torch.inference_mode():
            question = self._question(observations, episode_starts, action_masks, keep=True)
            parts = self._network.scores(question, keep=True)
        if deterministic:
            chosen = [part.argmax(dim=1).numpy()[:rows] for part in parts]
        else:
            chosen = self._draw([_exact(part)[:rows] for part in parts], generators)
        actions = np.stack(chosen, axis=1).astype(np.int64)
        return actions if isinstance(self._module.action_space, spaces.MultiDiscrete) else actions[:, 0]

    def outlook(
        self, observations: Observations, episode_starts: Bools, action_masks: Bools | None = None, *, keep: bool = True
    ) -> Outlook:
        """What is thought of each game, in place of a call of `act` with the same arguments.

        Args:
            observations: as for `act`.
            episode_starts: as for `act`.
            action_masks: as for `act`.
            keep: whether the games go on from here; False where `act` is yet to be called with these observations.
        """
        rows = self._rows(observations, episode_starts)
        with torch.inference_mode():
            question = self._question(observations, episode_starts, action_masks, keep=keep)
            values = self._network.values(question)
            parts = self._network.scores(question, keep=keep)
        likely = np.concatenate([_exact(part)[:rows] for part in parts], axis=1)
        return Outlook(
            probabilities=likely if self._network.has_probabilities else None,
            values=None if values is None else _exact(values)[:rows],
        )

    def probabilities(self, observations: Observations, action_masks: Bools | None = None) -> Array:
        """(rows, choices) float64: how likely each choice is in games that begin with these observations.

        Raises:
            CheckpointCorrupt: no_probabilities.
        """
        self.require("stochastic")
        starts = np.ones(self._rows(observations, None), np.bool_)
        likely = self.outlook(observations, starts, action_masks, keep=False).probabilities
        return np.zeros((len(starts), 0)) if likely is None else likely

    def require(self, mode: Literal["deterministic", "stochastic"]) -> None:
        """The policy can be played in a mode.

        Raises:
            CheckpointCorrupt: no_probabilities.
        """
        if mode == "stochastic" and not self._network.has_probabilities:
            raise CheckpointCorrupt(
                "no_probabilities",
                f"{type(self._module).__name__} chooses the action that it values most and has no probabilities to draw "
                "from: evaluate it with `policy: deterministic`.",
            )

    def _rows(self, observations: Observations, starts: Bools | None) -> int:
        arrays = list(observations.values()) if isinstance(observations, Mapping) else [observations]
        found = {len(array) for array in arrays}
        if len(found) != 1 or not 0 < max(found) <= self.lanes:
            raise ValueError(f"A policy of {self.lanes} lanes was given observations of {sorted(found)} rows.")
        rows = found.pop()
        if starts is not None and len(starts) != rows:
            raise ValueError(f"{rows} observations came with {len(starts)} episode starts.")
        return rows

    def _question(self, observations: Observations, starts: Bools, masks: Bools | None, *, keep: bool) -> Question:
        seen = self._view.of(observations, starts, keep=keep)
        tensors, _ = self._module.obs_to_tensor(self._padded(seen))
        return Question(
            observations=tensors,
            starts=torch.from_numpy(_pad(starts, self.lanes, fill=True)),
            masks=None if masks is None else _pad(masks, self.lanes, fill=True),
            rows=len(starts),
        )

    def _padded(self, observations: Observations) -> Array | dict[str, Array]:
        if isinstance(observations, Mapping):
            return {name: _pad(array, self.lanes, fill=False) for name, array in observations.items()}
        return _pad(observations, self.lanes, fill=False)

    def _draw(self, parts: list[Array], generators: Sequence[np.random.Generator]) -> list[NDArray[np.int64]]:
        rows = len(parts[0])
        if len(generators) != rows:
            raise ValueError(f"{rows} observations came with {len(generators)} generators.")
        points = np.array([generator.random(len(parts)) for generator in generators])
        return [draw(part, points[:, index]) for index, part in enumerate(parts)]


def draw(probabilities: Array, points: Array) -> NDArray[np.int64]:
    """Inverse of the cumulated probabilities at points in [0, 1); never a choice of probability 0.

    Args:
        probabilities: (rows, choices), not quite summing to 1.
        points: (rows,).
    """
    cumulated = probabilities.cumsum(axis=1)
    reached = cumulated > (points * cumulated[:, -1])[:, None]
    last_possible = probabilities.shape[1] - 1 - (probabilities[:, ::-1] > 0).argmax(axis=1)
    # Rounding can lift a point onto the very end, where nothing lies behind it.
    chosen: NDArray[np.int64] = np.where(reached.any(axis=1), reached.argmax(axis=1), last_possible)
    return chosen


def _pad(array: Array, rows: int, *, fill: bool) -> Array:
    padded = np.full((rows, *array.shape[1:]), fill, dtype=array.dtype)
    padded[: len(array)] = array
    return padded


def _exact(probabilities: torch.Tensor) -> Array:
    return probabilities.numpy().astype(np.float64)
