"""The dumps of Dr. Mario (NES) that are known, by what is in them (pure).

Owns the table of hashes and the sentence on each. Refuses to guess: what a dump does that is not in the table is for
`env.recognition` to find out. Headers differ from dump to dump, so hashes are of what follows them where such a one is known.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from env.cartridge import Cartridge


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """What a dump is told by, in lower-case hex."""

    #: SHA-1 of PRG-ROM and CHR-ROM: of the file without its header, and without what some dumpers append
    content: str
    #: SHA-1 of PRG-ROM
    program: str
    #: SHA-1 of CHR-ROM
    graphics: str
    #: MD5 of the whole file, header included
    file_md5: str

    @classmethod
    def of(cls, cartridge: Cartridge) -> Self:
        """The hashes of a file."""
        return cls(
            content=_sha1(cartridge.program + cartridge.graphics),
            program=_sha1(cartridge.program),
            graphics=_sha1(cartridge.graphics),
            file_md5=hashlib.md5(cartridge.data, usedforsecurity=False).hexdigest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRom:
    """A released edition."""

    name: str
    #: SHA-1 without header, of PRG-ROM, and MD5s of whole files; None or empty: not published anywhere
    content: str | None = None
    program: str | None = None
    files_md5: frozenset[str] = frozenset()
    #: why it cannot be used here
    refusal: str = ""


PAL: Final = (
    "was made for PAL consoles (50 frames a second): its falling speeds and repeat times differ, so nothing that is "
    "measured on it compares with the original; use the edition of Japan and USA"
)
_FIRST: Final = KnownRom(
    name="Dr. Mario (Japan, USA)",
    content="ff6459bc3af5743e3d303823999f33d74abdf1aa",
    program="6622564abc5ce28f523b0da95054d1ea825f7bd5",
)
_REVISED: Final = KnownRom(
    name="Dr. Mario (Japan, USA) (Rev A)",
    content="59b43881456c0720e9a35e391b11c4b2c55a8f91",
    program="5947734bdebb112564a9aa70513779caa97d0d37",
)
# Only the hash of a file with its header has been published.
_EUROPE: Final = KnownRom(
    name="Dr. Mario (Europe)", files_md5=frozenset({"3f27eda62c6692f96790af9a1d917ef6"}), refusal=PAL
)
KNOWN: Final = (_FIRST, _REVISED, _EUROPE)
#: SHA-1 of the tiles, which the editions of Japan and USA share
GRAPHICS: Final = "bcdc34435bf631422ea2701f00744a3606c6dce8"

_BY_PROGRAM: Final[Mapping[str, KnownRom]] = {rom.program: rom for rom in KNOWN if rom.program}


def known_rom(hashes: Hashes) -> KnownRom | None:
    """The edition that a dump is, whole and unaltered; None where it is none of the table."""
    for rom in KNOWN:
        if hashes.content == rom.content or hashes.file_md5 in rom.files_md5:
            return rom
    return None


def likeness(hashes: Hashes) -> str:
    """What of a dump that is not in the table is known all the same, as the end of a sentence; empty: nothing."""
    if hashes.program in _BY_PROGRAM:
        return f"its program is that of {_BY_PROGRAM[hashes.program].name}, its graphics are others"
    if hashes.graphics == GRAPHICS:
        return "its graphics are those of Dr. Mario, its program is another one, as of a hack"
    return ""


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
