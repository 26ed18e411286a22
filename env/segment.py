"""Many games of one training run in a file that only grows: written as they end, read as far as it is whole.

Knows no game and starts no thread. A game in it is a `Replay`. The file: magic, version (LE16), one deflate stream that is
flushed after each item. An item: length of its text (LE32), of the rest (LE32), BLAKE2b-64 of both, text (JSON), the rest.
The first item is what all games share, with the first start state; then one a game: its state as the difference from
that one, and its inputs.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

from env import savestate
from env.errors import ReplayDamaged, ReplayError, StateError
from env.replay import VERSION as REPLAY_VERSION
from env.replay import Replay, joined, planes
from env.replayheader import Header
from env.wire import PAD_BYTES

#: The format that is written; no other is read.
VERSION: Final = 1
SUFFIX: Final = ".segment"
#: Bytes after which a file is full. One that is damaged costs this at most.
FULL_BYTES: Final = 1 << 20

_MAGIC: Final = b"\x89SEGMENT"
_PREFIX: Final = struct.Struct("<8sH")
_ITEM: Final = struct.Struct("<II8s")
_TEXT_LIMIT: Final = 1 << 20
#: A state and thirty-eight hours of inputs.
_REST_LIMIT: Final = (1 << 20) + (1 << 24)
_READ_BYTES: Final = 1 << 16
#: Of zlib: 9 takes thirteen times as long for three hundredths.
_LEVEL: Final = 6
_SHARED: Final = ("rom_sha256", "scenario", "options", "versions")


class SegmentWriter:
    """Appends games to a file of its own, which must not exist: what another run wrote is never touched."""

    def __init__(self, path: Path) -> None:
        """Nothing is written before the first game."""
        self.path = path
        self._file: FileIO | None = None
        self._packer = zlib.compressobj(_LEVEL)
        self._shared: Mapping[str, object] = {}
        self._first_state = b""

    def takes(self, game: Replay) -> bool:
        """Whether the game may go into this file: it shares what all games of a file share, and there is room."""
        if self._file is None:
            return True
        is_alike = _shared(game) == self._shared and len(game.start_state) == len(self._first_state)
        return is_alike and self._file.tell() < FULL_BYTES

    def add(self, game: Replay) -> None:
        """Append a game; once this returns, the end of the process does not take it away.

        Raises:
            OSError: the disk is full, or the file is there already; `path` then holds the games before it.
        """
        if self._file is None:
            self._begin(game)
        text = {"seed": game.seed, "frames": game.frames, "checks": game.checks}
        text |= {"metadata": dict(game.metadata), "record": dict(game.record)}
        self._append(text, _difference(game.start_state, self._first_state) + planes(game.inputs))

    def close(self) -> None:
        if self._file is not None:
            with closing(self._file) as file:
                self._file = None
                write_all(file, self._packer.flush())

    def _begin(self, game: Replay) -> None:
        self._shared, self._first_state = _shared(game), game.start_state
        self._file = FileIO(self.path, "xb")
        write_all(self._file, _PREFIX.pack(_MAGIC, VERSION))
        self._append(self._shared, self._first_state)

    def _append(self, text: Mapping[str, object], rest: bytes) -> None:
        assert self._file is not None  # noqa: S101 -- add has opened it
        packed_text = json.dumps(text, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        item = _ITEM.pack(len(packed_text), len(rest), _checksum(packed_text + rest)) + packed_text + rest
        write_all(self._file, self._packer.compress(item) + self._packer.flush(zlib.Z_SYNC_FLUSH))


def write_all(file: FileIO, data: bytes) -> None:
    """Write to an unbuffered file, which may take a part at a time.

    Raises:
        OSError: the disk is full.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def games(path: Path) -> Iterator[Replay]:
    """The games of a segment in the order they were played; also of one that is still being written.

    Raises:
        ReplayDamaged: after the last whole game, where it goes on with something that is none.
        ReplayError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from _games(file)
    except OSError as error:
        raise ReplayError(f"The segment {path} cannot be read: {error.strerror}.") from error
    except ReplayDamaged as error:
        raise ReplayDamaged(f"{path}: {error}") from error


def game(path: Path, number: int) -> Replay:
    """One game of a segment, counted from 0.

    Raises:
        ReplayError: there is no such game, or the file is damaged before it.
    """
    held = 0
    for held, replay in enumerate(games(path), 1):
        if held == number + 1:
            return replay
    raise ReplayError(f"The segment {path} has no game {number}: it holds {held}, counted from 0.")


def _games(file: BinaryIO) -> Iterator[Replay]:
    _check_prefix(file.read(_PREFIX.size))
    items = _items(file)
    first = next(items, None)
    if first is None:
        return
    shared, first_state = Header.parse(first[0]), first[1]
    try:
        savestate.ram(first_state)
    except StateError as error:
        raise ReplayDamaged(f"The segment's first start state is damaged: {error}") from error
    for text, rest in items:
        yield _game(Header.parse(text), rest, shared=shared, first_state=first_state)


def _game(header: Header, rest: bytes, *, shared: Header, first_state: bytes) -> Replay:
    frames = header.count("frames", _REST_LIMIT // PAD_BYTES)
    split = len(first_state)
    if len(rest) != split + frames * PAD_BYTES:
        raise ReplayDamaged("A game in the segment has another length than it says: those before it are whole.")
    return Replay(
        version=REPLAY_VERSION,
        rom_sha256=shared.text("rom_sha256"),
        scenario=shared.mapping("scenario"),
        options=shared.mapping("options"),
        versions=shared.mapping("versions"),
        seed=header.count("seed", 1 << 63),
        start_state=_difference(rest[:split], first_state),
        inputs=joined(rest[split:]),
        checks=header.checks(frames),
        metadata=header.mapping("metadata"),
        record=header.mapping("record"),
    )


def _items(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Text and rest of each whole item; the stream is unpacked as far as it is needed, never further."""
    unpacker, waiting = zlib.decompressobj(), bytearray()
    while True:
        if not _filled(waiting, _ITEM.size, file=file, unpacker=unpacker):
            break
        text_bytes, rest_bytes, checksum = _ITEM.unpack_from(waiting)
        if text_bytes > _TEXT_LIMIT or rest_bytes > _REST_LIMIT:
            raise _damaged()
        end = _ITEM.size + text_bytes + rest_bytes
        if not _filled(waiting, end, file=file, unpacker=unpacker):
            break
        body = bytes(waiting[_ITEM.size : end])
        if _checksum(body) != checksum:
            raise _damaged()
        yield body[:text_bytes], body[text_bytes:]
        del waiting[:end]
    if waiting:
        raise ReplayDamaged(
            "The segment ends inside a game, so it was cut off or is being written: those before it are whole."
        )


def _filled(waiting: bytearray, size: int, *, file: BinaryIO, unpacker: "zlib._Decompress") -> bool:
    """Whether so many bytes could be had."""
    while len(waiting) < size and not unpacker.eof:
        packed = unpacker.unconsumed_tail or file.read(_READ_BYTES)
        try:
            unpacked = unpacker.decompress(packed, size - len(waiting))
        except zlib.error as error:
            raise _damaged() from error
        if not unpacked and not packed:
            break
        waiting += unpacked
    return len(waiting) >= size


def _damaged() -> ReplayDamaged:
    return ReplayDamaged("The segment is damaged: the games before the damage are whole, those behind it are lost.")


def _check_prefix(prefix: bytes) -> None:
    if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
        raise ReplayDamaged("This is not a segment of recorded games.")
    if len(prefix) < _PREFIX.size:
        return  # it has just been begun
    version = _PREFIX.unpack(prefix)[1]
    if version != VERSION:
        raise ReplayDamaged(f"The segment has version {version}, and only {VERSION} is known: use the newer software.")


def _shared(game: Replay) -> dict[str, object]:
    return {name: value if isinstance(value := getattr(game, name), str) else dict(value) for name in _SHARED}


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=8).digest()


def _difference(state: bytes, first: bytes) -> bytes:
    """Exclusive or: twice gives the state again."""
    return (int.from_bytes(state, "little") ^ int.from_bytes(first, "little")).to_bytes(len(first), "little")
