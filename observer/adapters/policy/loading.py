"""From the bytes of a checkpoint to a policy that plays, without unpickling any of them.

Builds the network alone (no algorithm, buffer or optimizer state) and fills it strictly.
"""

import io
import pickle
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib import QRDQN, TRPO, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.policies import BasePolicy
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from observer.adapters.policy.classes import Classes, policy_arguments
from observer.adapters.policy.networks import asked
from observer.adapters.policy.playing import Policy
from observer.adapters.policy.spaces import GymSpace, SpaceMismatch, as_gymnasium, is_same
from observer.adapters.policy.view import Array, View, find_stacking
from observer.core.errors import CheckpointCorrupt
from observer.sb3zip import CheckpointContents, read_checkpoint, read_normalization, read_weights, require_finite

#: What can be played, by the name that `inspect` has for it.
ALGORITHMS: Mapping[str, Any] = {
    algorithm.__name__: algorithm for algorithm in (A2C, DQN, MaskablePPO, PPO, QRDQN, RecurrentPPO, TRPO)
}
#: Where the policies live that only continuous actions are made by, or that have no network.
NOT_PLAYED = (
    "stable_baselines3.sac.", "stable_baselines3.td3.", "sb3_contrib.tqc.", "sb3_contrib.crossq.", "sb3_contrib.ars.",
)  # fmt: skip

#: What constructors of SB3, torch and an operator's own classes raise about arguments they do not like.
BUILD_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
UNPICKLING_FAILURES = (*BUILD_FAILURES, EOFError, ImportError, OSError, pickle.UnpicklingError)

#: A policy may make a layer that its own class then replaces, so it may hold a little more than it keeps.
PARAMETER_SLACK = 2
SMALL_NETWORK = 1_000_000

OWN_EXTRACTOR = re.compile(r"^(pi|vf)_features_extractor\.")


def load_policy(
    blob: bytes,
    *,
    observation_space: GymSpace,
    action_space: GymSpace,
    lanes: int,
    trusted_classes: Mapping[str, str],
    normalization: bytes | None = None,
) -> Policy:
    """The policy of a checkpoint; nothing in the checkpoint is executed.

    Args:
        blob: the whole zip.
        observation_space: of the environment, images as it gives them, one frame.
        action_space: of the environment.
        lanes: rows of every batch; part of what decides the last bits of a probability.
        trusted_classes: dotted name in the zip to dotted name to import here (`policy.classes`).
        normalization: the file of VecNormalize's statistics that belongs to the checkpoint, where there is one.

    Raises:
        CheckpointError: with one of the words for a zip, its data, classes, spaces, weights or statistics.
    """
    contents = read_checkpoint(blob)
    require_played(contents)
    seen, done = as_gymnasium(contents.observation_space), as_gymnasium(contents.action_space)
    view = view_of(seen, observation_space, contents, normalization=normalization, lanes=lanes)
    if not is_same(done, action_space):
        raise SpaceMismatch("action space", done, action_space)
    weights = read_weights(blob)
    require_finite(weights)
    network = build(contents, Classes(trusted_classes), weights=weights, spaces_of_policy=(seen, done))
    fill(network, weights)
    return ready(network, view, lanes=lanes)


def load_policy_unpickling(
    blob: bytes,
    *,
    observation_space: GymSpace,
    action_space: GymSpace,
    lanes: int,
    normalization: bytes | None = None,
) -> Policy:
    """The policy as `PPO.load` gives it, which RUNS CODE from the checkpoint (`trust: unpickle`).

    Raises:
        CheckpointError: not_played, policy_build, space_mismatch, or what the zip or the statistics are refused for.
    """
    contents = read_checkpoint(blob)
    require_played(contents)
    algorithm = ALGORITHMS.get(contents.algorithm or "", PPO)
    try:
        model = algorithm.load(io.BytesIO(blob), device="cpu")
    except UNPICKLING_FAILURES as error:
        raise CheckpointCorrupt("policy_build", f"{algorithm.__name__}.load failed: {error}.") from error
    view = view_of(model.observation_space, observation_space, contents, normalization=normalization, lanes=lanes)
    if not is_same(model.action_space, action_space):
        raise SpaceMismatch("action space", model.action_space, action_space)
    return ready(model.policy, view, lanes=lanes)


def require_played(contents: CheckpointContents) -> None:
    """The checkpoint is not of an algorithm that is known to be of no use here.

    Raises:
        CheckpointCorrupt: not_played.
    """
    if contents.policy_class.startswith(NOT_PLAYED):
        raise CheckpointCorrupt(
            "not_played",
            f"{contents.algorithm} checkpoints can be inspected, but not played: this game wants one of a few actions, "
            f"as {', '.join(sorted(ALGORITHMS))} choose it.",
        )


def view_of(
    stored: GymSpace, given: GymSpace, contents: CheckpointContents, *, normalization: bytes | None, lanes: int
) -> View:
    """How the environment's observations become the checkpoint's.

    Raises:
        CheckpointCorrupt: space_mismatch, vecnormalize_missing, vecnormalize_mismatch, bad_vecnormalize.
    """
    stacking = None if is_same(stored, given) else find_stacking(stored, given)
    if stacking is None and not is_same(stored, given):
        raise SpaceMismatch("observation space", stored, given)
    if normalization is None and contents.was_normalized:
        raise CheckpointCorrupt(
            "vecnormalize_missing",
            "The checkpoint was trained on normalised observations (the last ones in it lie outside of its own space), and "
            "VecNormalize's statistics are not beside it: save them there, for `NAME_<N>_steps.zip` as "
            "`NAME_vecnormalize_<N>_steps.pkl`, which CheckpointCallback(save_vecnormalize=True) does, and for "
            "`NAME.zip` as `NAME_vecnormalize.pkl`.",
        )
    statistics = None if normalization is None else read_normalization(normalization)
    return View(given, stacking=stacking, normalization=statistics, lanes=lanes)


def ready(module: object, view: View, *, lanes: int) -> Policy:
    """A network as a player: deterministic layers, one thread."""
    network = asked(module, lanes=lanes)
    if network is None or not isinstance(module, BasePolicy):
        raise CheckpointCorrupt(
            "policy_build", f"{type(module).__name__} is no policy of {', '.join(sorted(ALGORITHMS))}."
        )
    if not isinstance(module.action_space, spaces.Discrete | spaces.MultiDiscrete):
        raise CheckpointCorrupt(
            "policy_build", f"Actions of {module.action_space} cannot be played; only discrete ones can."
        )
    torch.set_num_threads(1)  # the other cores belong to other games and to training
    module.set_training_mode(False)
    return Policy(module, network, view, lanes=lanes)


def build(
    contents: CheckpointContents,
    classes: Classes,
    *,
    weights: Mapping[str, Array],
    spaces_of_policy: tuple[GymSpace, GymSpace],
) -> nn.Module:
    """The network with weights of its own making; random numbers of the caller stay as they were.

    Raises:
        CheckpointCorrupt: class_not_allowed, class_missing, bad_policy_kwargs, too_wide, policy_build.
    """
    policy_class = classes.policy(contents.policy_class)
    arguments = policy_arguments(contents, classes)
    held = sum(array.size for array in weights.values())
    try:
        with torch.random.fork_rng(devices=[]), at_most(held * PARAMETER_SLACK + SMALL_NETWORK):
            return policy_class(*spaces_of_policy, no_learning, **arguments)  # type: ignore[arg-type]
    except BUILD_FAILURES as error:
        raise CheckpointCorrupt(
            "policy_build", f"{contents.policy_class} does not take the checkpoint's arguments: {error}."
        ) from error


@contextmanager
def at_most(parameters: int) -> Iterator[None]:
    """Refuses a network that is far bigger than the weights there are for it, before its memory is touched."""
    total = 0

    def count(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> None:
        nonlocal total
        total += 0 if parameter is None else parameter.numel()
        if total > parameters:
            raise CheckpointCorrupt(
                "too_wide", f"The checkpoint asks for a network of more than {parameters} parameters."
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def fill(network: nn.Module, weights: Mapping[str, Array]) -> None:
    """Put the weights of the checkpoint into a network, each where it belongs.

    Raises:
        CheckpointCorrupt: weights_mismatch, naming the first of each kind.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = with_aliases(weights, expected)
    missing, unknown = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
    if missing or unknown:
        raise misfit(f"{len(missing)} are missing {missing[:3]}, {len(unknown)} are unknown {unknown[:3]}")
    for name, shape in expected.items():
        if given[name].shape != shape:
            raise misfit(f"{name!r} has shape {given[name].shape}, its policy_kwargs and spaces make it {shape}")
    network.load_state_dict({name: torch.from_numpy(array) for name, array in given.items()}, strict=True)


def with_aliases(weights: Mapping[str, Array], expected: Mapping[str, object]) -> dict[str, Array]:
    """SB3 before 1.7 stored a shared extractor under one name, now it has three."""
    given = dict(weights)
    for name in expected:
        shared = OWN_EXTRACTOR.sub("features_extractor.", name)
        if name not in given and shared in given:
            given[name] = given[shared]
    return given


def misfit(problem: str) -> CheckpointCorrupt:
    """The refusal of weights that belong to another network."""
    return CheckpointCorrupt("weights_mismatch", f"The checkpoint's weights do not fit its policy: {problem}.")


def no_learning(_progress: float) -> float:
    """The learning rate of something that only plays."""
    return 0.0
