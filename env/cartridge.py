"""A cartridge file: what its header promises, held against what is there.

Owns the checks that need no emulator. Refuses to know games by name; whether a mapper works is Mednafen's to say.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from env.errors import RomError

_MAGIC = b"NES\x1a"
_HEADER_BYTES = 16
_TRAINER_BYTES = 512
_PRG_UNIT = 16384
_CHR_UNIT = 8192
_NES20_MASK = 0x0C
_NES20 = 0x08
_NES20_EXPONENT = 0x0F
_NES20_TIMING = 12
_TIMING_MASK = 3
_PAL = 1
_SIZE_LIMIT = 1 << 23


class _Sizes(NamedTuple):
    """What a header promises, in bytes."""

    trainer: int
    program: int
    graphics: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cartridge:
    """One whole iNES file."""

    path: Path
    #: The file as it is, header included.
    data: bytes = field(repr=False)
    #: SHA-256 of the file without its 16-byte header: dumps differ in their headers.
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a file.

        Raises:
            RomError: missing, a folder, unreadable, empty, not iNES or shorter than its header promises.
        """
        data = _content(path)
        if not data:
            raise RomError(f"The ROM {path} is empty: give a whole .nes file.")
        if len(data) < _HEADER_BYTES or not data.startswith(_MAGIC):
            raise RomError(f"{path} is not an NES ROM: it does not begin with an iNES header.")
        promised = _HEADER_BYTES + sum(_sizes(data))
        if len(data) < promised:
            raise RomError(f"The ROM {path} is cut off: its header promises {promised} bytes and it has {len(data)}.")
        digest = hashlib.sha256(data[_HEADER_BYTES:]).hexdigest()
        return cls(path=path, data=data, sha256=digest)

    def require(self, sha256: str) -> None:
        """Refuse a file that is not the one that something was planned for.

        Raises:
            RomError: it names both.
        """
        if self.sha256 != sha256:
            raise RomError(
                f"The ROM {self.path} has changed: {self.sha256[:12]}... where {sha256[:12]}... was planned for; restart the "
                "observer, or put the old file back."
            )

    @property
    def program(self) -> bytes:
        """PRG-ROM: the code."""
        sizes = _sizes(self.data)
        return self.data[_HEADER_BYTES + sizes.trainer :][: sizes.program]

    @property
    def graphics(self) -> bytes:
        """CHR-ROM: the tiles; empty where the cartridge draws into RAM."""
        sizes = _sizes(self.data)
        return self.data[_HEADER_BYTES + sizes.trainer + sizes.program :][: sizes.graphics]

    @property
    def is_marked_pal(self) -> bool:
        """Whether its header says that it is for PAL consoles; only NES 2.0 headers say so reliably."""
        return _is_nes20(self.data) and self.data[_NES20_TIMING] & _TIMING_MASK == _PAL


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
    except FileNotFoundError as error:
        raise RomError(f"There is no ROM at {path}: check the path.") from error
    except IsADirectoryError as error:
        raise RomError(f"{path} is a folder: give the .nes file itself.") from error
    except OSError as error:
        raise RomError(f"The ROM {path} cannot be read: {error.strerror}.") from error
    if len(data) > _SIZE_LIMIT:
        raise RomError(f"{path} is not an NES ROM: it is larger than {_SIZE_LIMIT} bytes.")
    return data


def _is_nes20(data: bytes) -> bool:
    return data[7] & _NES20_MASK == _NES20


def _sizes(data: bytes) -> _Sizes:
    prg, chr_units = data[4], data[5]
    if _is_nes20(data) and _NES20_EXPONENT not in (data[9] & 0x0F, data[9] >> 4):
        prg |= (data[9] & 0x0F) << 8
        chr_units |= (data[9] >> 4) << 8
    trainer = _TRAINER_BYTES if data[6] & 4 else 0
    return _Sizes(trainer, prg * _PRG_UNIT, chr_units * _CHR_UNIT)
