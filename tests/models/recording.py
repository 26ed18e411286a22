"""A recording of the game as text: pads and RAM of every frame, and what happened in a frame.

Owns the file's form, which docs/reference/stand-in-rom.md describes.  Plays nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.machine import MODE, PLAY

from env.savestate import RAM_BYTES

BLOCKS, FIELDS = (0x300, 0x380), (0x400, 0x500)
ACTION, RESOLVING, SPAWNED = 0x17, 1, 3
CLEARING = 0xB0


class TraceError(ValueError):
    """A recording that cannot be used; the sentence says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A recording from a frame of live play on."""

    #: the 2048 bytes of work RAM between the frame before the first and the first
    start: bytes
    #: addresses that were recorded, in the order of their bytes
    watched: tuple[int, ...]
    #: pad 1 and pad 2 of each frame, in the game's own bits
    pads: tuple[tuple[int, int], ...]
    #: the watched bytes after each frame
    seen: tuple[bytes, ...]


def read(text: str) -> Trace:
    """A recording from its text.

    Raises:
        TraceError: a line is not of the form, or what tells events apart was not recorded.
    """
    lines = [(i, line.split()) for i, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if len(lines) < 2 or lines[0][1][0] != "start" or lines[1][1][0] != "watch":
        raise TraceError("a recording begins with a line `start` and a line `watch`")
    start = _bytes(*lines[0][1][1:], line=lines[0][0], count=RAM_BYTES)
    watched = tuple(_addresses(lines[1][1][1:], line=lines[1][0]))
    frames = [(line, _bytes(*words, line=line, count=2 + len(watched))) for line, words in lines[2:]]
    if missing := {BLOCKS[0] + ACTION, *range(0x400, 0x480)} - set(watched):
        raise TraceError(f"the recording does not watch ${min(missing):04X}: it needs $0317 and $0400-$047F at least")
    if start[MODE] != PLAY:
        raise TraceError(f"the recording starts in mode {start[MODE]}: it must start in live play, mode {PLAY}")
    return Trace(
        start=start,
        watched=watched,
        pads=tuple((frame[0], frame[1]) for _, frame in frames),
        seen=tuple(frame[2:] for _, frame in frames),
    )


def text_of(trace: Trace) -> str:
    """The text that `read` understands."""
    watch = " ".join(f"{address:04X}" for address in trace.watched)
    frames = (bytes(pads).hex(" ") + " " + seen.hex() for pads, seen in zip(trace.pads, trace.seen, strict=True))
    return "\n".join([f"start {trace.start.hex()}", f"watch {watch}", *frames, ""])


def _bytes(*words: str, line: int, count: int) -> bytes:
    try:
        found = bytes.fromhex("".join(words))
    except ValueError:
        raise TraceError(f"line {line}: not bytes in hexadecimal digits") from None
    if len(found) != count:
        raise TraceError(f"line {line}: {len(found)} bytes, expected {count}")
    return found


def _addresses(words: Sequence[str], *, line: int) -> Iterator[int]:
    for word in words:
        first, _, last = word.partition("-")
        try:
            span = range(int(first, 16), int(last or first, 16) + 1)
        except ValueError:
            raise TraceError(f"line {line}: {word} is no address or range of addresses") from None
        if not span or span[-1] >= RAM_BYTES:
            raise TraceError(f"line {line}: {word} is outside work RAM, 0000-07FF")
        yield from span


def events(before: bytes, after: bytes) -> str:
    """Locks, clears, falls and spawns of a frame, as words; both are whole RAM, unrecorded bytes may be anything."""
    words = []
    for number, (block, start) in enumerate(zip(BLOCKS, FIELDS, strict=True), 1):
        old, new = before[start : start + 128], after[start : start + 128]
        words += [f"{word} of player {number}" for word in _words(before[block + ACTION], after[block + ACTION])]
        if any(_is(CLEARING, b) and not _is(CLEARING, a) for a, b in zip(old, new, strict=True)):
            words.append(f"clear of player {number}")
        if after[block + ACTION] == RESOLVING and _fell(old, new):
            words.append(f"fall of player {number}")
    return ", ".join(words)


def _words(before: int, after: int) -> Iterator[str]:
    if (before, after) == (0, RESOLVING):
        yield "lock"
    if before != SPAWNED and after == SPAWNED:
        yield "spawn"


def _is(kind: int, cell: int) -> bool:
    return cell & 0xF0 == kind


def _fell(old: bytes, new: bytes) -> bool:
    """A settled cell was left empty at once, which only a fall does."""
    return any(a < CLEARING and b == 0xFF for a, b in zip(old, new, strict=True))


def with_watched(ram: bytes, watched: Sequence[int], values: bytes) -> bytes:
    """RAM with the bytes of a frame at the addresses that were recorded."""
    changed = bytearray(ram)
    for address, value in zip(watched, values, strict=True):
        changed[address] = value
    return bytes(changed)
