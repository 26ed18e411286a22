"""The memory of a running emulator, read only, and where its work RAM and its two frame buffers lie in it.

Owns /proc/PID/mem and the searches. Refuses writing; whoever searches puts the machine back where it was.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from env import savestate
from env.savestate import RAM_BYTES

_WINDOW_BYTES = 1 << 24
#: The visible picture of an NTSC machine inside the surface: x, y, width, height.
_RECT = (0, 8, 256, 224)
_SURFACE = (256, 240, 256)
_PIXEL_BYTES = 4
_ENTRY_BYTES = 40
#: Bytes of the visible picture.
PICTURE_BYTES = _RECT[2] * _RECT[3] * _PIXEL_BYTES
_SURFACE_BYTES = 48
#: Where Debian 12's build of 1.29.0 keeps the RAM; only ever a hint.
_RAM_HINT = 0x1A74A20
_SETTLING_PADS = bytes(2 * 60)
_ONE_FRAME_PADS = bytes(2)
_RAM_ROUNDS = 8
_RAM_CANDIDATES = 4096
#: A RAM with fewer different bytes is not told from other memory by its contents.
_DISTINCT_BYTES = 8

_Build = tuple[int, int, int]
#: Where the builds that this process has seen keep their RAM: the second emulator need not search.
_ram_addresses: dict[_Build, int] = {}


class Machine(Protocol):
    """What a search needs of the emulator."""

    def step(self, pads: bytes) -> None:
        """Emulate frames."""

    def save_state(self) -> bytes:
        """The whole machine."""


class Mapping(NamedTuple):
    """A writable range of addresses."""

    start: int
    stop: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBuffers:
    """Mednafen's double buffer: where the visible pixels of each half begin."""

    #: 224 rows of 256 pixels each: B, G, R, unused.
    pixels: tuple[int, int]


class ProcessMemory:
    """Reads another process. Allowed for one's own children."""

    def __init__(self, pid: int) -> None:
        """`pid` must be a child of this process."""
        self._pid = pid
        self._file = -1

    def open(self) -> None:
        """Open it.

        Raises:
            OSError: the kernel or a confinement does not allow it.
        """
        self._file = os.open(f"/proc/{self._pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close it; twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes, fewer or none where there are no pages or no process any more."""
        try:
            return os.pread(self._file, size, address)
        except OSError:
            return b""

    def build(self) -> _Build:
        """What tells this program from another one."""
        status = Path(f"/proc/{self._pid}/exe").stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def search(self, pattern: bytes, *, limit: int) -> list[int]:
        """Addresses of `pattern` in writable memory, at most `limit`."""
        found: list[int] = []
        for area in self._mappings():
            for address in self._search_area(area, pattern):
                found.append(address)
                if len(found) == limit:
                    return found
        return found

    def frame_buffers(self) -> FrameBuffers | None:
        """The two surfaces behind `SoftFB`, found by their shape; None until both have been drawn once.

        Each entry is {surface*, x, y, width, height, line widths*, field = -1}; the surface holds pixels* at 16 and
        width, height, pitch at 36.
        """
        pattern = struct.pack("<4i", *_RECT)
        mappings = list(self._mappings())
        program = os.path.realpath(f"/proc/{self._pid}/exe")
        end = max((area.stop for area in mappings if area.path == program), default=0)
        for area in mappings:
            if area.path != program and area.start != end:
                continue
            for address in self._search_area(area, pattern):
                found = self._buffers_at(address - 8, mappings)
                if found is not None:
                    return found
        return None

    def _buffers_at(self, address: int, mappings: Sequence[Mapping]) -> FrameBuffers | None:
        first = self._surface_at(address, mappings)
        second = self._surface_at(address + _ENTRY_BYTES, mappings)
        return None if first is None or second is None else FrameBuffers(pixels=(first, second))

    def _surface_at(self, address: int, mappings: Sequence[Mapping]) -> int | None:
        entry = self.read(address, _ENTRY_BYTES)
        if len(entry) != _ENTRY_BYTES or struct.unpack_from("<4i", entry, 8) != _RECT:
            return None
        surface = self.read(struct.unpack_from("<Q", entry)[0], _SURFACE_BYTES)
        if len(surface) != _SURFACE_BYTES or struct.unpack_from("<3i", surface, 36) != _SURFACE:
            return None
        pixels = int(struct.unpack_from("<Q", surface, 16)[0])
        visible = pixels + (_RECT[1] * _SURFACE[2] + _RECT[0]) * _PIXEL_BYTES
        inside = any(a.start <= pixels and visible + PICTURE_BYTES <= a.stop for a in mappings)
        return visible if inside else None

    def _search_area(self, area: Mapping, pattern: bytes) -> Iterator[int]:
        for start in range(area.start, area.stop, _WINDOW_BYTES):
            size = min(area.stop - start, _WINDOW_BYTES + len(pattern) - 1)
            window = self.read(start, size)
            place = window.find(pattern)
            while place >= 0:
                yield start + place
                place = window.find(pattern, place + 1)

    def _mappings(self) -> Iterator[Mapping]:
        for line in Path(f"/proc/{self._pid}/maps").read_text().splitlines():
            bounds, permissions, _, _, _, *name = line.split(maxsplit=5)
            path = "".join(name)
            if permissions.startswith("rw") and not path.startswith(("[v", "/dev")):
                start, stop = (int(bound, 16) for bound in bounds.split("-"))
                yield Mapping(start, stop, path)


def known_ram(memory: ProcessMemory, state: bytes) -> int | None:
    """The address of work RAM when this build's is known, held against the machine's own `state`."""
    ram = savestate.ram(state)
    known = _ram_addresses.get(memory.build())
    if known is None and len(set(ram)) >= _DISTINCT_BYTES:
        known = _RAM_HINT
    return known if known is not None and memory.read(known, RAM_BYTES) == ram else None


def find_ram(memory: ProcessMemory, machine: Machine) -> int | None:
    """Search for the address of work RAM while stepping the machine; None where it stays ambiguous."""
    machine.step(_SETTLING_PADS)
    ram = savestate.ram(machine.save_state())
    hinted = memory.read(_RAM_HINT, RAM_BYTES) == ram
    places = [_RAM_HINT] if hinted else memory.search(ram, limit=_RAM_CANDIDATES)
    for _ in range(_RAM_ROUNDS):
        machine.step(_ONE_FRAME_PADS)
        # Read before the state is asked for: writing it leaves copies of the RAM on the heap.
        seen = {place: memory.read(place, RAM_BYTES) for place in places}
        ram = savestate.ram(machine.save_state())
        places = [place for place in places if seen[place] == ram]
    if len(places) != 1:
        return None
    _ram_addresses[memory.build()] = places[0]
    return places[0]
