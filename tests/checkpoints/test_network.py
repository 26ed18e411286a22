"""Our own network: shared over the columns, in the order of the placements, and only for boards."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from fakes.checkpoints import BOARD, LANES, PAD, PLACEMENT, VECTOR, Written
from gymnasium import spaces

from env.network import COLUMN_FEATURES, ColumnExtractor, ColumnHead, ColumnPolicy, OriginalCNN
from observer.adapters.policy.loading import ready
from observer.adapters.policy.view import View


def flat(_progress: float) -> float:
    return 1e-3


def test_a_column_is_scored_by_what_is_in_it_and_by_nothing_else() -> None:
    head = ColumnHead(8)
    features = torch.randn(3, COLUMN_FEATURES, 8)
    order = [5, 0, 7, 1, 6, 2, 4, 3]
    logits = head(features.flatten(1)).reshape(3, 8, 4)
    shuffled = head(features[:, :, order].flatten(1)).reshape(3, 8, 4)
    torch.testing.assert_close(shuffled, logits[:, order])


def test_the_four_rotations_of_a_column_lie_side_by_side() -> None:
    head = ColumnHead(8)
    features = torch.zeros(1, COLUMN_FEATURES, 8)
    features[0, :, 2] = 1.0
    logits = head(features.flatten(1))[0]
    moved = logits != head(torch.zeros(1, COLUMN_FEATURES * 8))[0]
    assert moved.nonzero().flatten().tolist() == [8, 9, 10, 11]


def test_a_new_policy_finds_all_placements_about_as_likely(written: Callable[[str], Written]) -> None:
    view = View(BOARD, stacking=None, normalization=None, lanes=LANES)
    policy = ready(ColumnPolicy(BOARD, PLACEMENT, flat), view, lanes=LANES)
    likely = policy.probabilities(written("masked columns").observations)
    np.testing.assert_allclose(likely, 1 / 32, atol=0.01)


def test_the_optimizer_trains_the_head_that_is_used() -> None:
    policy = ColumnPolicy(BOARD, PLACEMENT, flat)
    trained = {id(parameter) for group in policy.optimizer.param_groups for parameter in group["params"]}
    assert trained == {id(parameter) for parameter in policy.parameters()}


@pytest.mark.parametrize("extractor", [ColumnExtractor, OriginalCNN])
def test_only_boards_are_read(extractor: Callable[[spaces.Space[object]], object]) -> None:
    with pytest.raises(ValueError, match="reads boards"):
        extractor(VECTOR)


def test_only_placements_are_played() -> None:
    with pytest.raises(ValueError, match=r"needs Discrete\(32\).*actions: placement"):
        ColumnPolicy(BOARD, PAD, flat)
