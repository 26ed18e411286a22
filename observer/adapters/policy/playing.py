"""A network that plays several games at once, each as if it played alone.

Owns batches and chance: every call has the same number of rows, and every game its own random numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy

Array = NDArray[Any]
Observations = Array | Mapping[str, Array]
Network = ActorCriticPolicy | MaskableActorCriticPolicy


class Policy:
    """A loaded policy for up to `lanes` games; row i of every call is lane i.

    torch gives other last bits for other batch sizes, so each call is padded with zeros to `lanes` rows: then no
    row changes with its neighbours.
    """

    def __init__(self, network: Network, *, lanes: int) -> None:
        self.network = network
        self.lanes = lanes

    def act(
        self,
        observations: Observations,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: NDArray[np.bool_] | None = None,
        generators: Sequence[np.random.Generator] = (),
        deterministic: bool = True,
    ) -> NDArray[np.int64]:
        """One action for each row.

        Args:
            observations: (rows, ...) as the environment gives them, or a mapping of such; rows <= lanes.
            episode_starts: (rows,) whether a game begins with this observation; only a recurrent policy looks.
            action_masks: (rows, choices) what is legal; a policy that was not trained with masks ignores them.
            generators: one for each row, used when not deterministic: one number for each choice of an action.
            deterministic: the likeliest action, as SB3 chooses it, instead of one drawn by its probability.

        Returns:
            (rows,) for one choice an action, (rows, parts) for several.

        Raises:
            ValueError: the rows do not agree, or are more than there are lanes.
        """
        rows = self._rows(observations)
        if len(episode_starts) != rows:
            raise ValueError(f"{rows} observations came with {len(episode_starts)} episode starts.")
        parts = self._distributions(observations, action_masks)
        if deterministic:
            chosen = [part.argmax(dim=1).numpy()[:rows] for part in parts]
        else:
            chosen = self._draw([_exact(part)[:rows] for part in parts], generators)
        actions = np.stack(chosen, axis=1).astype(np.int64)
        return actions if self._is_multiple else actions[:, 0]

    def probabilities(self, observations: Observations, action_masks: NDArray[np.bool_] | None = None) -> Array:
        """(rows, choices) float64: how likely each choice is; the parts of a multiple action side by side."""
        rows = self._rows(observations)
        parts = self._distributions(observations, action_masks)
        return np.concatenate([_exact(part)[:rows] for part in parts], axis=1)

    @property
    def _is_multiple(self) -> bool:
        return isinstance(self.network.action_space, spaces.MultiDiscrete)

    def _rows(self, observations: Observations) -> int:
        arrays = list(observations.values()) if isinstance(observations, Mapping) else [observations]
        rows = {len(array) for array in arrays}
        if len(rows) != 1 or not 0 < max(rows) <= self.lanes:
            raise ValueError(f"A policy of {self.lanes} lanes was given observations of {sorted(rows)} rows.")
        return rows.pop()

    def _distributions(self, observations: Observations, masks: NDArray[np.bool_] | None) -> list[torch.Tensor]:
        """Probabilities (lanes, choices) of each part of an action, in the network's own precision."""
        with torch.inference_mode():
            tensors, _ = self.network.obs_to_tensor(self._padded(observations))
            if not isinstance(self.network, MaskableActorCriticPolicy):
                chosen: Any = self.network.get_distribution(tensors)
            else:
                padded = None if masks is None else _pad(masks, self.lanes, fill=True)
                chosen = self.network.get_distribution(tensors, padded)
            parts = getattr(chosen, "distributions", None) or chosen.distribution
            return [part.probs for part in (parts if isinstance(parts, list) else [parts])]

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
