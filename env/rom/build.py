"""Builds the stand-in game's cartridge from its source: tiles and screens drawn as text, 6502 assembly, ca65, ld65.

Deterministic: the same source and tools give the same bytes.  Needs the cc65 package.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ART = HERE / "art"
CARTRIDGE = HERE / "vial-rival.nes"
SCREENS = ("title", "options", "level", "versus")
BLANK_TILE = 0xFE
TILE_SIZE = 8
TABLE_SIZE = 4096
BANKS = range(4)
BACKGROUND, SPRITES = 0, 1
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
        run("ld65", "-C", str(HERE / "cnrom.cfg"), "-o", str(work / "game.nes"), *objects)
        shutil.copyfile(work / "game.nes", output)


def assemble(source: Path, work: Path) -> str:
    """One source file to one object file."""
    target = str(work / f"{source.stem}.o")
    run("ca65", "-I", str(HERE), "-I", str(work), "--bin-include-dir", str(work), "-o", target, str(source))
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
    """Text drawings to the binary files and the tile numbers that the assembly includes."""
    art = Art()
    read_tiles((ART / "tiles.txt").read_text(encoding="ascii"), art)
    for name in ("blocks.txt", "decor.txt", "mascots.txt"):
        read_blocks((ART / name).read_text(encoding="ascii"), art)
    (work / "tiles.chr").write_bytes(bytes(art.tables))
    (work / "drawings.inc").write_text(drawing_numbers(art), encoding="ascii")
    for screen in SCREENS:
        text = (ART / f"{screen}.txt").read_text(encoding="ascii")
        (work / f"{screen}.bin").write_bytes(read_screen(text, art))


@dataclass(slots=True)
class Art:
    """The tiles of all banks, the tile of each screen character, and the rows of tiles of each block.

    A bank is one pose of everything that moves by itself: a table for the background, then one for the sprites.
    """

    tables: bytearray = field(default_factory=lambda: bytearray(len(BANKS) * 2 * TABLE_SIZE))
    characters: dict[str, int] = field(default_factory=lambda: {" ": BLANK_TILE})
    used: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    blocks: dict[str, list[list[int]]] = field(default_factory=dict)
    sprites: set[str] = field(default_factory=set)

    def store(self, number: int, pattern: bytes, *, table: int, poses: Iterable[int]) -> None:
        """Put a tile into one table of some banks."""
        self.used[table].add(number)
        for bank in poses:
            start = (bank * 2 + table) * TABLE_SIZE + number * len(pattern)
            self.tables[start : start + len(pattern)] = pattern

    def reserve(self, count: int, table: int) -> list[int]:
        """Free numbers, one after another for sprites, which the program counts through."""
        free = sorted(set(range(BLANK_TILE)) - self.used[table])
        if table == SPRITES:
            runs = [free[i : i + count] for i in range(len(free) - count + 1)]
            free = next((run for run in runs if run[-1] - run[0] == count - 1), [])
        if len(free) < count:
            message = f"the tiles are full: {count} more do not fit"
            raise BuildError(message)
        return free[:count]


def poses_of(words: list[str]) -> list[int]:
    """`poses=13`: the banks that hold a drawing; all of them where nothing is said."""
    said = [word.removeprefix("poses=") for word in words if word.startswith("poses=")]
    return [int(digit) for digit in said[0]] if said else list(BANKS)


def read_tiles(text: str, art: Art) -> None:
    """The single tiles, whose numbers the source gives: many are field bytes too."""
    lines = iter(text.splitlines())
    for line in lines:
        words = line.split()
        if words[:1] != ["tile"]:
            continue
        number = int(words[1], 16)
        if "char" in words:
            art.characters[words[words.index("char") + 1]] = number
        pattern = pattern_of([next(lines) for _ in range(TILE_SIZE)])
        for table in (BACKGROUND, SPRITES) if "sprite" in words else (BACKGROUND,):
            art.store(number, pattern, table=table, poses=poses_of(words))


def read_blocks(text: str, art: Art) -> None:
    """Larger drawings, cut into tiles whose numbers are whatever is free."""
    for chunk in text.split("\n\n"):
        header, *rows = [line for line in chunk.splitlines() if not line.startswith("#")] or [""]
        words = header.split()
        if words[:1] == ["block"]:
            store_block(art, words[1:], cut(rows))


def store_block(art: Art, words: list[str], cells: list[list[list[str]]]) -> None:
    """One drawing: a new block, or a further pose of a block that has its numbers."""
    name, width = words[0], len(cells[0])
    table = SPRITES if "sprite" in words else BACKGROUND
    if name not in art.blocks:
        numbers = art.reserve(len(cells) * width, table)
        art.blocks[name] = [numbers[start : start + width] for start in range(0, len(numbers), width)]
        if table == SPRITES:
            art.sprites.add(name)
    for tiles, row in zip(art.blocks[name], cells, strict=True):
        for tile, cell in zip(tiles, row, strict=True):
            art.store(tile, pattern_of(cell), table=table, poses=poses_of(words))


def drawing_numbers(art: Art) -> str:
    """The first tile of each sprite drawing, for the assembly."""
    return "".join(f"DRAWING_{name.upper()} = {art.blocks[name][0][0]}\n" for name in sorted(art.sprites))


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
