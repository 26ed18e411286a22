"""Checkpoints that mean harm: none of them runs anything, holds the worker up or fills its memory."""

import base64
import io
import json
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes.checkpoints import (
    LANES,
    Written,
    members_of,
    pickle_of,
    with_data,
    with_member,
    with_pickle,
    with_weights,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import nn

from observer.adapters.policy import Policy, load_policy
from observer.core.errors import CheckpointCorrupt, CheckpointError, Verdict
from observer.sb3zip import Limits, check_archive, describe, read_checkpoint, read_weights

Write = Callable[[str], Written]
Load = Callable[..., Policy]

SERIALIZED_KEYS = (
    "policy_class",
    "policy_kwargs",
    "observation_space",
    "action_space",
    "lr_schedule",
    "clip_range",
    "rollout_buffer_class",
    "ep_info_buffer",
    "_last_obs",
    "_last_episode_starts",
    "a_key_that_sb3_does_not_know",
)
#: What playing needs; all else is not even looked at.
NEEDED_KEYS = {"policy_class", "policy_kwargs", "observation_space", "action_space"}


class Creates:
    """Makes a folder when it is unpickled, as a hostile checkpoint would do worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def refused(read: Callable[[], object]) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        read()
    return caught.value


@pytest.mark.parametrize("key", SERIALIZED_KEYS)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_hostile_pickle_runs_nothing(key: str, protocol: int, tmp_path: Path, mlp: Written, load: Load) -> None:
    trap = tmp_path / "ran"
    hostile = with_pickle(mlp.blob, key, pickle.dumps(Creates(trap), protocol=protocol))
    check_archive(hostile)
    if key in NEEDED_KEYS:
        assert refused(lambda: load(mlp, hostile)).verdict is Verdict.PARK
        assert refused(lambda: read_checkpoint(hostile)).verdict is Verdict.PARK
    else:
        actions = load(mlp, hostile).act(mlp.observations, np.zeros(LANES, dtype=bool))
        np.testing.assert_array_equal(actions, mlp.predicted())
        describe(read_checkpoint(hostile), read_weights(hostile))
    assert not trap.exists()


def test_the_same_pickle_runs_when_it_is_loaded_the_ordinary_way(tmp_path: Path, mlp: Written) -> None:
    """Without this the tests above would pass for a pickle that does no harm."""
    trap = tmp_path / "ran"
    hostile = with_pickle(mlp.blob, "a_key_that_sb3_does_not_know", pickle.dumps(Creates(trap)))
    PPO.load(io.BytesIO(hostile), device="cpu")
    assert trap.exists()


@pytest.mark.parametrize("place", ["features_extractor_kwargs", "activation_fn", "net_arch", "ortho_init", "own"])
def test_a_hostile_pickle_inside_of_the_arguments_runs_nothing(
    place: str, tmp_path: Path, mlp: Written, load: Load
) -> None:
    trap = tmp_path / "ran"
    arguments = pickle.dumps({"net_arch": [8], place: {"deep": [Creates(trap)]}})
    error = refused(lambda: load(mlp, with_pickle(mlp.blob, "policy_kwargs", arguments)))
    assert error.word == "bad_policy_kwargs"
    assert not trap.exists()


def test_hostile_weights_run_nothing(tmp_path: Path, mlp: Written, load: Load) -> None:
    trap = tmp_path / "ran"
    for weights in (Creates(trap), {"a": Creates(trap)}, OrderedDict(a=Creates(trap))):
        error = refused(lambda held=weights: load(mlp, with_weights(mlp.blob, held)))  # type: ignore[misc]
        assert error.word == "bad_weights"
    assert not trap.exists()


@pytest.mark.parametrize("dotted", ["os.system", "builtins.eval", "subprocess.Popen", "torch.nn.modules.linear.Linear"])
@pytest.mark.parametrize("key", ["policy_class", "policy_kwargs"])
def test_a_class_that_nobody_listed_is_named_and_not_imported(dotted: str, key: str, mlp: Written, load: Load) -> None:
    module, _, name = dotted.rpartition(".")
    reference = b"\x80\x04c" + module.encode() + b"\n" + name.encode() + b"\n."
    inside = b"\x80\x04}\x8c\x18features_extractor_class" + reference[2:-1] + b"s."
    error = refused(lambda: load(mlp, with_pickle(mlp.blob, key, reference if key == "policy_class" else inside)))
    assert error.word == "class_not_allowed"
    assert dotted in error.sentence
    assert "`policy.classes` of the configuration" in error.sentence


def test_an_own_class_must_be_listed(written: Write) -> None:
    checkpoint = written("own extractor")
    with pytest.raises(CheckpointCorrupt, match=r"class_not_allowed.*fakes\.training\.OwnExtractor.*policy\.classes"):
        load_policy(
            checkpoint.blob,
            observation_space=checkpoint.observation_space,
            action_space=checkpoint.action_space,
            lanes=LANES,
            trusted_classes={},
        )


@pytest.mark.parametrize("target", ["a_module_that_is_not.here", "fakes.training.Gone", "nodots"])
def test_a_listed_class_that_cannot_be_imported_is_missing(target: str, written: Write) -> None:
    checkpoint = written("own extractor")
    with pytest.raises(CheckpointCorrupt, match=f"class_missing.*{target}"):
        load_policy(
            checkpoint.blob,
            observation_space=checkpoint.observation_space,
            action_space=checkpoint.action_space,
            lanes=LANES,
            trusted_classes={"fakes.training.OwnExtractor": target},
        )


def test_a_class_of_the_training_script_must_move_to_a_module(mlp: Written) -> None:
    own = type("InTheScript", (ActorCriticPolicy,), {"__module__": "__main__"})
    buffer = io.BytesIO()
    PPO(own, mlp.model.get_env(), n_steps=32, batch_size=16, device="cpu").save(buffer)
    error = refused(lambda: read_checkpoint(buffer.getvalue()))
    assert error.word == "class_not_allowed"
    assert "policy.classes" in error.sentence


def test_an_extractor_of_the_training_script_must_move_to_a_module(mlp: Written, load: Load) -> None:
    own = type("InTheScript", (FlattenExtractor,), {"__module__": "__main__"})
    buffer = io.BytesIO()
    arguments = {"features_extractor_class": own}
    PPO("MlpPolicy", mlp.model.get_env(), n_steps=32, batch_size=16, policy_kwargs=arguments).save(buffer)
    error = refused(lambda: load(mlp, buffer.getvalue()))
    assert error.word == "bad_policy_kwargs"
    assert "defined in the training script" in error.sentence
    assert "policy.classes" in error.sentence


def test_a_lambda_for_a_class_is_refused_and_inspected_all_the_same(mlp: Written, load: Load) -> None:
    buffer = io.BytesIO()
    arguments = {"activation_fn": lambda: nn.Tanh()}  # noqa: PLW0108 - a lambda is what this is about
    PPO("MlpPolicy", mlp.model.get_env(), n_steps=32, batch_size=16, policy_kwargs=arguments).save(buffer)
    assert refused(lambda: load(mlp, buffer.getvalue())).word == "bad_policy_kwargs"
    said = describe(read_checkpoint(buffer.getvalue()), read_weights(buffer.getvalue()))
    assert "unreadable" in json.dumps(said["policy_kwargs"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"net_arch": [10**9]},
        {"net_arch": {"pi": [10**30], "vf": []}},
        {"net_arch": [60_000, 60_000]},
        {"net_arch": [5000] * 200},
    ],
)
def test_a_network_without_end_is_refused_before_it_takes_memory(
    arguments: dict[str, Any], mlp: Written, load: Load
) -> None:
    hostile = with_data(mlp.blob, lambda data: data.update(policy_kwargs=arguments))
    assert refused(lambda: load(mlp, hostile)).word == "too_wide"


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


@pytest.mark.parametrize("other", ["masked columns", "cnn on images", "many inputs", "mlp with two pads"])
def test_other_spaces_than_the_environments_are_said_with_both_sides(other: str, mlp: Written, written: Write) -> None:
    env = written(other)
    error = refused(
        lambda: load_policy(
            mlp.blob,
            observation_space=env.observation_space,
            action_space=env.action_space,
            lanes=LANES,
            trusted_classes={},
        )
    )
    both = {str(env.observation_space), str(mlp.observation_space)}, {str(env.action_space), str(mlp.action_space)}
    assert error.word == "space_mismatch"
    assert any(all(side in error.sentence for side in sides) for sides in both)


@pytest.mark.parametrize(
    ("word", "spoil"),
    [
        ("bad_data", lambda blob: with_member(blob, "data", b"{")),
        ("bad_data", lambda blob: with_member(blob, "data", b"[" * 100_000)),
        ("bad_data", lambda blob: with_member(blob, "data", b"[]")),
        ("bad_data", lambda blob: with_member(blob, "data", b"\xff\xfe")),
        ("bad_data", lambda blob: with_member(blob, "data", b"1" * 10_000)),
        ("bad_data", lambda blob: with_data(blob, lambda data: data.pop("policy_class"))),
        ("bad_data", lambda blob: with_data(blob, lambda data: data["policy_class"].update({":serialized:": "!"}))),
        ("bad_pickle", lambda blob: with_pickle(blob, "action_space", b"")),
        ("bad_pickle", lambda blob: with_pickle(blob, "action_space", pickle_of(blob, "action_space")[:-9])),
        ("bad_space", lambda blob: with_pickle(blob, "action_space", pickle.dumps({"n": 5}))),
        ("bad_space", lambda blob: with_pickle(blob, "observation_space", pickle.dumps(np.zeros(3)))),
        ("bad_policy_kwargs", lambda blob: with_data(blob, lambda data: data.update(policy_kwargs=[1]))),
        ("policy_build", lambda blob: with_data(blob, lambda data: data.update(policy_kwargs={"no_such": 1}))),
        ("policy_build", lambda blob: with_data(blob, lambda data: data.update(policy_kwargs={"net_arch": "wide"}))),
        ("bad_weights", lambda blob: with_member(blob, "policy.pth", members_of(blob)["data"])),
    ],
)
def test_nonsense_is_parked_with_its_word(word: str, spoil: Callable[[bytes], bytes], mlp: Written, load: Load) -> None:
    error = refused(lambda: load(mlp, spoil(mlp.blob)))
    assert error.word == ("legacy_pth" if word == "bad_weights" else word)
    assert error.verdict is Verdict.PARK


#: Thirty pairs of a pair of a pair ...: a few bytes, a billion leaves.
UNFOLDING = b"\x80\x04)" + b"2\x86" * 200


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04}\x8c\x08net_arch" + UNFOLDING[2:] + b"s.",
        UNFOLDING + b".",
        b"\x80\x04}" + UNFOLDING[2:] + b"K\x01s.",
        b"\x80\x04]\x94h\x00a.",
        b"\x80\x04" + b"(" * 100_000 + b".",
        b"\x80\x04" + b"N" * 600_000 + b".",
        b"\x80\x04N" + b"\x85" * 100_000 + b".",
    ],
)
def test_a_small_pickle_that_unfolds_without_end_is_refused_at_once(pickled: bytes, mlp: Written, load: Load) -> None:
    for key in NEEDED_KEYS:
        error = refused(lambda name=key: load(mlp, with_pickle(mlp.blob, name, pickled)))  # type: ignore[misc]
        assert error.verdict is Verdict.PARK


@pytest.mark.parametrize("key", sorted(NEEDED_KEYS))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_pickles_are_refused_in_words_or_read(key: str, written: Write, data: st.DataObject) -> None:
    blob = written("own extractor").blob
    pickled = bytearray(pickle_of(blob, key))
    for _ in range(data.draw(st.integers(1, 5))):
        pickled[data.draw(st.integers(0, min(len(pickled), 400) - 1))] = data.draw(st.integers(0, 255))
    value = {":serialized:": base64.b64encode(bytes(pickled)).decode()}
    light = with_data_only(blob, {key: value})
    try:
        describe(read_checkpoint(light), {})
    except CheckpointError as error:
        assert error.word in {"bad_pickle", "bad_space", "bad_policy_kwargs", "class_not_allowed", "too_wide"}  # noqa: PT017


def with_data_only(blob: bytes, change: dict[str, Any]) -> bytes:
    """A checkpoint without the big members, which this is not about."""
    light = with_data(blob, lambda data: [data.pop(key) for key in ("_last_obs", "_last_episode_starts")])
    return with_data(light, lambda data: data.update(change))


@settings(max_examples=300, deadline=None)
@given(
    pickled=st.lists(
        st.sampled_from(list(b"(.012NKJX\x8c\x85\x86\x87\x88}]\x8f)RbcasuetQ\x94\x93h\x00q\x81\x92")), max_size=40
    ).map(bytes)
)
def test_arbitrary_programs_of_the_pickle_machine_are_refused_in_words(mlp: Written, pickled: bytes) -> None:
    with pytest.raises(CheckpointError):
        read_checkpoint(with_pickle(mlp.blob, "observation_space", pickled))


@settings(max_examples=100, deadline=None)
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


def test_reading_a_checkpoint_needs_neither_torch_nor_gymnasium() -> None:
    code = (
        "import sys, observer.sb3zip, observer.checkpointfile; sys.exit(bool({'torch', 'gymnasium'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
