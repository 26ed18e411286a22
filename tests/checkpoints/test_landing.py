"""The network that reads a board where a capsule would come to rest."""

import numpy as np
import pytest
import torch
from fakes.checkpoints import BOARD, PAD, PLACEMENT
from gymnasium import spaces

from env.landing import SWAPPED, LandingPolicy, cells_at, floor

VIRUS_OF_FIRST, HALF_OF_SECOND = 0, 4


def flat(_progress: float) -> float:
    return 1e-3


@pytest.fixture
def policy() -> LandingPolicy:
    torch.manual_seed(3)
    policy = LandingPolicy(BOARD, PLACEMENT, flat)
    policy.set_training_mode(mode=False)
    return policy


def board(*cells: tuple[int, int, int]) -> torch.Tensor:
    """A batch of one empty board but for these (row, column, channel)."""
    boards = torch.zeros(1, 16, 8, 12)
    for row, column, channel in cells:
        boards[0, row, column, channel] = 1
    return boards


def logits_of(policy: LandingPolicy, boards: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return policy.mlp_extractor.forward_actor(boards.flatten(1))[0].reshape(8, 4)


def test_a_capsule_comes_to_rest_on_the_uppermost_cell_of_a_column() -> None:
    boards = board((12, 0, VIRUS_OF_FIRST), (15, 0, HALF_OF_SECOND), (0, 7, HALF_OF_SECOND)).permute(0, 3, 1, 2)
    assert floor(boards).tolist() == [[12, 16, 16, 16, 16, 16, 16, 0]]


def test_what_the_next_capsule_is_fills_no_cell() -> None:
    boards = torch.zeros(1, 12, 16, 8)
    boards[:, 6:] = 1
    assert floor(boards).tolist() == [[16] * 8]


def test_a_cell_above_the_field_is_read_as_that_of_the_top_row() -> None:
    features = torch.arange(16.0).reshape(1, 1, 16, 1).expand(1, 2, 16, 8)
    assert cells_at(features, torch.tensor([[-1, 0, 1, 2, 15, 3, 4, 5]]))[0, 1].tolist() == [0, 0, 1, 2, 15, 3, 4, 5]


def test_turning_a_capsule_round_is_exchanging_its_halves(policy: LandingPolicy) -> None:
    boards = (torch.rand(1, 16, 8, 12, generator=torch.Generator().manual_seed(1)) > 0.8).float()
    torch.testing.assert_close(
        logits_of(policy, boards)[:, [2, 3, 0, 1]], logits_of(policy, boards[..., list(SWAPPED)])
    )
    assert not torch.equal(logits_of(policy, boards)[:, :2], logits_of(policy, boards)[:, 2:])


def test_a_placement_is_judged_by_where_it_comes_to_rest(policy: LandingPolicy) -> None:
    """A cell far from where the capsule of column 0 lands changes nothing there, one beneath it does."""
    empty, near, far = board(), board((15, 0, VIRUS_OF_FIRST)), board((15, 7, VIRUS_OF_FIRST))
    assert torch.equal(logits_of(policy, empty)[0], logits_of(policy, far)[0])
    assert (logits_of(policy, empty)[0] != logits_of(policy, near)[0]).all()


def test_the_optimizer_trains_what_is_used_and_nothing_else(policy: LandingPolicy) -> None:
    trained = {id(parameter) for group in policy.optimizer.param_groups for parameter in group["params"]}
    assert trained == {id(parameter) for parameter in policy.parameters()}
    assert sum(parameter.numel() for parameter in policy.parameters()) == 75_763


@pytest.mark.parametrize(
    ("seen", "done", "sentence"),
    [
        (BOARD, PAD, r"needs Discrete\(32\).*actions: placement"),
        (spaces.Box(0.0, 1.0, (16, 8, 24), np.float32), PLACEMENT, "choose observation: relative"),
    ],
)
def test_other_spaces_are_refused_in_a_sentence(
    seen: spaces.Space[object], done: spaces.Space[object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        LandingPolicy(seen, done, flat)
