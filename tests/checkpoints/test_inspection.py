"""What can be said about checkpoints, of algorithms that cannot be played yet as well."""

import io
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
from fakes.checkpoints import BOARD, IMAGE, KINDS, PAD, Written, with_data
from fakes.training import SampledEnv
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from observer.adapters.policy.spaces import as_gymnasium, as_sb3_sees
from observer.sb3zip import (
    check_archive,
    describe,
    read_algorithm,
    read_checkpoint,
    read_weights,
)
from observer.sb3zip.pickles import read_pickle
from observer.sb3zip.spaces import read_space

Write = Callable[[str], Written]
VECTOR = spaces.Box(-1, 1, (3,), np.float32)
PUSH = spaces.Box(-1, 1, (2,), np.float32)
ON_POLICY = {"n_steps": 16}
OFF_POLICY = {"buffer_size": 10}
RECURRENT = {"lstm_hidden_size": 8, "net_arch": [8]}
ALGORITHMS: dict[str, tuple[Any, str, spaces.Space[Any], dict[str, Any]]] = {
    "PPO": (stable_baselines3.PPO, "MlpPolicy", PUSH, {**ON_POLICY, "batch_size": 16, "use_sde": True}),
    "A2C": (stable_baselines3.A2C, "MlpPolicy", PAD, ON_POLICY),
    "DQN": (stable_baselines3.DQN, "MlpPolicy", PAD, OFF_POLICY),
    "QRDQN": (sb3_contrib.QRDQN, "MlpPolicy", PAD, OFF_POLICY),
    "SAC": (stable_baselines3.SAC, "MlpPolicy", PUSH, OFF_POLICY),
    "TD3": (stable_baselines3.TD3, "MlpPolicy", PUSH, OFF_POLICY),
    "TQC": (sb3_contrib.TQC, "MlpPolicy", PUSH, OFF_POLICY),
    "TRPO": (sb3_contrib.TRPO, "MlpPolicy", PAD, {**ON_POLICY, "batch_size": 16}),
    "MaskablePPO": (sb3_contrib.MaskablePPO, "MlpPolicy", PAD, {**ON_POLICY, "batch_size": 16}),
    "RecurrentPPO": (
        sb3_contrib.RecurrentPPO,
        "MlpLstmPolicy",
        PAD,
        {**ON_POLICY, "batch_size": 16, "policy_kwargs": RECURRENT},
    ),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_checkpoint_of_any_algorithm_can_be_inspected(name: str) -> None:
    algorithm, policy, actions, options = ALGORITHMS[name]
    model = algorithm(policy, SampledEnv(VECTOR, actions), device="cpu", **options)
    buffer = io.BytesIO()
    model.save(buffer)
    blob = buffer.getvalue()
    check_archive(blob)
    contents, weights = read_checkpoint(blob), read_weights(blob)
    said = json.loads(json.dumps(describe(contents, weights)))
    assert said["algorithm"] == read_algorithm(blob) == name
    assert said["policy"] == f"{type(model.policy).__module__}.{type(model.policy).__name__}"
    assert said["observation_space"] == "Box(-1, 1, (3,), float32)"
    assert said["timesteps"] == 0
    assert said["sb3_version"] == stable_baselines3.__version__
    assert said["finite"] is True
    for key, tensor in model.policy.state_dict().items():
        np.testing.assert_array_equal(weights[key], tensor.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_are_read_as_they_were(kind: str, written: Write) -> None:
    checkpoint = written(kind)
    contents = read_checkpoint(checkpoint.blob)
    assert as_gymnasium(contents.observation_space) == as_sb3_sees(checkpoint.observation_space)
    assert as_gymnasium(contents.action_space) == checkpoint.action_space


def test_the_parameters_of_our_network_are_counted_once(written: Write) -> None:
    blob = written("masked columns").blob
    said = describe(read_checkpoint(blob), read_weights(blob))
    assert said["parameters"] == 95_077
    assert said["policy"] == "env.network.ColumnPolicy"
    assert said["policy_kwargs"] == {}
    assert said["algorithm"] == "MaskablePPO"


def test_an_extractor_is_named(written: Write) -> None:
    blob = written("own extractor").blob
    said = describe(read_checkpoint(blob), read_weights(blob))
    assert said["extractor"] == "fakes.training.OwnExtractor"
    assert said["policy_kwargs"] == {
        "features_extractor_class": "fakes.training.OwnExtractor",
        "features_extractor_kwargs": {"features_dim": 20},
    }


@pytest.mark.parametrize("steps", [None, "many", True, -5, 1.5])
def test_steps_that_are_no_number_are_unknown(steps: object, mlp: Written) -> None:
    assert read_checkpoint(with_data(mlp.blob, lambda data: data.update(num_timesteps=steps))).num_timesteps is None


SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)
BOXES = st.builds(
    lambda shape, dtype: spaces.Box(0, 7, shape, dtype),
    SHAPES,
    st.sampled_from([np.float32, np.float64, np.uint8, np.int64]),
)
SPACES = st.one_of(
    BOXES,
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 500), st.integers(-9, 9)),
    st.lists(st.integers(1, 50), min_size=1, max_size=5).map(spaces.MultiDiscrete),
    st.integers(1, 50).map(spaces.MultiBinary),
    SHAPES.map(spaces.MultiBinary),
    st.lists(BOXES, min_size=1, max_size=3).map(
        lambda parts: spaces.Dict({str(i): part for i, part in enumerate(parts)})
    ),
)


@given(SPACES, st.integers(2, 5))
def test_any_space_is_read_as_it_was_pickled(space: spaces.Space[Any], protocol: int) -> None:
    assert as_gymnasium(read_space(read_pickle(pickle.dumps(space, protocol=protocol)))) == space


def test_the_parts_of_a_dict_keep_the_order_in_which_they_were_trained(mlp: Written) -> None:
    space = spaces.Dict([("z", VECTOR), ("a", PAD)])
    tree = read_space(read_pickle(pickle.dumps(space)))
    rebuilt = as_gymnasium(tree)
    assert isinstance(rebuilt, spaces.Dict)
    assert list(rebuilt.spaces) == ["z", "a"]
    assert str(tree) == "Dict(z: Box(-1, 1, (3,), float32), a: Discrete(9))"


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (BOARD, "Box(0, 1, (16, 8, 12), float32)"),
        (IMAGE, "Box(0, 255, (36, 40, 3), uint8)"),
        (spaces.Box(np.array([0, 1]), np.array([2, 3]), dtype=np.int64), "Box(..., ..., (2,), int64)"),
        (spaces.Discrete(4, start=1), "Discrete(4, start=1)"),
        (spaces.MultiDiscrete([9, 9]), "MultiDiscrete([9, 9])"),
    ],
)
def test_spaces_are_said_briefly(space: spaces.Space[Any], said: str) -> None:
    assert str(read_space(read_pickle(pickle.dumps(space)))) == said


def test_a_text_member_that_is_no_text_is_shown_as_far_as_it_goes(mlp: Written) -> None:
    from fakes.checkpoints import with_member

    contents = read_checkpoint(with_member(mlp.blob, "system_info.txt", b"- OS: \xff\xfe"))
    assert contents.system_info.startswith("- OS: ")
