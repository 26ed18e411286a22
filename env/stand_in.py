"""Where the stand-in game lies that comes with this package. Knows its folder, not what is in the file."""

from pathlib import Path
from typing import Final

from env.errors import RomError

FOLDER: Final = Path(__file__).parent / "rom"


def stand_in_rom() -> Path:
    """The path of the stand-in game.

    Raises:
        RomError: the package was installed without it.
    """
    found = sorted(FOLDER.glob("*.nes"))
    if not found:
        raise RomError(f"The stand-in game is missing from {FOLDER}: install the package again.")
    return found[0]


def golden_games() -> list[Path]:
    """Replays of games that were won on it, recorded when it was built: they come out the same on every machine."""
    return sorted((FOLDER / "games").glob("*.replay"))
