"""numpy's arrays, numbers and dtypes from their inert pickles, by the names of numpy 1 and 2.

Knows what numpy's own pickling writes and refuses every other way to make an array.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.limits import Limits
from observer.sb3zip.pickles import Call, Reference, name_of

Array = NDArray[Any]

MAX_DIMENSIONS = 8

#: Every dtype that a space may have, by the names and codes under which numpy pickles it.
DTYPES: dict[str, np.dtype[Any]] = {"bool_": np.dtype("bool")} | {
    alias: dtype for dtype in map(np.dtype, "?bhilBHILefd") for alias in (dtype.name, dtype.str[1:])
}


def read_dtype(tree: object) -> np.dtype[Any]:
    """The dtype that a tree stands for: a call of `numpy.dtype` or one of numpy's scalar classes.

    Raises:
        CheckpointCorrupt: bad_space.
    """
    name = dtype_name(tree)
    if name not in DTYPES:
        raise refusal(f"the dtype {name[:40]!r}")
    match tree:
        case Call(state=(_, ">", *_)):
            return np.dtype(f">{DTYPES[name].str[1:]}")
    return DTYPES[name]


def dtype_name(tree: object) -> str:
    """The name or code by which a pickled dtype names itself."""
    if isinstance(tree, Call) and tree.function == Reference("numpy", "dtype") and tree.arguments:
        return str(tree.arguments[0]) if isinstance(tree.arguments[0], str) else ""
    if isinstance(tree, Reference) and tree.module == "numpy":
        return tree.name
    if isinstance(tree, Call) and isinstance(tree.function, Reference) and tree.function.module == "numpy.dtypes":
        return tree.function.name.removesuffix("DType").lower()
    raise refusal(f"{name_of(tree)} for a dtype")


def read_array(tree: object, *, limits: Limits) -> Array:
    """An array or number of numpy, or a plain number, as an array of its own.

    Raises:
        CheckpointCorrupt: bad_space.
    """
    if isinstance(tree, int | float):
        return np.asarray(tree)
    data, dtype_tree, shape_tree, order = array_parts(tree)
    dtype, shape = read_dtype(dtype_tree), read_shape(shape_tree, limits=limits)
    raw = read_bytes(data)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise refusal("an array whose bytes do not fill its shape")
    flat = np.frombuffer(raw, dtype).astype(dtype.type)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def read_bytes(tree: object) -> bytes:
    """Bytes in any of the ways in which the versions of pickle write them."""
    match tree:
        case bytes() | bytearray():
            return bytes(tree)
        case (str() as text) | Call(function=Reference("_codecs", "encode"), arguments=(str() as text, "latin1")):
            return text.encode("latin1", errors="replace")
    raise refusal(f"{name_of(tree)} for the bytes of an array")


def array_parts(tree: object) -> tuple[object, object, object, object]:
    """Bytes, dtype, shape and order out of the call that would make an array."""
    if isinstance(tree, Call) and isinstance(tree.function, Reference):
        module = tree.function.module.replace("numpy._core", "numpy.core")
        match f"{module}.{tree.function.name}", tree.arguments, tree.state:
            case "numpy.core.numeric._frombuffer", (data, dtype, shape, order), _:
                return data, dtype, shape, order
            case "numpy.core.multiarray._reconstruct", _, (_, shape, dtype, is_fortran, data):
                return data, dtype, shape, "F" if is_fortran is True else "C"
            case "numpy.core.multiarray.scalar", (dtype, data), _:
                return data, dtype, (), "C"
    raise refusal(f"{name_of(tree)} for an array")


def read_shape(tree: object, *, limits: Limits) -> tuple[int, ...]:
    """A shape that is not absurd."""
    if not isinstance(tree, tuple | list) or not all(isinstance(size, int) and size >= 0 for size in tree):
        raise refusal(f"{name_of(tree)} for a shape")
    shape = tuple(int(size) for size in tree)
    if len(shape) > MAX_DIMENSIONS:
        raise refusal(f"an array of {len(shape)} dimensions")
    if math.prod(shape) > limits.space_elements:
        raise refusal(f"an array of more than {limits.space_elements} elements")
    return shape


def refusal(what: str) -> CheckpointCorrupt:
    """The refusal of a space that cannot be read."""
    return CheckpointCorrupt("bad_space", f"A space in the checkpoint holds {what}, which cannot be read as data.")
