"""What the project that came before this one made of the game, its defects included: what its agents saw, did and got.

Pure. Its checkpoints were trained on exactly this and can be judged on nothing else; train new ones on something
better. Its agent was player 2: here it is whoever plays, so that as player 2 of two it sees what it saw there.
"""

from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from env.game import COLUMN, COLUMNS, EMPTY, HEIGHT, ROWS, VIRUS, VIRUSES_LEFT, Player, Seats
from env.wire import Pad

Planes = NDArray[np.float32]

CHANNELS: Final = 12
#: of one player: empty, yellow, red, blue
_CELL_CHANNELS: Final = 4
_CAPSULE_CHANNEL: Final = 4
_RIVAL_CHANNEL: Final = 6
_COLOURS: Final = 3

#: Bytes of settled halves that were seen; the upper halves of upright capsules, `$40` to `$42`, lie below the first.
_SEEN_HALVES: Final = range(0x4C, 0x72 + 1)
_PELLET: Final = 0x80
#: Where runs are looked for, it took these ranges of halves for yellow, red and blue.
_FIRST_HALF: Final = 0x40
_RED_FROM: Final = 0x5C
_BLUE_FROM: Final = 0x68

#: An empty field, for a game in which nobody plays the other side.
_NOBODY: Final = bytes([EMPTY]) * (ROWS * COLUMNS)

#: The byte of each action, in the order of the console's own RAM: A is bit 7, Right bit 0.
WRITTEN: Final = (0x00, 0x02, 0x01, 0x10, 0x40, 0x80, 0x12, 0x11, 0x42)
#: The buttons of that byte.
LITERAL: Final = (
    Pad(0), Pad.LEFT, Pad.RIGHT, Pad.START, Pad.B, Pad.A, Pad.LEFT | Pad.START, Pad.RIGHT | Pad.START, Pad.LEFT | Pad.B,
)  # fmt: skip
#: The buttons that its names speak of: down where it wrote Start, and A and B each where it wrote the other.
INTENDED: Final = (
    Pad(0), Pad.LEFT, Pad.RIGHT, Pad.DOWN, Pad.A, Pad.B, Pad.LEFT | Pad.DOWN, Pad.RIGHT | Pad.DOWN, Pad.LEFT | Pad.A,
)  # fmt: skip

#: Its reward, per step.
_SURVIVAL: Final = 0.1
_RUNS: Final = {2: 0.5, 3: 2.0}
_LONG_RUN: Final = 10.0
_RUN_WITH_VIRUS: Final = 3.0
_VIRUS: Final = 20.0
_HEIGHT: Final = -0.05
_WON: Final = 200.0
_TOPPED_OUT: Final = -10.0


def _cell_table() -> Planes:
    """(256, 4): a cell byte -> empty, yellow, red, blue, as far as its encoder knew the byte."""
    table = np.zeros((256, _CELL_CHANNELS), np.float32)
    table[EMPTY, 0] = 1
    for colour in range(_COLOURS):
        table[[VIRUS | colour, _PELLET | colour], 1 + colour] = 1
        table[[byte for byte in _SEEN_HALVES if byte & 3 == colour], 1 + colour] = 1
    return table


_CELLS: Final = _cell_table()


def observe(ram: bytes, at: Seats) -> Planes:
    """(16, 8, 12), of two players as of one.

    Channel 0: empty. 1-3: yellow, red, blue, viruses and halves alike. 4: the capsule, 1 in the row that its height
    above the floor is taken for a row from the top, and 0.5 to the right of it; drawn whether one falls or not, and
    however it is turned. 6-9: the other player's 0-3. 5, 10 and 11 (next capsules, the other's capsule): always 0.
    """
    observation = np.zeros((ROWS, COLUMNS, CHANNELS), np.float32)
    observation[:, :, :_CELL_CHANNELS] = _cells(_field(ram, at.own))
    rival = _NOBODY if at.rival is None else _field(ram, at.rival)
    observation[:, :, _RIVAL_CHANNEL : _RIVAL_CHANNEL + _CELL_CHANNELS] = _cells(rival)
    row, column = ram[at.own.at(HEIGHT)], ram[at.own.at(COLUMN)]
    if row < ROWS and column < COLUMNS:
        observation[row, column : column + 2, _CAPSULE_CHANNEL] = (1.0, 0.5)[: COLUMNS - column]
    return observation


def pay(before: bytes, after: bytes, at: Seats) -> float:
    """What a step from one RAM to the next was worth to its agent.

    0.1; the change of a score over all runs of like cells (2: 0.5, 3: 2, more: 10, and 3 for one with a virus in it);
    20 for each that the virus byte fell by, which counts in tens of sixteen, so that from 20 to 19 viruses is worth
    7; -0.05 for each row of air above the stack; 200 while no virus is left; -10 while anything lies in the top row.
    """
    field = _field(after, at.own)
    fallen = before[at.own.at(VIRUSES_LEFT)] - after[at.own.at(VIRUSES_LEFT)]
    occupied = [index // COLUMNS for index, byte in enumerate(field) if byte != EMPTY]
    return (
        _SURVIVAL
        + _score(field)
        - _score(_field(before, at.own))
        + _VIRUS * max(0, fallen)
        + (_HEIGHT * occupied[0] if occupied else 0.0)
        + _WON * (after[at.own.at(VIRUSES_LEFT)] == 0)
        + _TOPPED_OUT * (bool(occupied) and occupied[0] == 0)
    )


def _score(field: bytes) -> float:
    """Of all runs of two and more, in rows and in columns."""
    rows = [field[start : start + COLUMNS] for start in range(0, len(field), COLUMNS)]
    columns = [field[start::COLUMNS] for start in range(COLUMNS)]
    return sum(_line_score(line) for line in (*rows, *columns))


def _line_score(line: bytes) -> float:
    total = 0.0
    for kind, cells in groupby(line, key=_run_kind):
        run = list(cells)
        if kind is not None and len(run) > 1:
            total += _RUNS.get(len(run), _LONG_RUN)
            total += _RUN_WITH_VIRUS * any(VIRUS <= byte < VIRUS + _COLOURS for byte in run)
    return total


def _run_kind(byte: int) -> int | None:
    """What makes cells alike: of viruses and single halves the colour; of others, which way they are joined."""
    for first in (VIRUS, _PELLET):
        if first <= byte < first + _COLOURS:
            return byte - first
    if not _FIRST_HALF <= byte <= _SEEN_HALVES[-1]:
        return None
    return 0 if byte < _RED_FROM else 1 if byte < _BLUE_FROM else 2


def _field(ram: bytes, player: Player) -> bytes:
    return ram[player.field : player.field + ROWS * COLUMNS]


def _cells(field: bytes) -> Planes:
    return _CELLS[np.frombuffer(field, np.uint8)].reshape(ROWS, COLUMNS, _CELL_CHANNELS)
