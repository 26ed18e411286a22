"""Which classes a checkpoint may ask for, and the arguments of its policy with those classes in place.

Imports only what is written here or in the configuration; a name that comes from a zip is looked up, never followed.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip import DEFAULT_LIMITS, CheckpointContents, Reference, Unreadable

SB3_POLICIES = "stable_baselines3.common.policies"
SB3_LAYERS = "stable_baselines3.common.torch_layers"
MASKABLE_POLICIES = "sb3_contrib.common.maskable.policies"
RECURRENT_POLICIES = "sb3_contrib.common.recurrent.policies"
ACTIVATIONS = "torch.nn.modules.activation"

KNOWN_POLICIES = frozenset(
    {f"{SB3_POLICIES}.{name}" for name in ("ActorCriticPolicy", "ActorCriticCnnPolicy", "MultiInputActorCriticPolicy")}
    | {f"{MASKABLE_POLICIES}.MaskableActorCritic{name}" for name in ("Policy", "CnnPolicy")}
    | {
        f"{MASKABLE_POLICIES}.MaskableMultiInputActorCriticPolicy",
        "env.network.ColumnPolicy",
        "env.landing.LandingPolicy",
    }
    | {f"{RECURRENT_POLICIES}.RecurrentActorCritic{name}" for name in ("Policy", "CnnPolicy")}
    | {f"{RECURRENT_POLICIES}.RecurrentMultiInputActorCriticPolicy"}
)
#: Of algorithms that value actions instead of drawing them.
KNOWN_VALUE_POLICIES = frozenset(
    {f"stable_baselines3.dqn.policies.{name}" for name in ("DQNPolicy", "CnnPolicy", "MultiInputPolicy")}
    | {f"sb3_contrib.qrdqn.policies.{name}" for name in ("QRDQNPolicy", "CnnPolicy", "MultiInputPolicy")}
)
KNOWN_EXTRACTORS = frozenset(
    {f"{SB3_LAYERS}.{name}" for name in ("FlattenExtractor", "NatureCNN", "CombinedExtractor")}
    | {f"env.network.{name}" for name in ("ColumnExtractor", "OriginalCNN")}
)
KNOWN_ACTIVATIONS = frozenset(
    {f"{ACTIVATIONS}.{name}" for name in ("ReLU", "LeakyReLU", "ReLU6", "PReLU", "ELU", "SELU", "CELU", "GELU")}
    | {f"{ACTIVATIONS}.{name}" for name in ("SiLU", "Mish", "Hardswish", "Sigmoid", "Tanh", "Softplus", "Softsign")}
    | {"torch.nn.modules.linear.Identity"}
)
KNOWN = KNOWN_POLICIES | KNOWN_VALUE_POLICIES | KNOWN_EXTRACTORS | KNOWN_ACTIVATIONS
#: Of the project that came before this one, whose checkpoints are to be read with nothing else installed.
STAND_INS: Final[Mapping[str, str]] = {"custom_cnn.DrMarioCNN": "env.network.OriginalCNN"}

#: What only training uses.
TRAINING_ARGUMENTS = frozenset({"optimizer_class", "optimizer_kwargs", "device"})


class NoOptimizer:
    """Stands where SB3 makes an optimizer: torch's would import its compiler, which takes longer than all else of a start."""

    def __init__(self, *_parameters: object, **_options: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes that may be imported: those known here, and `trusted` by the operator.

    `trusted` maps the dotted name in the zip to the dotted name to import here.
    """

    trusted: Mapping[str, str]

    def policy(self, dotted: str) -> type[BasePolicy]:
        """The class of a policy.

        Raises:
            CheckpointCorrupt: class_not_allowed, class_missing.
        """
        found = self.find(dotted)
        if not issubclass(found, BasePolicy):
            raise CheckpointCorrupt("class_not_allowed", f"{dotted} is no policy of stable-baselines3.")
        return found

    def module(self, dotted: str) -> type[nn.Module]:
        """The class of an extractor or an activation."""
        found = self.find(dotted)
        if not issubclass(found, nn.Module):
            raise CheckpointCorrupt("class_not_allowed", f"{dotted} is no torch module.")
        return found

    def find(self, dotted: str) -> type:
        """Any class that may be imported."""
        target = self.trusted.get(dotted, dotted if dotted in KNOWN else STAND_INS.get(dotted))
        if target is None:
            raise CheckpointCorrupt(
                "class_not_allowed",
                f"The checkpoint uses the class {dotted}, which is not known here; if it is yours, list it in "
                f"`policy.classes` of the configuration as `{dotted}: {dotted}`, or under the name to import it by.",
            )
        module, _, name = target.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name)
        except (AttributeError, ImportError, SyntaxError, ValueError) as error:
            raise CheckpointCorrupt(
                "class_missing",
                f"The checkpoint uses the class {dotted}, but {target} cannot be imported here ({error}); "
                "put its module on PYTHONPATH or correct `policy.classes` of the configuration.",
            ) from error
        if not isinstance(found, type):
            raise CheckpointCorrupt(
                "class_not_allowed", f"{target} in `policy.classes` of the configuration is no class."
            )
        return found


def policy_arguments(contents: CheckpointContents, classes: Classes) -> dict[str, object]:
    """`policy_kwargs` as the policy's constructor takes them, without what only training needs.

    Raises:
        CheckpointCorrupt: bad_policy_kwargs, too_wide, class_not_allowed, class_missing.
    """
    arguments = {
        name: _argument(name, value, classes=classes)
        for name, value in contents.policy_kwargs.items()
        if name not in TRAINING_ARGUMENTS
    }
    match arguments.get("net_arch"):
        case [dict() as layers, *_]:  # SB3 before 1.8
            arguments["net_arch"] = layers
    extractor = arguments.get("features_extractor_class")
    if extractor is not None and not (isinstance(extractor, type) and issubclass(extractor, BaseFeaturesExtractor)):
        raise _bad("features_extractor_class", "is no features extractor of stable-baselines3")
    if contents.use_sde:
        arguments.setdefault("use_sde", True)
    if contents.policy_class in KNOWN_POLICIES:
        arguments["ortho_init"] = False  # slow for big layers, and the weights are about to be replaced
    if contents.policy_class in KNOWN_POLICIES | KNOWN_VALUE_POLICIES:
        arguments["optimizer_class"] = NoOptimizer
    return arguments


def _argument(name: str, value: object, *, classes: Classes) -> object:
    match value:
        case Unreadable(what):
            raise _bad(
                name,
                f"holds {what}, which cannot be read without running code; use a class of a module of its own and list "
                "it in `policy.classes` of the configuration",
            )
        case Reference():
            return classes.module(value.dotted)
        case list() | tuple():
            return type(value)(_argument(name, item, classes=classes) for item in value)
        case dict():
            return {key: _argument(name, item, classes=classes) for key, item in value.items()}
        case int() if abs(value) > DEFAULT_LIMITS.width:
            raise CheckpointCorrupt(
                "too_wide", f"`policy_kwargs` of the checkpoint asks in {name!r} for more than {DEFAULT_LIMITS.width}."
            )
    return value


def _bad(name: str, problem: str) -> CheckpointCorrupt:
    return CheckpointCorrupt("bad_policy_kwargs", f"{name!r} in `policy_kwargs` of the checkpoint {problem}.")
