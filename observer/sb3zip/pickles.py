"""A pickle read as data: inert trees of plain values, references and calls that are never made.

Executes nothing and imports nothing: a class is its dotted name, an object is the call that would build it.
Refuses opcodes that SB3, torch and numpy do not write, with the word `bad_pickle`.
"""

import pickletools
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from observer.core.errors import CheckpointCorrupt
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits

#: What damaged input makes the reader run into (the warning is of odd escapes, where warnings are errors).
DAMAGE = (
    AttributeError,
    DeprecationWarning,
    LookupError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

#: Keys of inert dicts. Tuples are not among them: hashing one that holds itself twice, thirty deep, never ends.
Key = str | int | float | bytes | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A class or function by name, as a pickle names it."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        """`module.name`, as a person writes it."""
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True, kw_only=True)
class Call:
    """An object as the call that would build it, and what would be put into it afterwards."""

    function: object
    arguments: tuple[object, ...]
    state: object = None
    items: list[object] = field(default_factory=list)
    pairs: list[tuple[object, object]] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class Persistent:
    """Something kept outside of the pickle: for torch, the bytes of a tensor."""

    identity: object


def read_pickle(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> object:
    """The object graph of a pickle as dict, list, tuple, plain values, Reference, Call and Persistent.

    The result may share parts and may contain itself: whoever walks it keeps count.

    Raises:
        CheckpointCorrupt: bad_pickle.
    """
    reader = _Reader()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(blob)):
            if count >= limits.pickle_operations:
                raise _bad(f"a pickle of more than {limits.pickle_operations} operations")
            reader.obey(opcode.name, argument)
        return reader.result()
    except DAMAGE as error:
        raise _bad(f"a damaged pickle ({type(error).__name__})") from error


def name_of(value: object) -> str:
    """What a tree is, short enough for a sentence (a tree may be too big, or endless, to be printed)."""
    if isinstance(value, Reference):
        return value.dotted[:80]
    if isinstance(value, Call) and isinstance(value.function, Reference):
        if value.function.module.startswith("cloudpickle"):
            return "something that was defined in the training script"
        return f"an object made by {name_of(value.function)}"
    return f"a {type(value).__name__}"


def _bad(what: str) -> CheckpointCorrupt:
    return CheckpointCorrupt("bad_pickle", f"The checkpoint holds {what}; save it again.")


class _Mark:
    """Where a group of values on the stack begins."""


MARK: Final = _Mark()

PUSHED_ARGUMENTS = frozenset(
    {"BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"}
    | {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "SHORT_BINSTRING", "BINSTRING"}
    | {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)
CONSTANTS: Final[dict[str, Callable[[], object]]] = {
    "MARK": lambda: MARK,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
IGNORED = frozenset({"PROTO", "FRAME", "STOP"})


class _Reader:
    """The stack machine of a pickle, with every effect taken out."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.memo: dict[object, object] = {}

    def obey(self, name: str, argument: object) -> None:
        if name in PUSHED_ARGUMENTS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in ACTIONS_WITH_ARGUMENT:
            ACTIONS_WITH_ARGUMENT[name](self, argument)
        elif name in ACTIONS:
            ACTIONS[name](self)
        elif name not in IGNORED:
            raise _bad(f"a pickle with the operation {name}, which SB3 does not write")

    def result(self) -> object:
        if len(self.stack) != 1:
            raise _bad("a pickle without an end")
        return self.stack[0]

    def after_mark(self) -> list[object]:
        position = len(self.stack) - 1
        while self.stack[position] is not MARK:
            position -= 1
            if position < 0:
                raise _bad("a pickle with a group that never began")
        values = self.stack[position + 1 :]
        del self.stack[position:]
        return values

    def last(self, count: int) -> list[object]:
        if len(self.stack) < count:
            raise _bad("a pickle with too short a stack")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def remember(self, key: object) -> None:
        self.memo[key] = self.stack[-1]

    def memoize(self) -> None:
        self.remember(len(self.memo))

    def recall(self, key: object) -> None:
        self.stack.append(self.memo[key])

    def named(self, dotted: object) -> None:
        module, name = str(dotted).split(" ", 1)
        self.stack.append(Reference(module, name))

    def named_on_stack(self) -> None:
        module, name = self.last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise _bad("a pickle with a class that has no name")
        self.stack.append(Reference(module, name))

    def called(self) -> None:
        function, arguments = self.last(2)
        given = arguments if isinstance(arguments, tuple) else (arguments,)
        self.stack.append(Call(function=function, arguments=given))

    def called_with_keywords(self) -> None:
        keywords = self.stack.pop()
        self.called()
        self.stack[-1] = Call(function=self.stack[-1], arguments=(keywords,))

    def built(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Call):
            target.state = state

    def kept_outside(self) -> None:
        self.stack[-1] = Persistent(self.stack[-1])

    def add_items(self, items: list[object]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Call):
            target.items.extend(items)
        elif isinstance(target, set):
            target.update(_key(item) for item in items)
        else:
            raise _bad(f"a pickle that appends to {name_of(target)}")

    def add_pairs(self, values: list[object]) -> None:
        pairs = list(zip(values[::2], values[1::2], strict=True))
        target = self.stack[-1]
        if isinstance(target, dict):
            target.update(_keyed(pairs))
        elif isinstance(target, Call):
            target.pairs.extend(pairs)
        else:
            raise _bad(f"a pickle that sets items of {name_of(target)}")

    def dict_from_group(self) -> None:
        values = self.after_mark()
        self.stack.append({})
        self.add_pairs(values)


def _keyed(pairs: Iterable[tuple[object, object]]) -> dict[Key, object]:
    return {_key(key): value for key, value in pairs}


def _key(value: object) -> Key:
    if isinstance(value, Key):
        return value
    raise _bad(f"a pickle with {name_of(value)} as a key")


ACTIONS_WITH_ARGUMENT: Final[dict[str, Callable[[_Reader, object], None]]] = {
    "BINPUT": _Reader.remember,
    "LONG_BINPUT": _Reader.remember,
    "PUT": _Reader.remember,
    "BINGET": _Reader.recall,
    "LONG_BINGET": _Reader.recall,
    "GET": _Reader.recall,
    "GLOBAL": _Reader.named,
}
ACTIONS: Final[dict[str, Callable[[_Reader], object]]] = {
    "MEMOIZE": _Reader.memoize,
    "STACK_GLOBAL": _Reader.named_on_stack,
    "REDUCE": _Reader.called,
    "NEWOBJ": _Reader.called,
    "NEWOBJ_EX": _Reader.called_with_keywords,
    "BUILD": _Reader.built,
    "BINPERSID": _Reader.kept_outside,
    "TUPLE": lambda reader: reader.stack.append(tuple(reader.after_mark())),
    "TUPLE1": lambda reader: reader.stack.append(tuple(reader.last(1))),
    "TUPLE2": lambda reader: reader.stack.append(tuple(reader.last(2))),
    "TUPLE3": lambda reader: reader.stack.append(tuple(reader.last(3))),
    "FROZENSET": lambda reader: reader.stack.append(tuple(reader.after_mark())),
    "LIST": lambda reader: reader.stack.append(reader.after_mark()),
    "DICT": _Reader.dict_from_group,
    "APPEND": lambda reader: reader.add_items(reader.last(1)),
    "APPENDS": lambda reader: reader.add_items(reader.after_mark()),
    "ADDITEMS": lambda reader: reader.add_items(reader.after_mark()),
    "SETITEM": lambda reader: reader.add_pairs(reader.last(2)),
    "SETITEMS": lambda reader: reader.add_pairs(reader.after_mark()),
    "POP": lambda reader: reader.stack.pop(),
    "POP_MARK": lambda reader: reader.after_mark(),
    "DUP": lambda reader: reader.stack.append(reader.stack[-1]),
}
