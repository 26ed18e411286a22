"""The spaces of a checkpoint as gymnasium's, and whether they are those of the environment.

SB3 puts the channels of images first before it stores a space; that difference is none.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecTransposeImage

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip import BoxSpace, DictSpace, DiscreteSpace, MultiBinarySpace, MultiDiscreteSpace, Space

GymSpace = spaces.Space[Any]


def as_gymnasium(space: Space) -> GymSpace:
    """A fresh gymnasium space.

    Raises:
        CheckpointCorrupt: bad_space.
    """
    try:
        return _as_gymnasium(space)
    except (AssertionError, OverflowError, TypeError, ValueError) as error:
        raise CheckpointCorrupt("bad_space", f"The checkpoint's space {space} makes no sense ({error}).") from error


def _as_gymnasium(space: Space) -> GymSpace:
    match space:
        case BoxSpace():
            return spaces.Box(space.low, space.high, space.shape, np.dtype(space.dtype).type)
        case DiscreteSpace():
            return spaces.Discrete(space.n, start=space.start)
        case MultiDiscreteSpace():
            return spaces.MultiDiscrete(np.array(space.choices))
        case MultiBinarySpace():
            return spaces.MultiBinary(space.n)
        case DictSpace():
            # Pairs keep the order in which the extractor joins the parts; a dict would be sorted.
            return spaces.Dict([(name, _as_gymnasium(part)) for name, part in space.spaces.items()])


def is_same(stored: GymSpace, given: GymSpace) -> bool:
    """Whether the checkpoint was trained on what the environment gives."""
    return stored in (given, as_sb3_sees(given))


class SpaceMismatch(CheckpointCorrupt):
    """A checkpoint was trained on something else."""

    def __init__(self, name: str, stored: GymSpace, given: GymSpace) -> None:
        #: both sides, without the advice
        self.difference = f"{name}: the checkpoint was trained with {stored}, the environment has {given}"
        super().__init__(
            "space_mismatch",
            f"{self.difference}; say what the training used in environment.json beside the checkpoint or, where there is "
            "none, under `environment` in the configuration.",
        )


def as_sb3_sees(space: GymSpace) -> GymSpace:
    """A space with the channels of its images first."""
    if isinstance(space, spaces.Dict):
        return spaces.Dict([(name, as_sb3_sees(part)) for name, part in space.spaces.items()])
    if isinstance(space, spaces.Box) and is_image_space(space) and not is_image_space_channels_first(space):
        return VecTransposeImage.transpose_space(space)
    return space
