"""What a trainer saves beside a checkpoint, as a value."""

from dataclasses import dataclass
from typing import Literal

from observer.core.models import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """What the trainer saved beside a checkpoint and belongs to it."""

    #: the running statistics of SB3's VecNormalize, pickled
    kind: Literal["vecnormalize"]
    #: sha256 of the file
    digest: Digest
    #: the file name it arrived under; for people, never used as a path of ours
    name: str
    #: bytes
    size: int
    #: Unix seconds
    seen_at: float
