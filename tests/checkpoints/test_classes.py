"""Which classes a checkpoint may ask for, and what is said about the others."""

import io
import json
from collections.abc import Callable

import pytest
from fakes.checkpoints import (
    LANES,
    Written,
    refused,
    with_pickle,
)
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import nn

from observer.adapters.policy import Policy, load_policy
from observer.core.errors import CheckpointCorrupt
from observer.sb3zip import describe, read_checkpoint, read_weights

Write = Callable[[str], Written]
Load = Callable[..., Policy]


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
