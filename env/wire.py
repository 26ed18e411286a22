"""Mednafen's netplay messages as bytes, both ways (pure).

Owns the framing, the pad bits and the priming of batches. Refuses sockets, deadlines and what a game means by a button.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache

from env.errors import ProtocolError

#: Bytes of input for one frame as callers give them: pad 1, pad 2.
PAD_BYTES = 2
#: Bytes of one server-to-client item: four pads and a command byte.
ITEM_BYTES = 5
#: What the client sends for every emulated frame while no local player has joined.
ACKNOWLEDGEMENT = b"\0"

_LOGIN_HEAD = 97
_LOGIN_LIMIT = 1024
_PAYLOAD_LIMIT = 1 << 24
_NICK = b"driver"


class Pad(IntFlag):
    """Buttons of one pad. Opposite directions are not filtered by the emulator."""

    A = 0x01
    B = 0x02
    SELECT = 0x04
    START = 0x08
    UP = 0x10
    DOWN = 0x20
    LEFT = 0x40
    RIGHT = 0x80


class Command(IntEnum):
    """The command bytes that we send or understand."""

    FRAME = 0x00
    SETFPS = 0x40
    NOP = 0x41
    LOADSTATE = 0x80
    REQUEST_STATE = 0x81
    TEXT = 0x90
    INTEGRITY = 0x95
    INTEGRITY_RESULT = 0x96
    YOUJOINED = 0xB0
    QUIT = 0xFF


#: Client commands whose argument is the length of a payload that follows; in the others the argument is the message.
_WITH_PAYLOAD = frozenset({0x80, 0x90, 0x94, 0x96, 0x98, 0xD0, 0xFF})

#: Mednafen draws and throttles frame k+1 unless a byte was still waiting when it had read frame k's input. So every batch
#: ends with the first byte of a NOP, and the next one begins with the rest of it.
PRIME = b"\0"
_PRIME_REST = bytes(ITEM_BYTES - 2) + bytes([Command.NOP])


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the client says of itself first."""

    #: MD5 of the cartridge without its header, hexadecimal.
    rom_md5: str
    #: Input bytes of each port in a frame.
    port_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A command from the client; `Command.FRAME` is an acknowledged frame."""

    command: int
    argument: int = 0
    payload: bytes = b""


def login_size(prefix: bytes) -> int:
    """Length of the login that follows its four-byte prefix.

    Raises:
        ProtocolError: no NES emulator says such a length.
    """
    (size,) = struct.unpack("<I", prefix)
    if not _LOGIN_HEAD <= size <= _LOGIN_LIMIT:
        raise ProtocolError(f"Mednafen's login has the impossible length {size}: check its version.")
    return int(size)


def parse_login(body: bytes) -> Login:
    """Read the login after its length.

    Raises:
        ProtocolError: it is too short, or ports 1 and 2 are not game pads.
    """
    if len(body) < _LOGIN_HEAD:
        raise ProtocolError(f"Mednafen's login has {len(body)} bytes, fewer than {_LOGIN_HEAD}: check its version.")
    sizes = tuple(body[48 : 48 + body[33]])
    if sizes[:2] != (1, 1) or sum(sizes) > ITEM_BYTES - 1:
        raise ProtocolError(f"Mednafen has ports of {list(sizes)} bytes where two game pads were asked for.")
    return Login(rom_md5=body[:16].hex(), port_sizes=sizes)


def frames(pads: bytes) -> bytes:
    """The items of `len(pads) // 2` frames.

    Raises:
        ValueError: half a frame is missing.
    """
    if len(pads) % PAD_BYTES:
        raise ValueError(f"pads must be two bytes a frame, not {len(pads)} bytes")
    items = bytearray(len(pads) // PAD_BYTES * ITEM_BYTES)
    items[0::ITEM_BYTES] = pads[0::PAD_BYTES]
    items[1::ITEM_BYTES] = pads[1::PAD_BYTES]
    return bytes(items)


def message(command: Command, argument: int = 0, *, payload: bytes = b"") -> bytes:
    """A command to the client; with a payload the argument is its length."""
    value = len(payload) if payload else argument
    return struct.pack("<IB", value, command) + payload


def joined() -> bytes:
    """Tells the client that it is in the game, with no local player: from then on it acknowledges frames."""
    return message(Command.YOUJOINED, payload=bytes(8) + _NICK)


def primed(items: bytes) -> bytes:
    """`items` for a primed client, leaving it primed."""
    return _PRIME_REST + items + PRIME


def unprimed(items: bytes) -> bytes:
    """`items` for a primed client, leaving it unprimed: the frame after the last of them is drawn."""
    return _PRIME_REST + items


@lru_cache(maxsize=4096)
def batch(pads: bytes) -> bytes:
    """`primed(frames(pads))`, remembered: at one frame a round trip the encoding would cost more than the send."""
    return primed(frames(pads))


class Decoder:
    """Cuts the client's byte stream into messages, however it arrives."""

    def __init__(self) -> None:
        """Starts between two messages."""
        self._rest = b""

    def feed(self, data: bytes) -> Sequence[Message]:
        """The messages that `data` completes.

        Raises:
            ProtocolError: a payload is announced that no save state of this machine can have.
        """
        buffer = self._rest + data
        done: list[Message] = []
        position = 0
        while (end := _message_end(buffer, position)) is not None:
            done.append(_message_at(buffer, position, end=end))
            position = end
        self._rest = buffer[position:]
        return done


def _message_end(buffer: bytes, start: int) -> int | None:
    if start >= len(buffer):
        return None
    command = buffer[start]
    end = start + (1 if command == Command.FRAME else ITEM_BYTES)
    if end <= len(buffer) and command in _WITH_PAYLOAD:
        (size,) = struct.unpack_from("<I", buffer, start + 1)
        if size > _PAYLOAD_LIMIT:
            raise ProtocolError(f"Mednafen announced {size} bytes for command {command:#04x}: check its version.")
        end += size
    return end if end <= len(buffer) else None


def _message_at(buffer: bytes, start: int, *, end: int) -> Message:
    command = buffer[start]
    if command == Command.FRAME:
        return Message(command=command)
    (argument,) = struct.unpack_from("<I", buffer, start + 1)
    return Message(command=command, argument=argument, payload=buffer[start + ITEM_BYTES : end])
