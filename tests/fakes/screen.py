"""A display without a monitor: Xvfb, whose pixels can be read from a file."""

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

#: Of the X window dump that Xvfb keeps: its own size, and where width, height, bytes a row and colours stand in it.
_HEADER = struct.Struct(">25I")
_SIZE, _WIDTH, _HEIGHT, _ROW_BYTES, _COLOURS = 0, 4, 5, 12, 19
_COLOUR_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    #: such as `:1`
    display: str
    file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display}

    def pixels(self) -> npt.NDArray[np.uint8]:
        """(height, width, 3), blue, green, red, of now."""
        data = self.file.read_bytes()
        header = _HEADER.unpack_from(data)
        start = header[_SIZE] + header[_COLOURS] * _COLOUR_BYTES
        row, height = header[_ROW_BYTES], header[_HEIGHT]
        rows = np.frombuffer(data, np.uint8, row * height, start).reshape(height, row // 4, 4)
        return rows[:, : header[_WIDTH], :3]


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """A display of 1024 by 768, until the end of the block."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1024x768x24", "-fbdir", str(folder)]
    server = subprocess.Popen([*command, "-nolisten", "tcp"], pass_fds=(writer,), stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            number = told.readline().strip()
        yield Screen(display=f":{number}", file=folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(60)
