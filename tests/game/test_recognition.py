"""Which game a cartridge is. Real dumps are not here; the stand-in game with other bytes is an unknown one that is sound."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from env.cartridge import Cartridge
from env.errors import RomError
from env.game import CAPSULE, COLUMN, FIELD, VIRUSES_LEFT
from env.recognition import QUEUE, difference, recognise
from env.stand_in import stand_in_rom

OTHER_GAME = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
BuildRam = Callable[..., bytes]
LEFT = {COLUMN: 2}


def variant(folder: Path, edit: Callable[[bytearray], None]) -> Cartridge:
    data = bytearray(stand_in_rom().read_bytes())
    edit(data)
    path = folder / "mine.nes"
    path.write_bytes(data)
    return Cartridge.read(path)


def other_tile(data: bytearray) -> None:
    data[-1] ^= 0xFF


def refusal(cartridge: Cartridge) -> str:
    with pytest.raises(RomError) as caught:
        recognise(cartridge)
    assert str(cartridge.path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_stand_in_is_known_by_its_name_whatever_its_header(tmp_path: Path) -> None:
    def other_header(data: bytearray) -> None:
        data[8:16] = b"12345678"

    known = recognise(variant(tmp_path, other_header))
    assert known.name.startswith("Vial Rival")
    assert not known.warning


def test_an_unknown_rom_that_plays_like_it_is_used_with_a_warning(tmp_path: Path) -> None:
    cartridge = variant(tmp_path, other_tile)
    found = recognise(cartridge)
    assert found.sha256 == cartridge.sha256
    assert found.name == "an unknown ROM with the game of Dr. Mario and a VS-CPU mode"
    assert str(cartridge.path) in found.warning
    assert "SHA-1" in found.warning


def test_another_game_is_refused_with_what_it_did_not_do() -> None:
    assert "is not Dr. Mario: " in refusal(Cartridge.read(OTHER_GAME))


def test_a_game_that_crashes_is_refused(tmp_path: Path) -> None:
    def crash(data: bytearray) -> None:
        data[16 : 16 + 32_768 - 6] = b"\x02" * (32_768 - 6)

    assert "is not Dr. Mario: " in refusal(variant(tmp_path, crash))


def test_a_mapper_that_mednafen_lacks_is_refused_in_its_words(tmp_path: Path) -> None:
    def odd_mapper(data: bytearray) -> None:
        other_tile(data)
        data[6:8] = b"\xf0\xf0"

    assert refusal(variant(tmp_path, odd_mapper)).endswith("iNES mapper 255 is not supported!")


def test_a_header_that_says_pal_is_refused_with_the_reason(tmp_path: Path) -> None:
    def pal(data: bytearray) -> None:
        other_tile(data)
        data[7] = data[7] & 0xF3 | 8
        data[8:16] = bytes((0, 0, 0, 0, 1, 0, 0, 0))

    assert "falling speeds" in refusal(variant(tmp_path, pal))


def sound(build_ram: BuildRam, changes: Mapping[int, int] | None = None) -> bytes:
    field = {(9, column): 0xD0 + column % 3 for column in range(4)}
    return build_ram({COLUMN: 3, **(changes or {})}, field=field)


def test_the_ram_of_the_game_itself_differs_in_nothing(build_ram: BuildRam) -> None:
    assert not difference(sound(build_ram), sound(build_ram, LEFT))


@pytest.mark.parametrize(
    ("changes", "later", "words"),
    [
        ({QUEUE.start + 5: 9}, LEFT, r"\$0780"),
        ({VIRUSES_LEFT: 8}, LEFT, r"\$0324"),
        ({FIELD + 10: 0xD1}, LEFT, r"\$0400"),
        ({CAPSULE: 3}, LEFT, r"\$0301"),
        ({}, {}, "Left"),
    ],
    ids=["queue", "count", "field", "colours", "left"],
)
def test_what_differs_is_said_in_words(
    build_ram: BuildRam, changes: dict[int, int], later: dict[int, int], words: str
) -> None:
    assert re.search(words, difference(sound(build_ram, changes), sound(build_ram, {**changes, **later})))
