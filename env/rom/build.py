"""Builds the stand-in game's cartridge from its source: tiles and screens drawn as text, 6502 assembly, ca65, ld65.

Deterministic: the same source and tools give the same bytes.  Needs the cc65 package.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ART = HERE / "art"
CARTRIDGE = HERE / "vial-rival.nes"
SCREENS = ("title", "options", "level")
BLANK_TILE = 0xFE
TILE_ROWS = 8
ROWS, COLUMNS = 30, 32


class BuildError(Exception):
    """The cartridge cannot be built; the text says what to do."""


def main() -> int:
    """Build to `--output` (the committed cartridge by default); one line on failure."""
    parser = argparse.ArgumentParser(description="Build the stand-in game's cartridge.")
    parser.add_argument("--output", type=Path, default=CARTRIDGE)
    try:
        build(parser.parse_args().output)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(output: Path) -> None:
    """Write the cartridge to `output`."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_art(work)
        objects = [assemble(source, work) for source in sorted(HERE.glob("*.s"))]
        run("ld65", "-C", str(HERE / "nrom.cfg"), "-o", str(work / "game.nes"), *objects)
        shutil.copyfile(work / "game.nes", output)


def assemble(source: Path, work: Path) -> str:
    """One source file to one object file."""
    target = str(work / f"{source.stem}.o")
    run("ca65", "-I", str(HERE), "--bin-include-dir", str(work), "-o", target, str(source))
    return target


def run(*command: str) -> None:
    """Call one of cc65's tools."""
    if shutil.which(command[0]) is None:
        message = f"{command[0]} is not installed: apt-get install cc65"
        raise BuildError(message)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{command[0]} failed: {done.stderr.strip()}"
        raise BuildError(message)


def write_art(work: Path) -> None:
    """Text drawings to the binary files that the assembly includes."""
    tables, characters = read_tiles((ART / "tiles.txt").read_text(encoding="ascii"))
    (work / "tiles.chr").write_bytes(tables)
    for screen in SCREENS:
        text = (ART / f"{screen}.txt").read_text(encoding="ascii")
        (work / f"{screen}.bin").write_bytes(read_screen(text, characters))


def read_tiles(text: str) -> tuple[bytes, dict[str, int]]:
    """Both pattern tables (8,192 bytes) and the tile number of each screen character."""
    tables = bytearray(2 * 4096)
    characters = {" ": BLANK_TILE}
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith("tile "):
            continue
        words = line.split()
        number = int(words[1], 16)
        if "char" in words:
            characters[words[words.index("char") + 1]] = number
        pattern = read_pattern(lines)
        for table in (1,) if "alt" in words else (0, 1):
            start = table * 4096 + number * 16
            tables[start : start + 16] = pattern
    return bytes(tables), characters


def read_pattern(lines: Iterator[str]) -> bytes:
    """Eight rows of pixels to the two bit planes of a tile."""
    rows = [next(lines).replace(".", "0") for _ in range(TILE_ROWS)]
    planes = [[sum((int(pixel) >> plane & 1) << 7 - x for x, pixel in enumerate(row)) for row in rows] for plane in (0, 1)]
    return bytes(planes[0] + planes[1])


def read_screen(text: str, characters: dict[str, int]) -> bytes:
    """30 rows of characters, then 15 rows of palette digits, to a name table of 1,024 bytes."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    picture = [line.ljust(COLUMNS) for line in lines[:ROWS]]
    names = bytes(characters[character] for line in picture for character in line)
    palettes = [line.ljust(COLUMNS // 2, "0") for line in [*lines[ROWS:], "0" * 16]]
    attributes = bytes(
        int(palettes[y][x])
        | int(palettes[y][x + 1]) << 2
        | int(palettes[y + 1][x]) << 4
        | int(palettes[y + 1][x + 1]) << 6
        for y in range(0, 16, 2)
        for x in range(0, 16, 2)
    )
    if len(names) != ROWS * COLUMNS or len(attributes) != 64:
        message = "a screen needs 30 rows of 32 characters and 15 rows of 16 palette digits"
        raise BuildError(message)
    return names + attributes


if __name__ == "__main__":
    sys.exit(main())
