"""Dr. Mario's RAM as values: what is on the field, what falls, how the round stands.

Pure; takes the 2,048 bytes of CPU RAM as they are between two frames. Addresses and meanings are those of the
NES cartridge, which the stand-in game keeps. Addresses are player 1's: `Player.at` gives the other one's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Final, Literal

ROWS: Final = 16
COLUMNS: Final = 8
#: Of an NTSC console, exactly.
FRAMES_PER_SECOND: Final = Fraction(39_375_000, 655_171)
#: Distinct states of the game's random number generator, hence of games.
GAME_SEEDS: Final = 32_767
#: Seeds below this one are kept for evaluation, training draws from the rest: no game that is judged was practised.
EVALUATION_SEEDS: Final = 3_277

#: 1 on a cartridge with a computer to play against, while it plays; nothing on the others.
VS_CPU: Final = 0x04
RNG: Final = 0x17
MODE: Final = 0x46
ROUND_WINNER: Final = 0x55
OPTIONS_ROW: Final = 0x65
CAPSULE: Final = 0x0301
COLUMN: Final = 0x0305
HEIGHT: Final = 0x0306
TOPPED_OUT: Final = 0x0309
SPEED_UPS: Final = 0x030A
SPEED: Final = 0x030B
MATCHES: Final = 0x030F
CAPSULES: Final = 0x0310
GRAVITY: Final = 0x0312
LEVEL: Final = 0x0316
ACTION: Final = 0x0317
NEXT_CAPSULE: Final = 0x031A
WINS: Final = 0x031E
CELLS_MATCHED: Final = 0x0321
VIRUSES_LEFT: Final = 0x0324
ROTATION: Final = 0x0325
FIELD: Final = 0x0400
PAUSE: Final = 0x068D
WINS_NEEDED: Final = 0x0725
PLAYERS: Final = 0x0727
MUSIC: Final = 0x0731
DEMO: Final = 0x0741
CAPSULE_QUEUE: Final = 0x0780

#: Ids of the capsules to come, of both players.
CAPSULE_QUEUE_LENGTH: Final = 128

#: From player 1's block, or field, to player 2's.
_BLOCK_DISTANCE: Final = 0x80
_FIELD_DISTANCE: Final = 0x100

SPEEDS: Final[Mapping[str, int]] = {"low": 0, "med": 1, "hi": 2}
#: Where each speed begins in the table of frames a row; a speed-up is one further.
_SPEED_BASES: Final = (15, 25, 31)
_FRAMES_A_ROW: Final[tuple[int, ...]] = (
    *range(70, 18, -2),
    *range(19, 10, -1),
    *(10, 10, 9, 9, 8, 8, 7, 7),
    *[6] * 12,
    *[5] * 5,
    *[4] * 5,
    *[3] * 5,
    *[2] * 10,
    1,
)
MUSIC_OFF: Final = 2
PAUSED: Final = 5
#: Of `DEMO`, while the game shows itself.
DEMO_PLAYS: Final = 0xFE

#: Cell bytes are a kind in the high nibble and a colour in the low one.
EMPTY: Final = 0xFF
VIRUS: Final = 0xD0
SETTLED: Final = frozenset({0x40, 0x50, 0x60, 0x70, 0x80})


Verdict = Literal["win", "loss", "draw"]


class Mode(IntEnum):
    """Values of `$46` that the environment meets."""

    TITLE = 0
    OPTIONS = 1
    LEVEL_DATA = 3
    PLAY = 4
    ROUND_OVER = 7


class Action(IntEnum):
    """Values of `$0317`: what the round is doing with the current capsule."""

    FALLING = 0
    RESOLVING = 1
    SPAWNED = 3
    THROWING = 6


def decimal(byte: int) -> int:
    """The number in a binary-coded-decimal byte (`0x84` is 84)."""
    return (byte >> 4) * 10 + (byte & 15)


@dataclass(frozen=True, slots=True)
class Player:
    """One player's half of the RAM."""

    #: 1 or 2
    number: int

    def at(self, address: int) -> int:
        """Where this player has what player 1 has at `address`, within the block of `$0300`."""
        return address + _BLOCK_DISTANCE * (self.number - 1)

    @property
    def field(self) -> int:
        """Where its field begins: 16 rows of 8 cells, from the top."""
        return FIELD + _FIELD_DISTANCE * (self.number - 1)

    def pads(self, pad: int, frames: int = 1) -> bytes:
        """This pad held for some frames, and nothing on the other player's."""
        return (bytes((pad, 0)) if self.number == 1 else bytes((0, pad))) * frames


PLAYER_1: Final = Player(1)
PLAYER_2: Final = Player(2)


@dataclass(frozen=True, slots=True)
class Seats:
    """Who the agent is, and who plays against it; alone, player 2's half of the RAM means nothing."""

    own: Player = PLAYER_1
    rival: Player | None = None

    @property
    def players(self) -> tuple[Player, ...]:
        """Those who play, the agent first."""
        return (self.own,) if self.rival is None else (self.own, self.rival)

    def across(self) -> "Seats":
        """The same table as the rival sees it."""
        return self if self.rival is None else Seats(self.rival, self.own)


ALONE: Final = Seats()


def seats(side: int, *, has_rival: bool) -> Seats:
    """The seats of a game in which the agent is player `side`."""
    if not has_rival:
        return ALONE
    return Seats(PLAYER_1, PLAYER_2) if side == 1 else Seats(PLAYER_2, PLAYER_1)


def is_falling(ram: bytes, at: Seats = ALONE) -> bool:
    """Whether the agent's capsule falls and the next frame's input steers it."""
    return ram[MODE] == Mode.PLAY and ram[at.own.at(ACTION)] == Action.FALLING and not is_over(ram, at)


def is_cleared(ram: bytes, player: Player) -> bool:
    """Whether the last virus is gone: true from the very frame of the kill."""
    return ram[MODE] == Mode.PLAY and ram[player.at(VIRUSES_LEFT)] == 0


def is_topped_out(ram: bytes, player: Player) -> bool:
    """Whether a new capsule found no room: true until the next round is set up."""
    return ram[player.at(TOPPED_OUT)] != 0


def is_over(ram: bytes, at: Seats = ALONE) -> bool:
    """Whether the round is decided."""
    return _is_done(ram, at.own) or (at.rival is not None and _is_done(ram, at.rival))


def _is_done(ram: bytes, player: Player) -> bool:
    return is_cleared(ram, player) or is_topped_out(ram, player)


def verdict(ram: bytes, at: Seats = ALONE) -> Verdict | None:
    """How the round ended for the agent; None while it is not decided.

    Both clearing, or both topping out, in one frame is a draw. A clear counts before a top-out of the same frame.
    """
    if not is_over(ram, at):
        return None
    cleared = [is_cleared(ram, player) for player in at.players]
    if any(cleared):
        won, lost = cleared[0], any(cleared[1:])
    else:
        topped_out = [is_topped_out(ram, player) for player in at.players]
        won, lost = any(topped_out[1:]), topped_out[0]
    if won and lost:
        return "draw"
    return "win" if won else "loss"


def match_verdict(ram: bytes, at: Seats) -> Verdict | None:
    """How a match ended for the agent, once the crowns of its last round are given; None while it goes on.

    Where both clear at one crown from the end, both get it, and the game looks at player 1 first.
    """
    crowned = [player for player in (PLAYER_1, PLAYER_2) if ram[player.at(WINS)] >= ram[WINS_NEEDED]]
    if not crowned:
        return None
    return "win" if crowned[0] == at.own else "loss"


def rng_state(seed: int) -> dict[int, int]:
    """The generator's two bytes for a game's seed, as RAM address -> value.

    The multiplier spreads neighbouring seeds over the generator's orbit: stepping along the orbit itself would give
    shifted copies of a neighbour's capsules. The lowest bit does not change the game, hence the shift.

    Args:
        seed: 0 to 32,766; other numbers are taken modulo 32,767.
    """
    state = ((seed * 20_077) % GAME_SEEDS + 1) << 1
    return {RNG: state >> 8, RNG + 1: state & 0xFF}


def capsule_count(ram: bytes, player: Player = PLAYER_1) -> int:
    """The game's own count of capsules: two binary-coded-decimal digits and hundreds."""
    low = player.at(CAPSULES)
    return decimal(ram[low]) + 100 * decimal(ram[low + 1])


def frames_a_row(speed: int, speed_ups: int) -> int:
    """Frames that a capsule stays in a row, if nobody presses Down; the RAM's two bytes."""
    return _FRAMES_A_ROW[min(_SPEED_BASES[speed] + speed_ups, len(_FRAMES_A_ROW) - 1)]
