"""What an agent sees and does, as a checkpoint describes it: values, without gymnasium.

Reads the spaces of gymnasium and of the gym before it. Refuses what SB3 has no policies for.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.arrays import Array, read_array, read_dtype, read_shape, refusal
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits
from observer.sb3zip.pickles import Call, Reference, name_of

MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxSpace:
    """Arrays of numbers between bounds; `low` and `high` have the shape of the space."""

    shape: tuple[int, ...]
    dtype: str
    low: Array = dataclasses.field(repr=False)
    high: Array = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"Box({_bound(self.low)}, {_bound(self.high)}, {self.shape}, {self.dtype})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscreteSpace:
    """The numbers from `start`, `n` of them."""

    n: int
    start: int = 0

    def __str__(self) -> str:
        return f"Discrete({self.n})" if self.start == 0 else f"Discrete({self.n}, start={self.start})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiDiscreteSpace:
    """Several choices at once, each with its own number of options."""

    choices: tuple[int, ...]

    def __str__(self) -> str:
        return f"MultiDiscrete({list(self.choices)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiBinarySpace:
    """An array of yes and no; `n` is its length or its shape, as gymnasium tells them apart."""

    n: int | tuple[int, ...]

    def __str__(self) -> str:
        return f"MultiBinary({self.n})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DictSpace:
    """Named spaces, in the order in which the features of the network are joined."""

    spaces: Mapping[str, "Space"]

    def __str__(self) -> str:
        return f"Dict({', '.join(f'{name}: {space}' for name, space in self.spaces.items())})"


Space = BoxSpace | DiscreteSpace | MultiDiscreteSpace | MultiBinarySpace | DictSpace


def read_space(tree: object, *, limits: Limits = DEFAULT_LIMITS, depth: int = 0) -> Space:
    """The space that a pickle would make.

    Raises:
        CheckpointCorrupt: bad_space, or too_wide where a network over it could not be held.
    """
    if depth > MAX_DEPTH:
        raise refusal("spaces inside of spaces, too deep")
    name, state = space_class(tree), space_state(tree)
    match name:
        case "Box":
            return read_box(state, limits=limits)
        case "Discrete":
            start = integer(state["start"], limits=limits) if "start" in state else 0
            return DiscreteSpace(n=width(integer(attribute(state, "n"), limits=limits), limits=limits), start=start)
        case "MultiDiscrete":
            return read_choices(attribute(state, "nvec"), limits=limits)
        case "MultiBinary":
            return MultiBinarySpace(n=binary_size(attribute(state, "n"), limits=limits))
        case "Dict":
            named = named_trees(attribute(state, "spaces"))
            return DictSpace(
                spaces={key: read_space(value, limits=limits, depth=depth + 1) for key, value in named.items()}
            )
    raise CheckpointCorrupt("bad_space", f"The checkpoint has a space of kind {name[:40]}, which SB3 does not support.")


def space_class(tree: object) -> str:
    """`Box`, `Discrete` and so on; only gym's and gymnasium's own classes."""
    function = tree.function if isinstance(tree, Call) else tree
    if isinstance(tree, Call) and isinstance(function, Reference) and function.name == "_reconstructor":
        function = tree.arguments[0] if tree.arguments else None
    if not isinstance(function, Reference) or not function.module.startswith(("gymnasium.spaces", "gym.spaces")):
        raise refusal(name_of(tree))
    return function.name


def space_state(tree: object) -> dict[object, object]:
    """The attributes of a space, from `__dict__` and slots alike."""
    state = tree.state if isinstance(tree, Call) else None
    parts = state if isinstance(state, tuple) else (state,)
    merged: dict[object, object] = {}
    for part in parts:
        if isinstance(part, dict):
            merged.update(part)
    return merged


def attribute(state: Mapping[object, object], name: str) -> object:
    """An attribute, which older versions kept under another name."""
    for candidate in (name, f"_{name}"):
        if candidate in state:
            return state[candidate]
    raise refusal(f"a space without {name!r}")


def read_box(state: Mapping[object, object], *, limits: Limits) -> BoxSpace:
    """A Box; bounds that are one number stand for the whole shape."""
    dtype = read_dtype(attribute(state, "dtype"))
    low, high = (read_array(attribute(state, name), limits=limits) for name in ("low", "high"))
    shape = read_shape(attribute(state, "shape"), limits=limits)
    try:
        with np.errstate(all="ignore"):
            bounds = [np.broadcast_to(bound, shape).astype(dtype) for bound in (low, high)]
    except ValueError as error:
        raise refusal("bounds of another shape than its own") from error
    return BoxSpace(shape=shape, dtype=dtype.name, low=bounds[0], high=bounds[1])


def read_choices(tree: object, *, limits: Limits) -> MultiDiscreteSpace:
    """A MultiDiscrete; all its options together are outputs of one layer."""
    choices = read_array(tree, limits=limits)
    if choices.dtype.kind not in "iu" or choices.ndim != 1 or choices.size == 0 or bool((choices <= 0).any()):
        raise refusal("choices that are not positive whole numbers")
    width(int(choices.astype(object).sum()), limits=limits)
    return MultiDiscreteSpace(choices=tuple(int(count) for count in choices))


def binary_size(tree: object, *, limits: Limits) -> int | tuple[int, ...]:
    """The `n` of a MultiBinary."""
    if isinstance(tree, tuple | list):
        return read_shape(tree, limits=limits)
    sizes = read_array(tree, limits=limits)
    shape = read_shape(np.atleast_1d(sizes).tolist(), limits=limits)
    return shape if sizes.ndim else shape[0]


def named_trees(tree: object) -> dict[str, object]:
    """The parts of a Dict, whichever mapping they were kept in."""
    pairs = list(tree.items()) if isinstance(tree, dict) else tree.pairs if isinstance(tree, Call) else []
    return {key: value for key, value in pairs if isinstance(key, str)}


def integer(tree: object, *, limits: Limits) -> int:
    """One whole number."""
    array = read_array(tree, limits=limits)
    if array.ndim != 0 or array.dtype.kind not in "iu":
        raise refusal(f"{name_of(tree)} for a whole number")
    return int(array)


def width(count: int, *, limits: Limits) -> int:
    """A number of choices for which a layer can be made."""
    if not 0 < count <= limits.width:
        raise CheckpointCorrupt(
            "too_wide", f"A space of the checkpoint has {count} choices, the limit is {limits.width}."
        )
    return count


def _bound(values: Array) -> str:
    """One number where all bounds are the same, as nearly always."""
    if values.size == 0 or values.min() != values.max():
        return "..."
    return f"{float(values.flat[0]):g}"
