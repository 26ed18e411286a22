"""A recording of the game, held against a cartridge: pads per frame in, RAM per frame out.

`python -m models.trace play FILE [--rom ROM]` (in tests/) names the first frame in which a lock, a clear, a fall or a
spawn differs; `python -m models.trace record FILE --rom ROM` makes a recording.  docs/reference/stand-in-rom.md says more.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from models.machine import CARTRIDGE, MODE, PLAY, mirrored
from models.players import held_buttons
from models.recording import BLOCKS, FIELDS, Trace, TraceError, events, read, text_of, with_watched

from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EnvError
from env.options import Mode, Scenario, Speed
from env.play import drive
from env.savestate import with_ram

PLAYERS, VS_CPU, LOST, VIRUSES = 0x727, 0x04, 0x09, 0x24
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


#: what a recording of ours watches
WATCHED = (
    0x43,
    MODE,
    *(block + offset for block in BLOCKS for offset in range(0x30)),
    *(field + cell for field in FIELDS for cell in range(128)),
)
#: a style of `models.players` that drops capsule after capsule
DROPPING = 1


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


def record(rom: Path, scenario: Scenario, *, seed: int, frames: int) -> Trace:
    """A round of the environment's seed on a cartridge, played by random drops until it is decided.

    Raises:
        EnvError: the cartridge does not come to play, or the emulator is gone.
    """
    chance = np.random.default_rng(seed)
    buttons = [held_buttons(DROPPING, chance, frames) for _ in range(2)]
    pads, seen = [], []
    with Emulator(rom) as emulator:
        drive(emulator, StartStates(Cartridge.read(rom)).begin(emulator, scenario, seed=seed))
        start = ram = emulator.read_ram()
        for one, two in zip(*buttons, strict=True):
            if not _is_live(ram):
                break
            emulator.step(bytes((mirrored(one), mirrored(two))))
            ram = emulator.read_ram()
            pads.append((one, two))
            seen.append(bytes(ram[address] for address in WATCHED))
    return Trace(start=start, watched=WATCHED, pads=tuple(pads), seen=tuple(seen))


def _is_live(ram: bytes) -> bool:
    blocks = BLOCKS[: 2 if ram[PLAYERS] == 2 else 1]
    return ram[MODE] == PLAY and all(ram[block + VIRUSES] and not ram[block + LOST] for block in blocks)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 where every lock, clear, fall and spawn agrees, 1 where one differs, 2 where nothing was compared."""
    options = _options(arguments)
    try:
        if options.command == "record":
            return _record(options)
        verdict = replay(read(options.file.read_text(encoding="utf-8")), rom=options.rom)
    except (TraceError, EnvError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{options.file.name}: {error}\n")
        return 2
    sys.stdout.write(f"{verdict}\n")
    return 0 if verdict.first_event is None else 1


def _record(options: argparse.Namespace) -> int:
    scenario = Scenario(mode=options.mode, level=options.level, speed=options.speed)
    made = record(options.rom, scenario, seed=options.seed, frames=options.frames)
    options.file.write_text(text_of(made), encoding="utf-8")
    sys.stdout.write(f"{len(made.pads)} frames\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="models.trace")
    commands = parser.add_subparsers(dest="command", required=True)
    play = commands.add_parser("play", help="hold a recording against a cartridge")
    make = commands.add_parser("record", help="record a round of random drops on a cartridge")
    for command in (play, make):
        command.add_argument("file", type=Path)
        command.add_argument("--rom", type=Path, default=CARTRIDGE, help="an iNES file; the stand-in game without it")
    make.add_argument("--mode", choices=get_args(Mode), default="1p")
    make.add_argument("--level", type=int, default=0)
    make.add_argument("--speed", choices=get_args(Speed), default="med")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--frames", type=int, default=8000, help="at most")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
