"""Mednafen save states as sections of named variables (pure).

Owns the format and the edits that keep a state loadable. Refuses to know which cartridge it belongs to.
"""

import struct
from collections.abc import Mapping

from env.errors import StateError

#: Bytes of the machine's work RAM.
RAM_BYTES = 2048

_MAGIC = b"MDFNSVST"
_HEADER_BYTES = 32
_NAME_BYTES = 32
_TIME = slice(8, 16)
_PREVIEW_LIMIT = 1024

Sections = Mapping[str, Mapping[str, slice]]
Layout = Mapping[str, Mapping[str, int]]


def sections(state: bytes) -> Sections:
    """Where every variable lies: `state[sections(state)["CPU"]["RAM"]]`.

    Raises:
        StateError: the bytes are not a whole save state.
    """
    position = _body_start(state)
    found: dict[str, Mapping[str, slice]] = {}
    while position < len(state):
        name = state[position : position + _NAME_BYTES].rstrip(b"\0").decode("latin-1")
        size = _unsigned(state, position + _NAME_BYTES)
        start = position + _NAME_BYTES + 4
        position = start + size
        if position > len(state):
            raise StateError(f"The save state is cut off inside its section {name!r}: use another one.")
        found[name] = _variables(state, start, stop=position)
    return found


def ram(state: bytes) -> bytes:
    """The 2048 bytes of work RAM.

    Raises:
        StateError: the bytes are not a save state, or of another kind of machine.
    """
    return state[_ram_slice(state)]


def with_ram(state: bytes, values: Mapping[int, int]) -> bytes:
    """A copy of `state` with `values` (address -> byte) in work RAM.

    Raises:
        StateError: as `ram`.
        ValueError: an address or a byte is out of range.
    """
    place = _ram_slice(state)
    edited = bytearray(state)
    for address, value in values.items():
        if not 0 <= address < RAM_BYTES:
            raise ValueError(f"work RAM has no address {address:#06x}")
        edited[place.start + address] = value
    return bytes(edited)


def layout(state: bytes) -> Layout:
    """The sections of a state, with the length of every variable: the same for all states of a machine.

    Raises:
        StateError: the bytes are not a whole save state.
    """
    return {
        section: {name: place.stop - place.start for name, place in variables.items()}
        for section, variables in sections(state).items()
    }


def require_layout(state: bytes, wanted: Layout) -> None:
    """Refuse a state that the machine cannot load.

    Cartridges with the same circuits write states of one layout: this finds what cannot be loaded, not every mix-up.

    Raises:
        StateError: not a save state, or of a machine of another layout; the sentence says in what it differs.
    """
    found = layout(state)
    for section in [*wanted, *found] if found != wanted else ():
        if section not in found or section not in wanted:
            raise _foreign(f"it has {'a' if section in found else 'no'} section {section!r}")
        if found[section] != wanted[section]:
            raise _foreign(f"its section {section!r} has other variables")


def canonical(state: bytes) -> bytes:
    """The same machine with the same bytes: the header's time of saving becomes zero; it stays loadable.

    Raises:
        StateError: the bytes are not a whole save state.
    """
    sections(state)
    return state[: _TIME.start] + bytes(_TIME.stop - _TIME.start) + state[_TIME.stop :]


def _body_start(state: bytes) -> int:
    if len(state) < _HEADER_BYTES or not state.startswith(_MAGIC):
        raise StateError("The bytes are not a Mednafen save state: use one that this emulator wrote.")
    width, height = struct.unpack_from("<II", state, 24)
    start = _HEADER_BYTES + 3 * width * height
    if max(width, height) > _PREVIEW_LIMIT or start >= len(state):
        raise StateError("The save state ends inside its preview picture: use another one.")
    return int(start)


def _variables(state: bytes, start: int, *, stop: int) -> Mapping[str, slice]:
    found: dict[str, slice] = {}
    while start < stop:
        name_end = start + 1 + state[start]
        data = name_end + 4
        end = data + (_unsigned(state, name_end) if data <= stop else 0)
        if max(data, end) > stop:
            raise StateError("The save state has a variable that is longer than its section: use another one.")
        found[state[start + 1 : name_end].decode("latin-1")] = slice(data, end)
        start = end
    return found


def _ram_slice(state: bytes) -> slice:
    place = sections(state).get("CPU", {}).get("RAM", slice(0, 0))
    if place.stop - place.start != RAM_BYTES:
        raise StateError("The save state has no 2048 bytes of work RAM: it is of another kind of machine.")
    return place


def _foreign(otherwise: str) -> StateError:
    return StateError(f"The save state is of another cartridge or another emulator: {otherwise}; use this one's.")


def _unsigned(state: bytes, position: int) -> int:
    if position + 4 > len(state):
        raise StateError("The save state is cut off: use another one.")
    (value,) = struct.unpack_from("<I", state, position)
    return int(value)
