"""What a network is shown of the environment's observations: normalised and stacked, as its training had them.

Owns the last observations of every lane where a policy sees several at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from observer.adapters.policy.spaces import GymSpace, as_sb3_sees
from observer.core.errors import CheckpointCorrupt
from observer.sb3zip import Normalization

Array = NDArray[Any]
Observations = Array | Mapping[str, Array]

#: More frames than anybody stacks.
MOST_FRAMES = 64


@dataclass(frozen=True, slots=True)
class Stacking:
    """SB3's VecFrameStack: the last `frames` observations side by side along an axis of one observation."""

    frames: int
    axis: int

    def space(self, space: spaces.Box) -> spaces.Box:
        """The space of stacked observations."""
        low, high = (np.repeat(bound, self.frames, axis=self.axis) for bound in (space.low, space.high))
        return spaces.Box(low, high, dtype=space.dtype.type)


class View:
    """The way from the environment to the network. An empty one changes nothing."""

    def __init__(
        self, given: GymSpace, *, stacking: Stacking | None, normalization: Normalization | None, lanes: int
    ) -> None:
        self._stacking = stacking
        self._first, self._last = placed(normalization, given, stacking)
        self._history: Array | None = None
        self._lanes = lanes

    def of(self, observations: Observations, starts: NDArray[np.bool_], *, keep: bool) -> Observations:
        """What the network sees.

        Args:
            observations: (rows, ...) as the environment gives them.
            starts: (rows,) whether a game begins with this observation; nothing was seen before it.
            keep: whether the games go on from here.
        """
        seen = normalized(observations, self._first)
        if self._stacking is not None and not isinstance(seen, Mapping):
            seen = self._stacked(seen, starts, keep=keep)
        return normalized(seen, self._last)

    def _stacked(self, seen: Array, starts: NDArray[np.bool_], *, keep: bool) -> Array:
        stacking = self._stacking or Stacking(1, -1)
        axis = stacking.axis if stacking.axis < 0 else stacking.axis + 1  # behind the rows
        width = seen.shape[axis]
        if self._history is None:
            shape = list(seen.shape)
            shape[0], shape[axis] = self._lanes, width * (stacking.frames - 1)
            self._history = np.zeros(shape, seen.dtype)
        history = self._history[: len(seen)].copy()
        history[starts] = 0
        stacked = np.concatenate([history, seen], axis=axis)
        if keep:
            self._history[: len(seen)] = np.delete(stacked, np.s_[:width], axis=axis)
        return stacked


def find_stacking(stored: GymSpace, given: GymSpace) -> Stacking | None:
    """How many of the environment's observations make one of the checkpoint's; None: no number of them does."""
    if not isinstance(stored, spaces.Box) or not isinstance(given, spaces.Box):
        return None
    frames, rest = divmod(int(np.prod(stored.shape)), max(1, int(np.prod(given.shape))))
    if rest or not 1 < frames <= MOST_FRAMES:
        return None
    for axis in (-1, 0):
        stacked = Stacking(frames, axis).space(given)
        if stored in (stacked, as_sb3_sees(stacked)):
            return Stacking(frames, axis)
    return None


def placed(
    normalization: Normalization | None, given: GymSpace, stacking: Stacking | None
) -> tuple[Normalization | None, Normalization | None]:
    """Whether to normalise before frames are stacked or after: the statistics have the shape of what they saw.

    Raises:
        CheckpointCorrupt: vecnormalize_mismatch.
    """
    if normalization is None or not normalization.moments:
        return None, None
    if shapes_of(given).items() >= normalization.shapes.items():
        return normalization, None
    stacked = stacking.space(given) if stacking is not None and isinstance(given, spaces.Box) else given
    if normalization.shapes == shapes_of(stacked):
        return None, normalization
    raise CheckpointCorrupt(
        "vecnormalize_mismatch",
        f"VecNormalize's statistics beside the checkpoint are of observations of the shape {in_words(normalization.shapes)}, "
        f"the environment gives {in_words(shapes_of(given))}: they belong to another training, or environment.json does.",
    )


def shapes_of(space: GymSpace) -> dict[str, tuple[int, ...]]:
    """The shape of each part of an observation; the whole has an empty name."""
    if isinstance(space, spaces.Dict):
        return {name: part.shape or () for name, part in space.spaces.items()}
    return {"": space.shape or ()}


def in_words(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}".strip() for name, shape in shapes.items())


def normalized(observations: Observations, normalization: Normalization | None) -> Observations:
    """Observations with the statistics applied, in the order of operations that VecNormalize has."""
    if normalization is None:
        return observations
    if not isinstance(observations, Mapping):
        return normalization.apply("", observations)
    return {
        name: normalization.apply(name, array) if name in normalization.moments else array
        for name, array in observations.items()
    }
