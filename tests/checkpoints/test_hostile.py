"""Checkpoints that mean harm: none of them runs anything, holds the worker up or fills its memory."""

import base64
import io
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
from fakes.checkpoints import (
    LANES,
    Written,
    members_of,
    pickle_of,
    refused,
    with_data,
    with_member,
    with_pickle,
    with_weights,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3 import PPO

from observer.adapters.policy import Policy, load_policy
from observer.core.errors import CheckpointError, Verdict
from observer.sb3zip import check_archive, describe, read_checkpoint, read_weights

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
        ("legacy_pth", lambda blob: with_member(blob, "policy.pth", members_of(blob)["data"])),
    ],
)
def test_nonsense_is_parked_with_its_word(word: str, spoil: Callable[[bytes], bytes], mlp: Written, load: Load) -> None:
    error = refused(lambda: load(mlp, spoil(mlp.blob)))
    assert error.word == word
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
@settings(max_examples=150)
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


@settings(max_examples=300)
@given(
    pickled=st.lists(
        st.sampled_from(list(b"(.012NKJX\x8c\x85\x86\x87\x88}]\x8f)RbcasuetQ\x94\x93h\x00q\x81\x92")), max_size=40
    ).map(bytes)
)
def test_arbitrary_programs_of_the_pickle_machine_are_refused_in_words(mlp: Written, pickled: bytes) -> None:
    with pytest.raises(CheckpointError):
        read_checkpoint(with_pickle(mlp.blob, "observation_space", pickled))


def test_reading_a_checkpoint_needs_neither_torch_nor_gymnasium() -> None:
    code = (
        "import sys, observer.sb3zip, observer.checkpointfile; sys.exit(bool({'torch', 'gymnasium'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
