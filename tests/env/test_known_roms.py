"""The table of dumps. No dump is here to try it on, so it is held against itself and against files of our own."""

import hashlib
import zlib
from pathlib import Path

import pytest

from env.cartridge import Cartridge
from env.known_roms import GRAPHICS, KNOWN, Hashes, known_rom, likeness

OTHER = "0" * 40
FIRST, REVISED, EUROPE = KNOWN
#: CRC-32, as published beside the SHA-1 sums of the table: PRG-ROM, and the file without its header
PUBLISHED = {FIRST.name: (0xCB02A930, 0x198C2F41), REVISED.name: (0x4D72A3E4, 0xDE581355)}
GRAPHICS_CRC, GRAPHICS_BYTES = 0x064D4AB3, 32_768


def joined(first: int, second: int, second_bytes: int) -> int:
    """CRC-32 of two pieces one after the other, from those of each."""
    nothing = bytes(second_bytes)
    return zlib.crc32(nothing, first) ^ zlib.crc32(nothing) ^ second


def hashes(*, content: str = OTHER, program: str = OTHER, graphics: str = OTHER, file_md5: str = "") -> Hashes:
    return Hashes(content=content, program=program, graphics=graphics, file_md5=file_md5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_sums_are_those_of_one_program_with_the_shared_graphics(name: str) -> None:
    program, content = PUBLISHED[name]
    assert joined(program, GRAPHICS_CRC, GRAPHICS_BYTES) == content


def test_an_edition_is_known_by_what_follows_its_header() -> None:
    for edition in (FIRST, REVISED):
        assert edition.content
        assert known_rom(hashes(content=edition.content)) is edition


def test_the_european_edition_is_known_and_refused() -> None:
    (md5,) = EUROPE.files_md5
    found = known_rom(hashes(file_md5=md5))
    assert found is EUROPE
    assert "PAL" in found.refusal
    assert not FIRST.refusal


def test_what_is_not_in_the_table_is_not_known() -> None:
    assert known_rom(hashes()) is None
    assert not likeness(hashes())


def test_a_hack_is_told_by_what_it_left_alone() -> None:
    assert "hack" in likeness(hashes(graphics=GRAPHICS))
    assert FIRST.name in likeness(hashes(program=FIRST.program or ""))


@pytest.mark.parametrize("trainer", [b"", bytes(512)], ids=["plain", "trainer"])
def test_header_trainer_and_appended_bytes_do_not_change_what_a_dump_is(tmp_path: Path, trainer: bytes) -> None:
    program, graphics = bytes([1]) * 32_768, bytes([2]) * 8_192
    path = tmp_path / "dump.nes"
    path.write_bytes(
        b"NES\x1a\2\1" + bytes([4 if trainer else 0, 0]) + b"DiskDude" + trainer + program + graphics + b"more"
    )
    made = Hashes.of(Cartridge.read(path))
    assert (made.content, made.program, made.graphics) == tuple(
        hashlib.sha1(part, usedforsecurity=False).hexdigest() for part in (program + graphics, program, graphics)
    )
    assert made.file_md5 == hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
