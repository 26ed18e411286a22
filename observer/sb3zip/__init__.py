"""stable-baselines3 checkpoints read as data: no unpickling, no torch, nothing that the zip names is imported.

Owns what a checkpoint may look like and the inert values that intake, inspection and the policy adapter use; refuses
everything else with a stable word and a sentence (`CheckpointError`).
"""

from observer.sb3zip.archive import check_archive
from observer.sb3zip.contents import CheckpointContents, Unreadable, read_algorithm, read_checkpoint
from observer.sb3zip.description import describe
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits
from observer.sb3zip.normalization import Moments, Normalization, read_normalization
from observer.sb3zip.pickles import Reference
from observer.sb3zip.spaces import BoxSpace, DictSpace, DiscreteSpace, MultiBinarySpace, MultiDiscreteSpace, Space
from observer.sb3zip.weights import read_weights, require_finite

__all__ = [
    "DEFAULT_LIMITS",
    "BoxSpace",
    "CheckpointContents",
    "DictSpace",
    "DiscreteSpace",
    "Limits",
    "Moments",
    "MultiBinarySpace",
    "MultiDiscreteSpace",
    "Normalization",
    "Reference",
    "Space",
    "Unreadable",
    "check_archive",
    "describe",
    "read_algorithm",
    "read_checkpoint",
    "read_normalization",
    "read_weights",
    "require_finite",
]
