"""A checkpoint in words and numbers for people and for `--json`. Decides nothing."""

from collections.abc import Mapping

from observer.sb3zip.arrays import Array
from observer.sb3zip.contents import CheckpointContents, Unreadable
from observer.sb3zip.pickles import Reference
from observer.sb3zip.weights import is_finite


def describe(contents: CheckpointContents, weights: Mapping[str, Array]) -> dict[str, object]:
    """Everything that `inspect` says, as JSON-ready values; sizes in bytes.

    `parameters` counts shared tensors once, as the network does: SB3 stores a shared extractor under three names.
    """
    return {
        "algorithm": contents.algorithm,
        "policy": contents.policy_class,
        "observation_space": str(contents.observation_space),
        "action_space": str(contents.action_space),
        "extractor": extractor_of(contents),
        "policy_kwargs": in_words(contents.policy_kwargs),
        "timesteps": contents.num_timesteps,
        "sb3_version": contents.sb3_version,
        "system_info": contents.system_info.splitlines(),
        "use_sde": contents.use_sde,
        "normalized": contents.was_normalized,
        "parameters": sum(array.size for name, array in weights.items() if not is_alias(name, weights)),
        "finite": all(is_finite(array) for array in weights.values()),
        "weights": {name: list(array.shape) for name, array in weights.items()},
        "members": dict(contents.members),
    }


def extractor_of(contents: CheckpointContents) -> str:
    """The class of the features extractor, where the checkpoint names one."""
    named = contents.policy_kwargs.get("features_extractor_class")
    return str(in_words(named)) if named is not None else "the policy's own"


def in_words(value: object) -> object:
    """Inert values as JSON can hold them."""
    if isinstance(value, Mapping):
        return {key: in_words(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_words(item) for item in value]
    if isinstance(value, Reference):
        return value.dotted
    return f"unreadable: {value.what}" if isinstance(value, Unreadable) else value


def is_alias(name: str, weights: Mapping[str, Array]) -> bool:
    """Whether a tensor is stored a second time as the policy's or the value's own extractor."""
    part, _, rest = name.partition(".")
    return part in {"pi_features_extractor", "vf_features_extractor"} and f"features_extractor.{rest}" in weights
