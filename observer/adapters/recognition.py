"""Which checkpoint the bytes of a zip are: its hash, and the step that it stands for."""

import hashlib
import re

from observer.checkpointfile import readable
from observer.core.errors import CheckpointError
from observer.core.models import Checkpoint, Digest, Trust
from observer.sb3zip import read_checkpoint


def checkpoint_of(blob: bytes, *, name: str, trust: Trust, seen_at: float) -> Checkpoint:
    """A checkpoint's identity, from a zip that `check_archive` let through and the name it arrived under.

    Raises:
        CheckpointError: what it holds cannot be read as data, and nothing but data is trusted.
    """
    try:
        step = read_checkpoint(blob).num_timesteps
    except CheckpointError:
        if trust == "data":
            raise
        step = None
    return Checkpoint(
        digest=Digest(hashlib.sha256(blob).hexdigest()),
        step=step_in_name(name) if step is None else step,
        name=readable(name),
        size=len(blob),
        seen_at=seen_at,
    )


def step_in_name(name: str) -> int:
    """The number of steps in a name such as `ppo_20000_steps.zip`: its last number that can be one; 0: none."""
    numbers = re.findall(r"\d{1,15}", name.removesuffix(".zip"))
    marked = re.search(r"(\d{1,15})_steps", name)
    if marked is not None:
        return int(marked[1])
    return int(numbers[-1]) if numbers else 0
