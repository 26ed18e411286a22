"""Set-ups on which nothing can be measured, made of real parts: a Mednafen that exchanges bytes, a ROM that knows no seeds."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from env.stand_in import FOLDER, stand_in_rom

#: of each of the nine capsules, the colour of its first half
FIRST_COLOURS: Final = bytes((0, 0, 0, 1, 1, 1, 2, 2, 2))

WRAPPER: Final = """#!/bin/sh
count=$(cat {count} 2>/dev/null || echo 0)
for game; do :; done
case "$game" in *.nes)
    echo $((count + 1)) > {count}
    colour=$(( {when} ))
    for half in 1 2 3 4 5 6 7 8 9; do printf "\\\\$colour"; done |
        dd of="$game" bs=9 iflag=fullblock oflag=seek_bytes seek={offset} conv=notrunc 2>/dev/null
esac
exec /usr/games/mednafen "$@"
"""


def moody_mednafen(folder: Path, *, is_steady: bool = False) -> Path:
    """A folder for PATH with a Mednafen whose capsules all begin with one colour: every time another, or always the same."""
    offset = stand_in_rom().read_bytes().index(FIRST_COLOURS)
    text = WRAPPER.format(count=folder / "starts", offset=offset, when="2" if is_steady else "count % 3")
    program = folder / "mednafen"
    program.write_text(text, encoding="ascii")
    program.chmod(0o755)
    return folder


def seedless_rom(folder: Path) -> Path:
    """A cartridge that deals the same game whatever its generator was set to."""
    source = folder / "rom"
    shutil.copytree(FOLDER, source)
    seeding = source / "seeding.s"
    text = seeding.read_text(encoding="utf-8")
    begin = ".proc fill_queue\n"
    assert text.count(begin) == 1
    seeding.write_text(text.replace(begin, f"{begin}  lda #$12\n  sta rng_a\n  sta rng_b\n"), encoding="utf-8")
    rom = folder / "seedless.nes"
    subprocess.run([sys.executable, str(source / "build.py"), "--output", str(rom)], check=True)
    return rom
