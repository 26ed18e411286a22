"""Builds the stand-in game's cartridge from its source: tiles and screens drawn as text, 6502 assembly, ca65, ld65.

Deterministic: the same source and tools give the same bytes.  Needs the cc65 package.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ART = HERE / "art"
CARTRIDGE = HERE / "vial-rival.nes"
SCREENS = ("title", "options", "level", "versus")
BLANK_TILE = 0xFE
TILE_SIZE = 8
TABLE_SIZE = 4096
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
    art = read_tiles((ART / "tiles.txt").read_text(encoding="ascii"))
    read_blocks((ART / "blocks.txt").read_text(encoding="ascii"), art)
    (work / "tiles.chr").write_bytes(bytes(art.tables))
    for screen in SCREENS:
        text = (ART / f"{screen}.txt").read_text(encoding="ascii")
        (work / f"{screen}.bin").write_bytes(read_screen(text, art))


@dataclass(slots=True)
class Art:
    """Both pattern tables, the tile of each screen character, and the rows of tiles of each block."""

    tables: bytearray
    characters: dict[str, int]
    used: set[int]
    blocks: dict[str, list[list[int]]]

    def store(self, number: int, pattern: bytes, *, tables: tuple[int, ...] = (0, 1)) -> None:
        """Put a tile into one or both tables."""
        self.used.add(number)
        for table in tables:
            start = table * TABLE_SIZE + number * len(pattern)
            self.tables[start : start + len(pattern)] = pattern


def read_tiles(text: str) -> Art:
    """The single tiles, whose numbers the source gives: many are field bytes too."""
    art = Art(bytearray(2 * TABLE_SIZE), {" ": BLANK_TILE}, set(), {})
    lines = iter(text.splitlines())
    for line in lines:
        words = line.split()
        if words[:1] != ["tile"]:
            continue
        number = int(words[1], 16)
        if "char" in words:
            art.characters[words[words.index("char") + 1]] = number
        rows = [next(lines) for _ in range(TILE_SIZE)]
        art.store(number, pattern_of(rows), tables=(1,) if "alt" in words else (0, 1))
    return art


def read_blocks(text: str, art: Art) -> None:
    """Larger drawings, cut into tiles; their numbers are whatever is free."""
    free = iter(sorted(set(range(256)) - art.used))
    for chunk in text.split("\n\n"):
        header, *rows = [line for line in chunk.splitlines() if not line.startswith("#")] or [""]
        match header.split():
            case ["block", name]:
                art.blocks[name] = [[next(free) for _ in cells] for cells in cut(rows)]
                store_block(art, name, rows, tables=(0, 1))
            case ["block", name, "alt"]:
                store_block(art, name, rows, tables=(1,))


def store_block(art: Art, name: str, rows: list[str], *, tables: tuple[int, ...]) -> None:
    """One pose of a block into the numbers it has been given."""
    for numbers, cells in zip(art.blocks[name], cut(rows), strict=True):
        for number, cell in zip(numbers, cells, strict=True):
            art.store(number, pattern_of(cell), tables=tables)


def cut(rows: list[str]) -> list[list[list[str]]]:
    """A drawing's rows of pixels to rows of tiles of rows of pixels."""
    return [
        [[row[x : x + TILE_SIZE] for row in rows[y : y + TILE_SIZE]] for x in range(0, len(rows[0]), TILE_SIZE)]
        for y in range(0, len(rows), TILE_SIZE)
    ]


def pattern_of(rows: list[str]) -> bytes:
    """Eight rows of eight pixels to the two bit planes of a tile."""
    pixels = [[int(pixel.replace(".", "0")) for pixel in row] for row in rows]
    return bytes(
        sum((pixel >> plane & 1) << 7 - x for x, pixel in enumerate(row)) for plane in (0, 1) for row in pixels
    )


def read_screen(text: str, art: Art) -> bytes:
    """30 rows of characters, 15 rows of palette digits and the placed blocks to a name table of 1,024 bytes."""
    lines = text.splitlines()
    names = [[art.characters[character] for character in line.ljust(COLUMNS)] for line in lines[:ROWS]]
    for line in lines[ROWS + ROWS // 2 :]:
        _, row, column, name = line.split()
        place(names, art.blocks[name], int(row), column=int(column))
    return bytes(tile for row in names for tile in row) + attributes_of(lines[ROWS : ROWS + ROWS // 2])


def place(names: list[list[int]], block: list[list[int]], row: int, *, column: int) -> None:
    """Put a block's tiles on a screen."""
    for y, numbers in enumerate(block):
        names[row + y][column : column + len(numbers)] = numbers


def attributes_of(palettes: list[str]) -> bytes:
    """One palette digit per 16 x 16 pixels to the attribute table's 64 bytes of four."""
    rows = [[int(digit) for digit in line] for line in palettes] + [[0] * (COLUMNS // 2)]
    return bytes(
        rows[y][x] | rows[y][x + 1] << 2 | rows[y + 1][x] << 4 | rows[y + 1][x + 1] << 6
        for y in range(0, len(rows), 2)
        for x in range(0, COLUMNS // 2, 2)
    )


if __name__ == "__main__":
    sys.exit(main())
