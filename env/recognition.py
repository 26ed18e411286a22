"""Which game a cartridge is: by its hash where it is known, else by what it does.

Owns the checks that an unknown cartridge has to pass before anything is played on it, and the words for what it fails.
Refuses to fix anything: a cartridge is used as it is, or not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from env.actions import ControlLost
from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import BootError, RomError
from env.game import (
    CAPSULE,
    COLUMN,
    COLUMNS,
    FIELD,
    ROWS,
    VIRUS,
    VIRUSES_LEFT,
    decimal,
)
from env.known_roms import PAL, Hashes, known_rom, likeness
from env.menus import choose
from env.options import Scenario
from env.play import drive
from env.stand_in import stand_in_rom
from env.wire import Pad

#: 128 capsules to come, as numbers below nine: pairs of three colours.
QUEUE: Final = slice(0x0780, 0x0800)

_CAPSULES: Final = 9
_COLOURS: Final = 3
_KIND: Final = 0xF0
_LEFT: Final = bytes((Pad.LEFT, 0)) + bytes(2 * 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """A cartridge that can be used, and what it was recognised as."""

    #: of the file without its header
    sha256: str
    #: for people
    name: str
    #: one sentence on what was not recognised; empty where all was
    warning: str = ""


def recognise(cartridge: Cartridge) -> Recognition:
    """Say which game a cartridge is; one that is not known by its hash is played for a moment (a second or two).

    Raises:
        RomError: it is another game, or an edition that cannot be used, or Mednafen does not run it; the sentence says
            which check failed.
        EmulatorError: the emulator is missing or failed.
    """
    stand_in = Cartridge.read(stand_in_rom())
    if cartridge.sha256 == stand_in.sha256:
        return Recognition(sha256=cartridge.sha256, name=f"{_title(stand_in)}, the stand-in game of this package")
    hashes = Hashes.of(cartridge)
    known = known_rom(hashes)
    refusal = known.refusal if known else PAL if cartridge.is_marked_pal else ""
    if refusal:
        raise RomError(f"{cartridge.path} ({known.name if known else 'not a known dump'}) {refusal}.")
    if known is not None:
        return Recognition(sha256=cartridge.sha256, name=known.name)
    return _by_behaviour(cartridge, hashes)


def _title(cartridge: Cartridge) -> str:
    return cartridge.path.stem.replace("-", " ").title()


def _by_behaviour(cartridge: Cartridge, hashes: Hashes) -> Recognition:
    _check_game(cartridge)
    mode = " and a VS-CPU mode" if _offers_vs_cpu(cartridge) else ""
    alike = f" ({words})" if (words := likeness(hashes)) else ""
    warning = (
        f"{cartridge.path} is not recognised: no known dump has its hash, SHA-1 {hashes.content}{alike}. Its menus and "
        "its game behave like Dr. Mario's, so it is used; compare its results with its own only."
    )
    return Recognition(
        sha256=cartridge.sha256, name=f"an unknown ROM with the game of Dr. Mario{mode}", warning=warning
    )


def _check_game(cartridge: Cartridge) -> None:
    """Begin a game, move its first capsule, and hold RAM against what Dr. Mario keeps there."""
    starts = StartStates(cartridge)
    with Emulator(cartridge.path) as emulator:
        try:
            drive(emulator, starts.begin(emulator, Scenario(), seed=0))
        except (BootError, ControlLost) as error:
            raise RomError(f"{cartridge.path} is not Dr. Mario: {error}") from error
        before = emulator.read_ram()
        emulator.step(_LEFT)
        after = emulator.read_ram()
    if otherwise := difference(before, after):
        raise RomError(f"{cartridge.path} has menus like those of Dr. Mario, but {otherwise}: it is another game.")


def difference(before: bytes, after: bytes) -> str:
    """In what a game's RAM is not that of Dr. Mario, as half a sentence; empty: in nothing that was looked at.

    Args:
        before: RAM at the first frame in which the capsule can be steered.
        after: RAM after a frame of Left.
    """
    return next((otherwise for holds, otherwise in _CHECKS if not holds(before, after)), "")


def _offers_vs_cpu(cartridge: Cartridge) -> bool:
    """Whether Select on the title goes on from two players to a game against the machine, as in the known hacks."""
    with Emulator(cartridge.path) as emulator:
        try:
            drive(emulator, choose(Scenario(mode="vs_cpu")))
        except BootError:
            return False
    return True


def _queue_holds_capsules(ram: bytes, _: bytes) -> bool:
    return max(ram[QUEUE]) < _CAPSULES


def _field_holds_its_viruses(ram: bytes, _: bytes) -> bool:
    cells = ram[FIELD : FIELD + ROWS * COLUMNS]
    viruses = [cell for cell in cells if cell & _KIND == VIRUS]
    return bool(viruses) and len(viruses) == decimal(ram[VIRUSES_LEFT])


def _capsule_has_colours(ram: bytes, _: bytes) -> bool:
    return max(ram[CAPSULE : CAPSULE + 2]) < _COLOURS


def _left_moves_it(ram: bytes, later: bytes) -> bool:
    return later[COLUMN] == ram[COLUMN] - 1


_Check = Callable[[bytes, bytes], bool]
#: (whether it holds at a game's first frame of control and after a Left, what is wrong otherwise)
_CHECKS: Final[tuple[tuple[_Check, str], ...]] = (
    (_queue_holds_capsules, "the 128 bytes at $0780 are not the capsules to come"),
    (_field_holds_its_viruses, "the field at $0400 does not hold the viruses that $0324 counts"),
    (_capsule_has_colours, "$0301 and $0302 are not the colours of a falling capsule"),
    (_left_moves_it, "Left does not move the capsule, whose column would be at $0305"),
)
