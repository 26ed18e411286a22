"""A recording of the game, held against a cartridge: pads per frame in, RAM per frame out.

`python -m models.trace FILE [--rom ROM]` (in tests/) plays a recording on a cartridge and names the first frame in which
a lock, a clear, a fall or a spawn differs.  Owns the file's form; docs/reference/stand-in-rom.md describes it.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.machine import CARTRIDGE, MODE, PLAY, mirrored

from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EnvError
from env.options import Scenario
from env.play import drive
from env.savestate import RAM_BYTES, with_ram

BLOCKS, FIELDS, PLAYERS, VS_CPU = (0x300, 0x380), (0x400, 0x500), 0x727, 0x04
ACTION, RESOLVING, SPAWNED = 0x17, 1, 3
CLEARING, EMPTIED, VIRUS = 0xB0, 0xF0, 0xD0
#: what a start carries over: generator, counters, tallies, throw, pads, blocks, fields, flags and score, queue
CARRIED = (
    *range(0x17, 0x19),
    0x43,
    *range(0x72, 0x75),
    0x7D,
    *range(0xF5, 0xF9),
    *range(0x300, 0x330),
    *range(0x380, 0x3B0),
    *range(0x400, 0x480),
    *range(0x500, 0x580),
    *range(0x723, 0x726),
    *range(0x729, 0x72F),
    *range(0x780, 0x800),
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How far a cartridge went with a recording; frames count from 1, None where all agree."""

    frames: int
    first_event: int | None = None
    #: what happened there in the recording and on the cartridge
    events: tuple[str, str] = ("", "")
    first_byte: int | None = None
    #: address, recorded byte, the cartridge's
    byte: tuple[int, int, int] = (0, 0, 0)

    def __str__(self) -> str:
        if self.first_byte is None:
            return f"all {self.frames} frames agree"
        address, recorded, found = self.byte
        byte = f"${address:04X} is ${found:02X} after frame {self.first_byte}, recorded was ${recorded:02X}"
        if self.first_event is None:
            return f"every lock, clear, fall and spawn of {self.frames} frames agrees; the first other byte: {byte}"
        recorded_events, found_events = (text or "nothing" for text in self.events)
        return f"frame {self.first_event}: recorded was {recorded_events}, here {found_events}; the first other byte: {byte}"


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


def replay(trace: Trace, *, rom: Path = CARTRIDGE) -> Verdict:
    """Bring a cartridge to the recording's start and play its pads on it.

    Raises:
        EnvError: the cartridge does not come to play, or the emulator is gone.
    """
    starts = StartStates(Cartridge.read(rom))
    with Emulator(rom) as emulator:
        state = drive(emulator, starts.begin(emulator, _scenario(trace.start), seed=0))
        emulator.load_state(with_ram(state, {address: trace.start[address] for address in CARRIED}))
        return _compare(emulator, trace)


def _scenario(start: bytes) -> Scenario:
    if start[PLAYERS] != 2:
        return Scenario()
    return Scenario(mode="vs_cpu" if start[VS_CPU] == 1 else "2p")


def _compare(emulator: Emulator, trace: Trace) -> Verdict:
    first_byte, byte = None, (0, 0, 0)
    recorded = found = trace.start
    for frame, ((one, two), seen) in enumerate(zip(trace.pads, trace.seen, strict=True), 1):
        emulator.step(bytes((mirrored(one), mirrored(two))))
        ram = emulator.read_ram()
        before, recorded = recorded, with_watched(recorded, trace.watched, seen)
        found_before, found = found, with_watched(found, trace.watched, bytes(ram[i] for i in trace.watched))
        if first_byte is None and recorded != found:
            address = next(i for i in trace.watched if recorded[i] != found[i])
            first_byte, byte = frame, (address, recorded[address], found[address])
        happened = events(before, recorded), events(found_before, found)
        if happened[0] != happened[1]:
            return Verdict(frames=frame, first_event=frame, events=happened, first_byte=first_byte, byte=byte)
    return Verdict(frames=len(trace.pads), first_byte=first_byte, byte=byte)


def with_watched(ram: bytes, watched: Sequence[int], values: bytes) -> bytes:
    changed = bytearray(ram)
    for address, value in zip(watched, values, strict=True):
        changed[address] = value
    return bytes(changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 where every lock, clear, fall and spawn agrees, 1 where one differs, 2 where nothing was compared."""
    parser = argparse.ArgumentParser(prog="models.trace", description=__doc__)
    parser.add_argument("recording", type=Path, help="see docs/reference/stand-in-rom.md")
    parser.add_argument("--rom", type=Path, default=CARTRIDGE, help="an iNES file; the stand-in game without it")
    options = parser.parse_args(arguments)
    try:
        verdict = replay(read(options.recording.read_text(encoding="utf-8")), rom=options.rom)
    except (TraceError, EnvError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{options.recording.name}: {error}\n")
        return 2
    sys.stdout.write(f"{verdict}\n")
    return 0 if verdict.first_event is None else 1


if __name__ == "__main__":
    sys.exit(main())
