"""A game as its start state and inputs: recording it, the file, playing it again and proving that it is the same game.

Knows no game: scenario, options, metadata and record are the caller's. Refuses files that are not whole.

The file: magic, version (LE16), length of the header (LE32), header (canonical JSON, plain), start state and inputs
(zlib), BLAKE2b-128 of all before it. The same game gives the same bytes.
"""

import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from env import savestate
from env.errors import ReplayDamaged, ReplayDiverged, ReplayError, StateError
from env.replayheader import Header
from env.wire import PAD_BYTES

#: The format that is written; no other is read.
VERSION = 1
#: A RAM hash is taken at the first chunk that ends this many frames after the last one.
CHECK_FRAMES = 600

_MAGIC = b"\x89REPLAY\n"
_PREFIX = struct.Struct("<8sHI")
_CHECKSUM_BYTES = 16
_HEADER_LIMIT = 1 << 20
_STATE_LIMIT = 1 << 20
#: Thirty-eight hours of frames.
_INPUT_LIMIT = 1 << 24
_MAPPINGS = ("scenario", "options", "versions", "metadata", "record")


class Machine(Protocol):
    """What playing needs of an emulator."""

    @property
    def rom_sha256(self) -> str:
        """Of the cartridge in it."""

    def load_state(self, state: bytes) -> None:
        """Become that machine."""

    def step(self, pads: bytes) -> None:
        """Emulate frames."""

    def read_ram(self) -> bytes:
        """2048 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One recorded game. Mappings hold what JSON can hold."""

    version: int = VERSION
    #: Of the cartridge without its header.
    rom_sha256: str
    scenario: Mapping[str, object]
    seed: int
    #: Environment options.
    options: Mapping[str, object] = field(default_factory=dict)
    #: Of the software that recorded it.
    versions: Mapping[str, object] = field(default_factory=dict)
    #: The caller's own.
    metadata: Mapping[str, object] = field(default_factory=dict)
    start_state: bytes = field(default=b"", repr=False)
    #: Two bytes a frame: pad 1, pad 2.
    inputs: bytes = field(default=b"", repr=False)
    #: (frame, RAM hash), ascending; the last one is at the end.
    checks: tuple[tuple[int, str], ...] = ()
    #: The episode record.
    record: Mapping[str, object] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Length of the game."""
        return len(self.inputs) // PAD_BYTES


class Recorder:
    """Collects one game at a time."""

    def __init__(self) -> None:
        """`start` begins a game."""
        self._blank: Replay | None = None
        self._inputs = bytearray()
        self._checks: list[tuple[int, str]] = []
        self._next_check = CHECK_FRAMES

    def start(self, blank: Replay) -> None:
        """Begin a game: `blank` says everything but inputs, checks and record. A game in progress is forgotten.

        Raises:
            StateError: its start state is none.
        """
        self._blank = replace(blank, start_state=savestate.canonical(blank.start_state))
        self._inputs = bytearray()
        self._checks = []
        self._next_check = CHECK_FRAMES

    def add(self, pads: bytes, ram: bytes) -> None:
        """Frames that were played, and the RAM after the last of them."""
        self._inputs += pads
        frame = len(self._inputs) // PAD_BYTES
        if frame >= self._next_check:
            self._checks.append((frame, ram_hash(ram)))
            self._next_check = frame + CHECK_FRAMES

    def finish(self, ram: bytes, record: Mapping[str, object]) -> Replay:
        """The whole game, with a last check.

        Raises:
            ReplayError: none was started.
        """
        if self._blank is None:
            raise ReplayError("No game is being recorded: start one first.")
        frame = len(self._inputs) // PAD_BYTES
        if not self._checks or self._checks[-1][0] != frame:
            self._checks.append((frame, ram_hash(ram)))
        done = replace(self._blank, inputs=bytes(self._inputs), checks=tuple(self._checks), record=record)
        self._blank = None
        return done


def ram_hash(ram: bytes) -> str:
    """Sixteen hexadecimal digits."""
    return blake2b(ram, digest_size=8).hexdigest()


def insert(replay: Replay, machine: Machine) -> None:
    """Bring the machine to the replay's start.

    Raises:
        ReplayError: another cartridge is in it.
        EnvError: as the machine's methods.
    """
    if replay.rom_sha256 != machine.rom_sha256:
        raise ReplayError(
            f"The replay was recorded with the ROM {replay.rom_sha256[:12]}… and this one is "
            f"{machine.rom_sha256[:12]}…: give the same ROM.",
        )
    machine.load_state(replay.start_state)


def play(replay: Replay, machine: Machine) -> None:
    """Play it from its start to its end, without checking.

    Raises:
        ReplayError: another cartridge is in the machine.
        EnvError: as the machine's methods.
    """
    insert(replay, machine)
    machine.step(replay.inputs)


def verify(replay: Replay, machine: Machine) -> None:
    """Play it and compare RAM at every check.

    Raises:
        ReplayDiverged: names the first span in which it went another way.
        ReplayError: another cartridge is in the machine.
        EnvError: as the machine's methods.
    """
    insert(replay, machine)
    last = 0
    for frame, expected in replay.checks:
        machine.step(replay.inputs[last * PAD_BYTES : frame * PAD_BYTES])
        actual = ram_hash(machine.read_ram())
        if actual != expected:
            raise ReplayDiverged(frame=frame, expected=expected, actual=actual, last_good_frame=last)
        last = frame


def write(replay: Replay, path: Path) -> None:
    """Write the file: whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(to_bytes(replay))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> Replay:
    """Read a file.

    Raises:
        ReplayDamaged: it is not a whole replay.
        ReplayError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_HEADER_LIMIT + _STATE_LIMIT + _INPUT_LIMIT)
    except OSError as error:
        raise ReplayError(f"The replay {path} cannot be read: {error.strerror}.") from error
    try:
        return from_bytes(data)
    except ReplayDamaged as error:
        raise ReplayDamaged(f"{path}: {error}") from error


def to_bytes(replay: Replay) -> bytes:
    """The file's bytes."""
    state = zlib.compress(replay.start_state, 9)
    inputs = zlib.compress(planes(replay.inputs), 9)
    header: dict[str, object] = {name: dict(getattr(replay, name)) for name in _MAPPINGS}
    header |= {"rom_sha256": replay.rom_sha256, "seed": replay.seed, "checks": replay.checks, "frames": replay.frames}
    header |= {"state_bytes": len(replay.start_state), "state_packed_bytes": len(state)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
    whole = _PREFIX.pack(_MAGIC, replay.version, len(text)) + text + state + inputs
    return whole + _checksum(whole)


def from_bytes(data: bytes) -> Replay:
    """Read the file's bytes.

    Raises:
        ReplayDamaged: they are not a whole replay of this version.
    """
    header_bytes = _checked_prefix(data)
    body = data[_PREFIX.size : -_CHECKSUM_BYTES]
    header = Header.parse(body[:header_bytes])
    state_bytes = header.count("state_bytes", _STATE_LIMIT)
    frames = header.count("frames", _INPUT_LIMIT // PAD_BYTES)
    split = header_bytes + header.count("state_packed_bytes", len(body))
    state = _unpacked(body[header_bytes:split], state_bytes)
    inputs = joined(_unpacked(body[split:], frames * PAD_BYTES))
    try:
        savestate.ram(state)
    except StateError as error:
        raise ReplayDamaged(f"The replay's start state is damaged: {error}") from error
    return Replay(
        rom_sha256=header.text("rom_sha256"),
        seed=header.count("seed", 1 << 63),
        start_state=state,
        inputs=inputs,
        checks=header.checks(frames),
        scenario=header.mapping("scenario"),
        options=header.mapping("options"),
        versions=header.mapping("versions"),
        metadata=header.mapping("metadata"),
        record=header.mapping("record"),
    )


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=_CHECKSUM_BYTES).digest()


def _checked_prefix(data: bytes) -> int:
    """Length of the header of a whole file."""
    if len(data) < _PREFIX.size + _CHECKSUM_BYTES or not data.startswith(_MAGIC):
        raise ReplayDamaged("This is not a replay file, or only the beginning of one.")
    _, version, header_bytes = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise ReplayDamaged(f"The replay has version {version}, and only {VERSION} is known: use the newer software.")
    if _checksum(data[:-_CHECKSUM_BYTES]) != data[-_CHECKSUM_BYTES:]:
        raise ReplayDamaged("The replay's checksum is wrong, so it was cut off or altered: record the game again.")
    return int(header_bytes)


def planes(inputs: bytes) -> bytes:
    """All of pad 1, then all of pad 2: packs a tenth smaller than frame by frame. Runs of our own gave no more."""
    return inputs[0::PAD_BYTES] + inputs[1::PAD_BYTES]


def joined(split: bytes) -> bytes:
    """What `planes` took apart."""
    frames = len(split) // PAD_BYTES
    inputs = bytearray(len(split))
    inputs[0::PAD_BYTES], inputs[1::PAD_BYTES] = split[:frames], split[frames:]
    return bytes(inputs)


def _unpacked(packed: bytes, size: int) -> bytes:
    """Decompress to exactly `size` bytes, never to more."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, size + 1)
    except zlib.error as error:
        raise ReplayDamaged("The replay's contents cannot be unpacked: record the game again.") from error
    if len(data) != size or not unpacker.eof or unpacker.unused_data:
        raise ReplayDamaged("The replay's contents have another length than its header says: record the game again.")
    return data
