"""The tensors of `policy.pth` as numpy arrays, without torch and without unpickling.

Refuses tensors that claim more than their bytes, or that would be huge once copied (a stride of 0).
"""

import math
from collections.abc import Mapping

import numpy as np

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.archive import LOCAL_HEADER, Archive, open_archive, open_checkpoint
from observer.sb3zip.arrays import MAX_DIMENSIONS, Array
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits
from observer.sb3zip.pickles import Call, Persistent, Reference, name_of, read_pickle

#: torch's storage classes; their bytes are little-endian.
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
TABLE = "/data.pkl"
TABLE_BYTES = 16 << 20
BYTE_ORDER_BYTES = 16
LARGEST_NUMBER = 1 << 40


def read_weights(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> dict[str, Array]:
    """Name to array, in the order of the checkpoint; arrays are contiguous and their own.

    Raises:
        CheckpointError: what the zip is refused for, legacy_pth, bad_weights, too_big, bad_pickle.
    """
    member = open_checkpoint(blob, limits=limits).read("policy.pth", limit=limits.member_bytes)
    return read_tensors(member, limits=limits)


def require_finite(weights: Mapping[str, Array]) -> None:
    """A policy that has diverged plays nothing: that is a result, and final.

    Raises:
        CheckpointCorrupt: nan_weights.
    """
    for name, array in weights.items():
        if not is_finite(array):
            broken = int((~np.isfinite(array)).sum())
            raise CheckpointCorrupt(
                "nan_weights",
                f"Training diverged: {broken} of the {array.size} numbers of {name!r} are NaN or infinite.",
            )


def is_finite(array: Array) -> bool:
    """Whether no number of an array is NaN or infinite."""
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def read_tensors(member: bytes, *, limits: Limits) -> dict[str, Array]:
    """The tensors of one `.pth` member."""
    if not member.startswith(LOCAL_HEADER):
        raise CheckpointCorrupt(
            "legacy_pth", "policy.pth is of torch before 1.6: load it and save it again with a newer one."
        )
    archive = open_archive("policy.pth", member, member_limit=limits.tensor_members)
    root = find_root(archive)
    named = named_tensors(read_pickle(archive.read(root + TABLE, limit=TABLE_BYTES), limits=limits))
    tensors, total = {}, 0
    for name, tree in named:
        tensor = _Tensor(tree, name)
        total += tensor.bytes
        if total > limits.tensor_bytes:
            raise CheckpointCorrupt(
                "too_big", f"policy.pth: with {name!r} its tensors exceed {limits.tensor_bytes} bytes."
            )
        tensors[name] = tensor.read(archive, root)
    return tensors


def find_root(archive: Archive) -> str:
    """The folder inside of the archive, named after the file it was first saved as."""
    roots = [name.removesuffix(TABLE) for name in archive.members if name.endswith(TABLE)]
    if len(roots) != 1:
        raise bad(f"it has {len(roots)} tensor tables")
    order = f"{roots[0]}/byteorder"
    if order in archive.members and archive.read(order, limit=BYTE_ORDER_BYTES).strip() != b"little":
        raise bad("it was written on a big-endian machine")
    return roots[0]


def named_tensors(table: object) -> list[tuple[str, object]]:
    """The pairs of a state dict."""
    if isinstance(table, Call) and table.function == Reference("collections", "OrderedDict"):
        pairs = table.pairs
    elif isinstance(table, dict):
        pairs = list(table.items())
    else:
        raise bad(f"it holds {name_of(table)} and no state dict")
    if not all(isinstance(name, str) for name, _ in pairs):
        raise bad("a tensor has no name")
    return [(str(name), tree) for name, tree in pairs]


class _Tensor:
    """One tensor as its table describes it; nothing of it is believed before it is compared with the bytes."""

    def __init__(self, tree: object, name: str) -> None:
        self.name = name
        storage, offset, shape, strides = self._parts(tree)
        self.dtype, self.key = self._storage(storage)
        self.offset = self._numbers((offset,))[0]
        self.shape, self.strides = self._numbers(shape), self._numbers(strides)
        if len(self.shape) != len(self.strides):
            raise bad(f"{name!r} has a shape and strides of different lengths")

    @property
    def bytes(self) -> int:
        """How many bytes it takes as an array of its own, however few it is stored in."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def reach(self) -> int:
        """How many elements of its storage it needs to be there."""
        if 0 in self.shape:
            return self.offset
        return self.offset + 1 + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))

    def read(self, archive: Archive, root: str) -> Array:
        member = f"{root}/data/{self.key}"
        if member not in archive.members:
            raise bad(f"the bytes of {self.name!r} are missing")
        held = archive.members[member].file_size // self.dtype.itemsize
        if self.reach > held:
            raise bad(f"{self.name!r} claims {self.reach} numbers where {held} are stored")
        stored = np.frombuffer(archive.read(member, limit=archive.members[member].file_size), self.dtype, count=held)
        steps = [step * self.dtype.itemsize for step in self.strides]
        try:
            view = np.lib.stride_tricks.as_strided(stored[self.offset :], self.shape, steps, writeable=False)
        except ValueError as error:
            raise bad(f"{self.name!r} has an impossible shape") from error
        return np.array(view, order="C")

    def _parts(self, tree: object) -> tuple[object, object, object, object]:
        match tree:
            case Call(function=Reference("torch._utils", "_rebuild_parameter"), arguments=(Call() as inner, *_)):
                tree = inner
        match tree:
            case Call(
                function=Reference("torch._utils", "_rebuild_tensor_v2"),
                arguments=(storage, offset, shape, strides, *_),
            ):
                return storage, offset, shape, strides
        raise bad(f"{self.name!r} is {name_of(tree)} and no plain tensor")

    def _storage(self, tree: object) -> tuple[np.dtype[np.generic], str]:
        identity = tree.identity if isinstance(tree, Persistent) else None
        match identity:
            case ("storage", Reference("torch", kind), str(key), *_) if kind in STORAGES:
                return np.dtype(STORAGES[kind]), key
        raise bad(f"the numbers of {self.name!r} are of a kind that cannot be read")

    def _numbers(self, values: object) -> tuple[int, ...]:
        if not isinstance(values, tuple | list) or len(values) > MAX_DIMENSIONS:
            raise bad(f"{self.name!r} has no plain size or stride")
        if not all(isinstance(number, int) and 0 <= number < LARGEST_NUMBER for number in values):
            raise bad(f"{self.name!r} has an impossible size or stride")
        return tuple(values)


def bad(what: str) -> CheckpointCorrupt:
    """The refusal of a table of tensors."""
    return CheckpointCorrupt("bad_weights", f"policy.pth cannot be read: {what}.")
