import hashlib
from pathlib import Path

import pytest

from env.cartridge import Cartridge
from env.errors import RomError

_HEADER = b"NES\x1a\1\1\0\0" + bytes(8)


def test_a_cartridge_is_named_by_what_follows_its_header(echo_rom: Path, tmp_path: Path) -> None:
    data = echo_rom.read_bytes()
    other_header = tmp_path / "other header.nes"
    other_header.write_bytes(data[:8] + b"12345678" + data[16:])
    cartridge = Cartridge.read(echo_rom)
    assert cartridge.sha256 == hashlib.sha256(data[16:]).hexdigest() == Cartridge.read(other_header).sha256
    assert cartridge.data == data


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"NES", "not an NES ROM"),
        (b"PK\3\4" + bytes(40_000), "not an NES ROM"),
        (_HEADER + bytes(24_575), "promises 24592 bytes and it has 24591"),
        (b"NES\x1a\1\1\4\0" + bytes(8 + 24_576), "promises 25104"),
        (b"NES\x1a\1\1\0\x08\0\1" + bytes(6 + 24_576), "promises 4218896"),
        (_HEADER + bytes(1 << 23), "larger than"),
    ],
    ids=["empty", "short", "zip", "cut off", "no trainer", "large", "huge"],
)
def test_what_is_no_whole_cartridge_is_refused_by_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "game.nes"
    path.write_bytes(content)
    with pytest.raises(RomError, match=sentence) as caught:
        Cartridge.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RomError, match="There is no ROM at"):
        Cartridge.read(tmp_path / "none.nes")
    with pytest.raises(RomError, match="is a folder"):
        Cartridge.read(tmp_path)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    loop = tmp_path / "loop.nes"
    loop.symlink_to(loop)
    with pytest.raises(RomError, match="cannot be read: Too many levels"):
        Cartridge.read(loop)
