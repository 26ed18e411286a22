"""Checkpoints that are written once for all tests of this folder."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from fakes.checkpoints import LANES, Written, write

from observer.adapters.policy import Policy, load_policy

TRUSTED = {name: name for name in ("fakes.training.OwnExtractor", "fakes.training.OwnPolicy")}


@pytest.fixture(scope="session")
def written() -> Callable[[str], Written]:
    torch.set_num_threads(1)
    return cache(write)


@pytest.fixture(scope="session")
def mlp(written: Callable[[str], Written]) -> Written:
    return written("mlp")


@pytest.fixture(scope="session")
def load() -> Callable[..., Policy]:
    """Load bytes as if they were those of a written checkpoint."""

    def load_as(checkpoint: Written, blob: bytes | None = None) -> Policy:
        return load_policy(
            checkpoint.blob if blob is None else blob,
            observation_space=checkpoint.observation_space,
            action_space=checkpoint.action_space,
            lanes=LANES,
            trusted_classes=TRUSTED,
        )

    return load_as
