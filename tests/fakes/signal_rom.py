"""A cartridge that shows when: a colour for every frame, and white with a tone as long as A is held.

Assembled by hand, so that tests of pictures and sound need no game and no assembler.
"""

from pathlib import Path
from typing import Final

from env.wire import Pad

_RESET: Final = bytes.fromhex(
    "78 d8 a2 ff 9a"  # SEI, CLD, the stack
    "a9 00 8d 00 20 8d 01 20 8d 15 40"  # no NMI, no rendering, no sound
    "2c 02 20 10 fb 2c 02 20 10 fb"  # the PPU is ready at its second vertical blank
    "a9 bf 8d 00 40 a9 08 8d 01 40"  # pulse 1: square, loudest, no sweep
    "a9 80 8d 00 20"  # NMI on
    "4c 29 c0"  # for ever
)
_FRAME: Final = bytes.fromhex(
    "e6 00"  # count the frame
    "a9 01 8d 16 40 a9 00 8d 16 40"  # latch the pads
    "ae 02 20 a2 3f 8e 06 20 a2 00 8e 06 20"  # address the background colour
    "ad 16 40 29 01 d0 0f"  # is A held?
    "8d 15 40"  # no: silence
    "a5 00 29 0f 09 10 8d 07 20 4c 95 c0"  # and a colour of the count
    "a9 01 8d 15 40 a9 7f 8d 02 40 a9 08 8d 03 40"  # yes: a tone of 874 Hz
    "a9 30 8d 07 20"  # and white
    "a9 00 8d 06 20 8d 06 20 40"  # leave the palette alone, done
)
_FRAME_AT: Final = 0x50
#: Where `_FRAME` jumps to: its last nine bytes.
_DONE_AT: Final = _FRAME_AT + len(_FRAME) - 9


def rom_bytes() -> bytes:
    """The whole iNES file: mapper 0, 16 KiB of program, 8 KiB of tiles that nothing shows."""
    program = bytearray(16384)
    program[: len(_RESET)] = _RESET
    program[_FRAME_AT : _FRAME_AT + len(_FRAME)] = _FRAME.replace(b"\x4c\x95\xc0", bytes((0x4C, _DONE_AT, 0xC0)))
    program[-6:] = bytes((_FRAME_AT, 0xC0, 0x00, 0xC0, 0x29, 0xC0))
    return b"NES\x1a" + bytes((1, 1)) + bytes(10) + bytes(program) + bytes(8192)


def write_rom(path: Path, *, edition: int = 0) -> Path:
    """Write it; another edition is another cartridge that plays the same."""
    data = bytearray(rom_bytes())
    data[-1] = edition
    path.write_bytes(data)
    return path


def inputs(frames: int, *, tones: tuple[range, ...] = ()) -> bytes:
    """Pads for so many frames, with A held during `tones`."""
    return b"".join(bytes((Pad.A if any(frame in tone for tone in tones) else 0, 0)) for frame in range(frames))
