"""Dr. Mario's RAM as values: what is on the field, what falls, how the round stands.

Pure; takes the 2,048 bytes of CPU RAM as they are between two frames. Addresses and meanings are those of the
NES cartridge, which the stand-in game keeps; the player is always player 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from typing import Final

ROWS: Final = 16
COLUMNS: Final = 8
#: Of an NTSC console, exactly.
FRAMES_PER_SECOND: Final = Fraction(39_375_000, 655_171)
#: Distinct states of the game's random number generator, hence of games.
GAME_SEEDS: Final = 32_767
#: Seeds below this one are kept for evaluation, training draws from the rest: no game that is judged was practised.
EVALUATION_SEEDS: Final = 3_277

RNG: Final = 0x17
MODE: Final = 0x46
OPTIONS_ROW: Final = 0x65
CAPSULE: Final = 0x0301
COLUMN: Final = 0x0305
HEIGHT: Final = 0x0306
TOPPED_OUT: Final = 0x0309
SPEED: Final = 0x030B
MATCHES: Final = 0x030F
CAPSULES: Final = 0x0310
LEVEL: Final = 0x0316
ACTION: Final = 0x0317
NEXT_CAPSULE: Final = 0x031A
CELLS_MATCHED: Final = 0x0321
VIRUSES_LEFT: Final = 0x0324
ROTATION: Final = 0x0325
FIELD: Final = 0x0400
PLAYERS: Final = 0x0727
MUSIC: Final = 0x0731
DEMO: Final = 0x0741

SPEEDS: Final[Mapping[str, int]] = {"low": 0, "med": 1, "hi": 2}
MUSIC_OFF: Final = 2

#: Cell bytes are a kind in the high nibble and a colour in the low one.
EMPTY: Final = 0xFF
VIRUS: Final = 0xD0
SETTLED: Final = frozenset({0x40, 0x50, 0x60, 0x70, 0x80})


class Mode(IntEnum):
    """Values of `$46` that the environment meets."""

    TITLE = 0
    OPTIONS = 1
    LEVEL_DATA = 3
    PLAY = 4


class Action(IntEnum):
    """Values of `$0317`: what the round is doing with the current capsule."""

    FALLING = 0
    RESOLVING = 1
    SPAWNED = 3
    THROWING = 6


def decimal(byte: int) -> int:
    """The number in a binary-coded-decimal byte (`0x84` is 84)."""
    return (byte >> 4) * 10 + (byte & 15)


def is_falling(ram: bytes) -> bool:
    """Whether a capsule falls and the next frame's input steers it."""
    return ram[MODE] == Mode.PLAY and ram[ACTION] == Action.FALLING and not is_over(ram)


def is_won(ram: bytes) -> bool:
    """Whether the last virus is gone: true from the very frame of the kill."""
    return ram[MODE] == Mode.PLAY and ram[VIRUSES_LEFT] == 0


def is_over(ram: bytes) -> bool:
    """Whether the round is decided."""
    return ram[TOPPED_OUT] != 0 or is_won(ram)


def rng_state(seed: int) -> dict[int, int]:
    """The generator's two bytes for a game's seed, as RAM address -> value.

    The multiplier spreads neighbouring seeds over the generator's orbit: stepping along the orbit itself would give
    shifted copies of a neighbour's capsules. The lowest bit does not change the game, hence the shift.

    Args:
        seed: 0 to 32,766; other numbers are taken modulo 32,767.
    """
    state = ((seed * 20_077) % GAME_SEEDS + 1) << 1
    return {RNG: state >> 8, RNG + 1: state & 0xFF}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a game came to so far; `after` carries it over a look at the RAM."""

    viruses_left: int
    #: the counters as last seen, to notice their next change
    cells_seen: int
    capsules_seen: int
    viruses_cleared: int = 0
    cells_cleared: int = 0
    #: thrown to the player, with the one in hand
    capsules: int = 1
    #: most matches made by one capsule
    max_combo: int = 0
    won: bool = False
    topped_out: bool = False

    @classmethod
    def start(cls, ram: bytes) -> "Tally":
        """The tally of a game whose first capsule can now be steered."""
        return cls(
            viruses_left=decimal(ram[VIRUSES_LEFT]), cells_seen=ram[CELLS_MATCHED], capsules_seen=capsule_count(ram)
        )

    def after(self, ram: bytes) -> "Tally":
        """The tally after some frames; at most one capsule may have been resolved in them."""
        cells, left, capsules = ram[CELLS_MATCHED], decimal(ram[VIRUSES_LEFT]), capsule_count(ram)
        # the counter of matched cells starts again with every capsule
        grown = cells - self.cells_seen if cells >= self.cells_seen else cells
        return replace(
            self,
            viruses_left=left,
            cells_seen=cells,
            capsules_seen=capsules,
            viruses_cleared=self.viruses_cleared + self.viruses_left - left,
            cells_cleared=self.cells_cleared + grown,
            capsules=self.capsules + capsules - self.capsules_seen,
            max_combo=max(self.max_combo, ram[MATCHES]),
            won=is_won(ram),
            topped_out=ram[TOPPED_OUT] != 0,
        )


def capsule_count(ram: bytes) -> int:
    """The game's own count of capsules: two binary-coded-decimal digits and hundreds."""
    return decimal(ram[CAPSULES]) + 100 * decimal(ram[CAPSULES + 1])
