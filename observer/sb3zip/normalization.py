"""What SB3's VecNormalize learnt about observations, from its pickle read as data.

Refuses every other pickle. What it learnt about rewards is of no use in playing and is not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.arrays import Array, read_array
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits
from observer.sb3zip.pickles import Call, Reference, name_of, read_pickle

VECNORMALIZE = Reference("stable_baselines3.common.vec_env.vec_normalize", "VecNormalize")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Mean and variance of every number of an observation."""

    mean: Array
    variance: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normalization:
    """How observations were brought to a common scale; without moments they were left as they are."""

    #: of the whole observation, under an empty name, or of the parts of a mapping
    moments: Mapping[str, Moments]
    clip: float
    epsilon: float

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of what the statistics are about."""
        return {name: moments.mean.shape for name, moments in self.moments.items()}

    def apply(self, name: str, observations: Array) -> Array:
        """(rows, ...) observations normalised, float32, by the very operations of SB3."""
        moments = self.moments[name]
        scaled = (observations - moments.mean) / np.sqrt(moments.variance + self.epsilon)
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


def read_normalization(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Normalization:
    """The statistics in a file that `VecNormalize.save` wrote; nothing of it is executed or imported.

    Raises:
        CheckpointCorrupt: bad_vecnormalize.
    """
    try:
        tree = read_pickle(blob, limits=limits)
        if not isinstance(tree, Call) or tree.function != VECNORMALIZE or not isinstance(tree.state, dict):
            raise _bad(f"it holds {name_of(tree)}")
        return _normalization(tree.state, limits=limits)
    except CheckpointCorrupt as error:
        if error.word == "bad_vecnormalize":
            raise
        raise _bad(error.sentence) from error


def _normalization(state: Mapping[object, object], *, limits: Limits) -> Normalization:
    clip, epsilon = (_number(state, name, limits=limits) for name in ("clip_obs", "epsilon"))
    if state.get("norm_obs") is not True:
        return Normalization(moments={}, clip=clip, epsilon=epsilon)
    learnt = state.get("obs_rms")
    parts = learnt if isinstance(learnt, dict) else {"": learnt}
    moments = {str(name): _moments(part, limits=limits) for name, part in parts.items()}
    return Normalization(moments=moments, clip=clip, epsilon=epsilon)


def _number(state: Mapping[object, object], name: str, *, limits: Limits) -> float:
    value = read_array(state.get(name), limits=limits)
    if value.ndim != 0 or not np.isfinite(value) or value < 0:
        raise _bad(f"its {name} is no number")
    return float(value)


def _moments(tree: object, *, limits: Limits) -> Moments:
    state = tree.state if isinstance(tree, Call) else None
    if not isinstance(state, dict):
        raise _bad(f"it has {name_of(tree)} for statistics")
    mean, variance = (read_array(state.get(name), limits=limits) for name in ("mean", "var"))
    if mean.shape != variance.shape or mean.dtype.kind not in "fiu" or variance.dtype.kind not in "fiu":
        raise _bad("its mean and variance do not agree")
    if not np.isfinite(mean).all() or not np.isfinite(variance).all() or (variance < 0).any():
        raise _bad("its mean or variance is not finite")
    return Moments(mean=mean, variance=variance)


def _bad(what: str) -> CheckpointCorrupt:
    return CheckpointCorrupt(
        "bad_vecnormalize",
        f"The file beside the checkpoint is not what VecNormalize saves ({what.rstrip('.')}); save it again.",
    )
