"""What a checkpoint holds, as values: read from its JSON and from pickles that are never unpickled.

Skips what playing does not need (schedules, buffers, optimizer): nothing of it is even looked at.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.archive import Archive, open_checkpoint
from observer.sb3zip.arrays import read_array
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits
from observer.sb3zip.pickles import Call, Reference, name_of, read_pickle
from observer.sb3zip.spaces import BoxSpace, Space, read_space

SERIALIZED = ":serialized:"
MAX_DEPTH = 8
MOVE_IT = "move it to a module of its own, train on, and list it in `policy.classes` of the configuration"

#: An algorithm by a word in the module of its policy class.
ALGORITHM_OF_POLICY_MODULE = {
    ".dqn.": "DQN",
    ".qrdqn.": "QRDQN",
    ".sac.": "SAC",
    ".td3.": "TD3",
    ".tqc.": "TQC",
    ".crossq.": "CrossQ",
    ".ars.": "ARS",
}
#: An algorithm by a word in the module of its rollout buffer.
ALGORITHM_OF_BUFFER_MODULE = {".maskable.": "MaskablePPO", ".recurrent.": "RecurrentPPO"}
#: An algorithm by an attribute that it alone has among those that share policy and buffer.
ALGORITHM_OF_ATTRIBUTE = {"cg_max_steps": "TRPO", "clip_range": "PPO", "normalize_advantage": "A2C"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that only running code would give."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointContents:
    """A checkpoint without its weights (those are `read_weights`)."""

    #: `module.Name` as stored.
    policy_class: str
    #: As SB3 saw them: images are channels first.
    observation_space: Space
    action_space: Space
    #: Plain values; a class is a Reference, what cannot be read is Unreadable.
    policy_kwargs: Mapping[str, object]
    use_sde: bool
    #: Whether the last observations lie outside of their space, as VecNormalize leaves them; False: that cannot be told.
    was_normalized: bool
    #: Steps trained, or None where the checkpoint does not say.
    num_timesteps: int | None
    #: A guess from what the algorithm left behind; playing does not need it.
    algorithm: str | None
    #: Empty where the checkpoint does not say.
    sb3_version: str
    system_info: str
    #: Name to size in bytes.
    members: Mapping[str, int]


def read_checkpoint(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> CheckpointContents:
    """What is in a checkpoint; nothing of it is executed or imported.

    Raises:
        CheckpointError: one of the words for a zip, not_sb3, bad_data, bad_pickle, class_not_allowed,
            bad_policy_kwargs, bad_space, too_wide.
    """
    archive = open_checkpoint(blob, limits=limits)
    data = read_data(archive, limits=limits)
    seen = read_space(required_pickle(data, "observation_space", limits=limits), limits=limits)
    return CheckpointContents(
        policy_class=read_policy_class(data, limits=limits).dotted,
        observation_space=seen,
        action_space=read_space(required_pickle(data, "action_space", limits=limits), limits=limits),
        policy_kwargs=read_policy_kwargs(data, limits=limits),
        use_sde=data.get("use_sde") is True,
        was_normalized=read_was_normalized(data, seen, limits=limits),
        num_timesteps=read_timesteps(data),
        algorithm=guess_algorithm(data),
        sb3_version=read_text(archive, "_stable_baselines3_version", limits=limits),
        system_info=read_text(archive, "system_info.txt", limits=limits),
        members={name: info.file_size for name, info in archive.members.items()},
    )


def read_algorithm(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """The algorithm that wrote a checkpoint, as far as can be told from names alone."""
    return guess_algorithm(read_data(open_checkpoint(blob, limits=limits), limits=limits))


def read_data(archive: Archive, *, limits: Limits) -> dict[str, object]:
    """The JSON of a checkpoint."""
    try:
        data = json.loads(archive.read("data", limit=limits.json_bytes).decode())
    except (ValueError, RecursionError) as error:
        raise CheckpointCorrupt("bad_data", "`data` in the checkpoint is not JSON; save it again.") from error
    if not isinstance(data, dict):
        raise CheckpointCorrupt("bad_data", "`data` in the checkpoint is not a JSON object; save it again.")
    return data


def read_policy_class(data: Mapping[str, object], *, limits: Limits) -> Reference:
    """The name of the policy's class, which must be importable: not defined in the training script itself."""
    tree = required_pickle(data, "policy_class", limits=limits)
    if not isinstance(tree, Reference) or tree.module == "__main__":
        raise CheckpointCorrupt(
            "class_not_allowed", f"The policy's class was defined in the training script: {MOVE_IT}."
        )
    return tree


def read_policy_kwargs(data: Mapping[str, object], *, limits: Limits) -> dict[str, object]:
    """The arguments of the policy, plain."""
    stored = data.get("policy_kwargs")
    tree = required_pickle(data, "policy_kwargs", limits=limits) if is_serialized(stored) else stored
    if tree is None:
        return {}
    plain = _Plain(limits).value(tree, 0)
    if not isinstance(plain, dict):
        raise CheckpointCorrupt(
            "bad_policy_kwargs", f"`policy_kwargs` in the checkpoint is {name_of(tree)}, not a dict."
        )
    return plain


def read_timesteps(data: Mapping[str, object]) -> int | None:
    """Steps trained."""
    steps = data.get("num_timesteps")
    return steps if isinstance(steps, int) and not isinstance(steps, bool) and steps >= 0 else None


def guess_algorithm(data: Mapping[str, object]) -> str | None:
    """Who wrote this, from the readable names beside the pickles."""
    policy, buffer = (f".{module_beside(data, key)}." for key in ("policy_class", "rollout_buffer_class"))
    for word, algorithm in ALGORITHM_OF_POLICY_MODULE.items():
        if word in policy:
            return "DDPG" if algorithm == "TD3" and is_ddpg(data) else algorithm
    for word, algorithm in ALGORITHM_OF_BUFFER_MODULE.items():
        if word in buffer or word in policy:
            return algorithm
    return next((name for key, name in ALGORITHM_OF_ATTRIBUTE.items() if key in data), None)


def is_ddpg(data: Mapping[str, object]) -> bool:
    """DDPG is SB3's TD3 with its three additions off, two of which stay readable."""
    return data.get("policy_delay") == 1 and data.get("target_noise_clip") == 0.0


def read_was_normalized(data: Mapping[str, object], space: Space, *, limits: Limits) -> bool:
    """Whether training saw other observations than its environment gave.

    The checkpoint does not say so, but what an algorithm last looked at is kept in it.
    """
    if not isinstance(space, BoxSpace) or not is_serialized(data.get("_last_obs")):
        return False
    try:
        last = read_array(required_pickle(data, "_last_obs", limits=limits), limits=limits)
        return bool(((last < space.low) | (last > space.high)).any())
    except (CheckpointCorrupt, TypeError, ValueError):
        return False


def module_beside(data: Mapping[str, object], key: str) -> str:
    """The module that SB3 writes in plain text next to a pickled class."""
    value = data.get(key)
    module = value.get("__module__") if isinstance(value, dict) else None
    return module if isinstance(module, str) else ""


def is_serialized(value: object) -> bool:
    """Whether SB3 pickled a value because JSON could not hold it."""
    return isinstance(value, dict) and SERIALIZED in value


def required_pickle(data: Mapping[str, object], key: str, *, limits: Limits) -> object:
    """The inert tree of a pickled value."""
    value = data.get(key)
    encoded = value.get(SERIALIZED) if isinstance(value, dict) else None
    if not isinstance(encoded, str):
        raise CheckpointCorrupt(
            "bad_data", f"`data` in the checkpoint has no {key}; was it saved by stable-baselines3?"
        )
    try:
        pickled = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise CheckpointCorrupt("bad_data", f"{key} in the checkpoint is not base64; save it again.") from error
    return read_pickle(pickled, limits=limits)


def read_text(archive: Archive, name: str, *, limits: Limits) -> str:
    """A small text member, or nothing where there is none."""
    if name not in archive.members:
        return ""
    return archive.read(name, limit=limits.text_bytes).decode(errors="replace").strip()


class _Plain:
    """Turns trees into plain values; counts them, because a small pickle can unfold without end."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.policy_values

    def value(self, tree: object, depth: int) -> object:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise CheckpointCorrupt("bad_policy_kwargs", "`policy_kwargs` in the checkpoint is too big or too deep.")
        if tree is None or isinstance(tree, bool | int | float | str | Reference):
            return tree
        if isinstance(tree, list | tuple):
            return type(tree)([self.value(item, depth + 1) for item in tree])
        if isinstance(tree, dict):
            return {str(key): self.value(item, depth + 1) for key, item in tree.items()}
        return self.called(tree, depth) if isinstance(tree, Call) else Unreadable(name_of(tree))

    def called(self, tree: Call, depth: int) -> object:
        if tree.function == Reference("collections", "OrderedDict"):
            return {str(key): self.value(item, depth + 1) for key, item in tree.pairs if isinstance(key, str)}
        if isinstance(tree.function, Reference) and tree.function.module.startswith("numpy"):
            number = read_array(tree, limits=self.limits)
            return number.item() if number.ndim == 0 else Unreadable("a numpy array")
        return Unreadable(name_of(tree))
