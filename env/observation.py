"""What the agent sees: named, versioned readings of the RAM as float32 planes of 0 to 1.

Pure. Every observation is rows from the top, columns from the left, channels last: (16, 8, 12), and `planes` of a game
with two players (16, 8, 24).
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from env import original
from env.game import (
    ALONE,
    CAPSULE,
    COLUMN,
    COLUMNS,
    HEIGHT,
    NEXT_CAPSULE,
    ROTATION,
    ROWS,
    SETTLED,
    VIRUS,
    Player,
    Seats,
    is_falling,
)

Planes = NDArray[np.float32]

#: Of one player's planes.
CHANNELS: Final = 12
COLOURS: Final = 3


def _cell_table() -> Planes:
    """(256, 6): a cell byte -> virus by colour, settled half by colour. What is being cleared counts as empty."""
    table = np.zeros((256, 6), np.float32)
    for colour in range(COLOURS):
        table[VIRUS | colour, colour] = 1
        for kind in SETTLED:
            table[kind | colour, COLOURS + colour] = 1
    return table


_CELLS: Final = _cell_table()


def shape(name: str, at: Seats) -> tuple[int, int, int]:
    """Of an observation of this name from these seats."""
    return ROWS, COLUMNS, CHANNELS * (len(at.players) if name == "planes" else 1)


def _field(ram: bytes, own: Player) -> Planes:
    return _CELLS[np.frombuffer(ram, np.uint8, ROWS * COLUMNS, own.field).reshape(ROWS, COLUMNS)]


def capsule_cells(ram: bytes, own: Player) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The falling capsule's two cells as (row from the top, column, colour); row -1 is above the field."""
    row, column, rotation = ROWS - 1 - ram[own.at(HEIGHT)], ram[own.at(COLUMN)], ram[own.at(ROTATION)]
    first, second = _colours(ram, own.at(CAPSULE))
    if rotation in (2, 3):
        first, second = second, first
    if rotation in (1, 3):
        return (row, column, first), (row - 1, column, second)
    return (row, column, first), (row, column + 1, second)


def _colours(ram: bytes, address: int) -> tuple[int, int]:
    return ram[address], ram[address + 1]


def planes(ram: bytes, at: Seats = ALONE) -> Planes:
    """Viruses, settled halves, the falling capsule where it is, and the next one; three colours each.

    Channels 0-2: viruses yellow, red, blue. 3-5: settled capsule halves. 6-8: the falling capsule's two cells,
    nothing while none falls. 9-11: the next capsule at row 0, columns 3 and 4. 12-23: the same of the rival, where
    there is one.
    """
    observation = np.zeros(shape("planes", at), np.float32)
    _draw(observation[:, :, :CHANNELS], ram, at)
    if at.rival is not None:
        _draw(observation[:, :, CHANNELS:], ram, at.across())
    return observation


def _draw(observation: Planes, ram: bytes, at: Seats) -> None:
    """One player's planes, into zeros."""
    observation[:, :, :6] = _field(ram, at.own)
    if is_falling(ram, at):
        for row, column, colour in capsule_cells(ram, at.own):
            if row >= 0:
                observation[row, column, 6 + colour] = 1
    for half, colour in enumerate(_colours(ram, at.own.at(NEXT_CAPSULE))):
        observation[0, 3 + half, 9 + colour] = 1


def relative(ram: bytes, at: Seats = ALONE) -> Planes:
    """The field in the colours of the falling capsule, for `placement`.

    A triple of channels means: the capsule's first colour, its second colour, any other. Channels 0-2: viruses.
    3-5: settled halves. 6-8 and 9-11: the next capsule's halves, over the whole plane. With two equal halves the
    first two channels of a triple are both set. Of a rival nothing is seen.
    """
    first, second = _colours(ram, at.own.at(CAPSULE))
    triples = np.zeros((COLOURS, COLOURS), np.float32)
    triples[:, 2] = 1
    triples[[first, second], 2] = 0
    triples[first, 0] = 1
    triples[second, 1] = 1
    field = _field(ram, at.own)
    observation = np.empty((ROWS, COLUMNS, CHANNELS), np.float32)
    observation[:, :, 0:3] = field[:, :, 0:3] @ triples
    observation[:, :, 3:6] = field[:, :, 3:6] @ triples
    for half, colour in enumerate(_colours(ram, at.own.at(NEXT_CAPSULE))):
        observation[:, :, 6 + 3 * half : 9 + 3 * half] = triples[colour]
    return observation


OBSERVATIONS: Final[Mapping[str, Callable[[bytes, Seats], Planes]]] = {
    "planes": planes,
    "relative": relative,
    "original": original.observe,
}
