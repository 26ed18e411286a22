"""Weights that are broken, foreign, diverged or far too many."""

from collections.abc import Callable

import pytest
import torch
from fakes.checkpoints import (
    Written,
    members_of,
    refused,
    with_member,
    with_weights,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from observer.adapters.policy import Policy
from observer.core.errors import CheckpointError, Verdict
from observer.sb3zip import Limits, describe, read_checkpoint, read_weights

Write = Callable[[str], Written]
Load = Callable[..., Policy]


def test_a_tensor_of_a_tebibyte_in_four_bytes_is_too_big(mlp: Written, load: Load) -> None:
    hostile = with_weights(mlp.blob, {"w": torch.zeros(1).expand(1 << 38)})
    assert refused(lambda: load(mlp, hostile)).word == "too_big"


def test_weights_of_a_torch_long_gone_are_refused(mlp: Written, load: Load) -> None:
    legacy = with_weights(mlp.blob, mlp.model.policy.state_dict(), _use_new_zipfile_serialization=False)
    assert refused(lambda: load(mlp, legacy)).word == "legacy_pth"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_diverged_training_is_a_result(number: float, mlp: Written, load: Load) -> None:
    weights = {name: tensor.clone() for name, tensor in mlp.model.policy.state_dict().items()}
    weights["action_net.weight"][1, 2] = number
    diverged = with_weights(mlp.blob, weights)
    error = refused(lambda: load(mlp, diverged))
    assert (error.word, error.verdict) == ("nan_weights", Verdict.PARK)
    assert "'action_net.weight'" in error.sentence
    assert describe(read_checkpoint(diverged), read_weights(diverged))["finite"] is False


def test_weights_of_another_network_are_named(mlp: Written, load: Load) -> None:
    weights = dict(mlp.model.policy.state_dict())
    missing = {name: tensor for name, tensor in weights.items() if name != "value_net.bias"}
    reshaped = weights | {"value_net.weight": torch.zeros(1, 63)}
    for wrong, named in (
        (missing, "value_net.bias"),
        (reshaped, "value_net.weight"),
        (weights | {"new": torch.zeros(1)}, "new"),
    ):
        error = refused(lambda held=wrong: load(mlp, with_weights(mlp.blob, held)))  # type: ignore[misc]
        assert error.word == "weights_mismatch"
        assert named in error.sentence


@settings(max_examples=100)
@given(data=st.data())
def test_a_damaged_table_of_tensors_is_refused_in_words_or_read(mlp: Written, data: st.DataObject) -> None:
    inside = members_of(members_of(mlp.blob)["policy.pth"])
    name = next(name for name in inside if name.endswith("data.pkl"))
    table = bytearray(inside[name])
    for _ in range(data.draw(st.integers(1, 3))):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_weights(with_member(mlp.blob, "policy.pth", zipped({**inside, name: bytes(table)})), limits=Limits())
    except CheckpointError as error:
        assert error.word in {"bad_weights", "bad_pickle", "too_big"}  # noqa: PT017
