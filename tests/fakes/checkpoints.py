"""Real checkpoints, written by stable-baselines3 itself, and zips that were tampered with."""

import base64
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from fakes.training import OwnExtractor, OwnPolicy, SampledEnv, legal
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import PPO
from torch import nn

from env.landing import LandingPolicy
from env.network import ColumnPolicy, OriginalCNN
from observer.core.errors import CheckpointError

LANES = 16
BOARD = spaces.Box(0, 1, (16, 8, 12), np.float32)
VECTOR = spaces.Box(-1, 1, (6,), np.float32)
IMAGE = spaces.Box(0, 255, (36, 40, 3), np.uint8)
PAD = spaces.Discrete(9)
PLACEMENT = spaces.Discrete(32)
TWO_PADS = spaces.MultiDiscrete([9, 4])
MIXED = spaces.Dict([("vector", VECTOR), ("image", IMAGE), ("count", spaces.Discrete(5))])


@dataclass(frozen=True, kw_only=True)
class Written:
    """A checkpoint, with the model that wrote it and a batch to ask both of them about."""

    blob: bytes
    model: Any
    observation_space: spaces.Space[Any]
    action_space: spaces.Space[Any]
    observations: Any
    masks: NDArray[np.bool_] | None

    def predicted(self) -> NDArray[np.int64]:
        """What SB3 itself would play, deterministically."""
        extra = {} if self.masks is None else {"action_masks": self.masks}
        actions: NDArray[np.int64] = self.model.predict(self.observations, deterministic=True, **extra)[0]
        return actions

    def likelihoods(self) -> NDArray[np.float32]:
        """The probabilities that SB3 itself would draw from."""
        with torch.no_grad():
            tensors, _ = self.model.policy.obs_to_tensor(self.observations)
            extra = () if self.masks is None else (self.masks,)
            chosen = self.model.policy.get_distribution(tensors, *extra)
            parts = getattr(chosen, "distributions", None) or chosen.distribution
            listed = parts if isinstance(parts, list) else [parts]
            return np.concatenate([part.probs.numpy() for part in listed], axis=1)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How to make a checkpoint of one kind."""

    policy: Any
    seen: spaces.Space[Any]
    done: spaces.Space[Any]
    maskable: bool = False
    kwargs: Mapping[str, Any] | None = None


KINDS = {
    "mlp": Kind(policy="MlpPolicy", seen=VECTOR, done=PAD),
    "mlp with arguments": Kind(
        policy="MlpPolicy",
        seen=BOARD,
        done=PAD,
        kwargs={"net_arch": {"pi": [24], "vf": [32, 16]}, "activation_fn": nn.ELU, "share_features_extractor": False},
    ),
    "mlp with two pads": Kind(policy="MlpPolicy", seen=VECTOR, done=TWO_PADS),
    "cnn on images": Kind(
        policy="CnnPolicy", seen=IMAGE, done=PAD, kwargs={"features_extractor_kwargs": {"features_dim": 32}}
    ),
    "many inputs": Kind(policy="MultiInputPolicy", seen=MIXED, done=PAD),
    "own extractor": Kind(
        policy="MlpPolicy",
        seen=BOARD,
        done=PAD,
        kwargs={"features_extractor_class": OwnExtractor, "features_extractor_kwargs": {"features_dim": 20}},
    ),
    "own policy": Kind(policy=OwnPolicy, seen=VECTOR, done=PAD),
    "the original's network": Kind(
        policy="CnnPolicy",
        seen=BOARD,
        done=PAD,
        kwargs={"features_extractor_class": OriginalCNN, "features_extractor_kwargs": {"features_dim": 256}},
    ),
    "masked columns": Kind(policy=ColumnPolicy, seen=BOARD, done=PLACEMENT, maskable=True),
    "masked landings": Kind(policy=LandingPolicy, seen=BOARD, done=PLACEMENT, maskable=True),
    "masked mlp": Kind(policy=MaskableActorCriticPolicy, seen=VECTOR, done=PAD, maskable=True),
    "masked two pads": Kind(policy="MlpPolicy", seen=VECTOR, done=TWO_PADS, maskable=True),
}


def train(kind: Kind, *, steps: int = 0) -> Any:  # noqa: ANN401 - either algorithm
    """A model of a kind, trained for a few steps or not at all."""
    algorithm: Any = MaskablePPO if kind.maskable else PPO
    env = SampledEnv(kind.seen, kind.done)
    kwargs = dict(kind.kwargs or {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SB3's remarks on odd images
        model = algorithm(kind.policy, env, n_steps=32, batch_size=16, n_epochs=1, policy_kwargs=kwargs, device="cpu")
    # The head starts nearly uniform; probabilities that differ make a better test.
    with torch.no_grad():
        for parameter in model.policy.action_net.parameters():
            parameter.mul_(50.0)
    return model.learn(steps) if steps else model


def saved(model: Any) -> bytes:  # noqa: ANN401 - any algorithm
    """The bytes that `model.save` writes."""
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def write(name: str, *, steps: int = 0) -> Written:
    """A checkpoint of a named kind."""
    kind = KINDS[name]
    model = train(kind, steps=steps)
    return Written(
        blob=saved(model),
        model=model,
        observation_space=kind.seen,
        action_space=kind.done,
        observations=batch(kind.seen, rows=LANES),
        masks=legal(kind.done, rows=LANES) if kind.maskable else None,
    )


def batch(space: spaces.Space[Any], *, rows: int) -> Any:  # noqa: ANN401 - an array or a dict of arrays
    """Samples of a space, the same ones every time."""
    space.seed(7)
    samples = [space.sample() for _ in range(rows)]
    if isinstance(space, spaces.Dict):
        return {name: np.stack([sample[name] for sample in samples]) for name in space.spaces}
    return np.stack(samples)


def rows_of(observations: Any, rows: Any) -> Any:  # noqa: ANN401 - an array or a dict of arrays, any index
    """Some rows of a batch."""
    if isinstance(observations, dict):
        return {name: array[rows] for name, array in observations.items()}
    return observations[rows]


def members_of(blob: bytes) -> dict[str, bytes]:
    """All members of a zip."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members, well formed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_member(blob: bytes, name: str, content: bytes) -> bytes:
    """A checkpoint with one member replaced or added."""
    return zipped({**members_of(blob), name: content})


def with_data(blob: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """A checkpoint whose `data` was edited."""
    data = json.loads(members_of(blob)["data"])
    edit(data)
    return with_member(blob, "data", json.dumps(data).encode())


def with_pickle(blob: bytes, key: str, pickled: bytes) -> bytes:
    """A checkpoint with a pickle under a key of `data`, as SB3 stores them."""
    value = {":type:": "whatever", ":serialized:": base64.b64encode(pickled).decode()}
    return with_data(blob, lambda data: data.update({key: value}))


def pickle_of(blob: bytes, key: str) -> bytes:
    """The pickle under a key of `data`."""
    return base64.b64decode(json.loads(members_of(blob)["data"])[key][":serialized:"])


def with_weights(blob: bytes, weights: object, **options: bool) -> bytes:
    """A checkpoint with these weights, saved by torch."""
    buffer = io.BytesIO()
    torch.save(weights, buffer, **options)
    return with_member(blob, "policy.pth", buffer.getvalue())


def refused(read: Callable[[], object]) -> CheckpointError:
    """The refusal that reading ends in."""
    with pytest.raises(CheckpointError) as caught:
        read()
    return caught.value
