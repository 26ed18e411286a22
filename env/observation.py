"""What the agent sees: named, versioned readings of the RAM as float32 planes of 0 and 1.

Pure. Every observation is (16, 8, 12): rows from the top, columns from the left, channels last.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from env.game import (
    CAPSULE,
    COLUMN,
    COLUMNS,
    FIELD,
    HEIGHT,
    NEXT_CAPSULE,
    ROTATION,
    ROWS,
    SETTLED,
    VIRUS,
    is_falling,
)

Planes = NDArray[np.float32]

SHAPE: Final = (ROWS, COLUMNS, 12)
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


def _field(ram: bytes) -> Planes:
    return _CELLS[np.frombuffer(ram, np.uint8, ROWS * COLUMNS, FIELD).reshape(ROWS, COLUMNS)]


def capsule_cells(ram: bytes) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The falling capsule's two cells as (row from the top, column, colour); row -1 is above the field."""
    row, column, rotation = ROWS - 1 - ram[HEIGHT], ram[COLUMN], ram[ROTATION]
    first, second = ram[CAPSULE], ram[CAPSULE + 1]
    if rotation in (2, 3):
        first, second = second, first
    if rotation in (1, 3):
        return (row, column, first), (row - 1, column, second)
    return (row, column, first), (row, column + 1, second)


def planes(ram: bytes) -> Planes:
    """Viruses, settled halves, the falling capsule where it is, and the next one; three colours each.

    Channels 0-2: viruses yellow, red, blue. 3-5: settled capsule halves. 6-8: the falling capsule's two cells,
    nothing while none falls. 9-11: the next capsule at row 0, columns 3 and 4.
    """
    observation = np.zeros(SHAPE, np.float32)
    observation[:, :, :6] = _field(ram)
    if is_falling(ram):
        for row, column, colour in capsule_cells(ram):
            if row >= 0:
                observation[row, column, 6 + colour] = 1
    for half in (0, 1):
        observation[0, 3 + half, 9 + ram[NEXT_CAPSULE + half]] = 1
    return observation


def relative(ram: bytes) -> Planes:
    """The field in the colours of the falling capsule, for `placement`.

    A triple of channels means: the capsule's first colour, its second colour, any other. Channels 0-2: viruses.
    3-5: settled halves. 6-8 and 9-11: the next capsule's halves, over the whole plane. With two equal halves the
    first two channels of a triple are both set.
    """
    first, second = ram[CAPSULE], ram[CAPSULE + 1]
    triples = np.zeros((COLOURS, COLOURS), np.float32)
    triples[:, 2] = 1
    triples[[first, second], 2] = 0
    triples[first, 0] = 1
    triples[second, 1] = 1
    field = _field(ram)
    observation = np.empty(SHAPE, np.float32)
    observation[:, :, 0:3] = field[:, :, 0:3] @ triples
    observation[:, :, 3:6] = field[:, :, 3:6] @ triples
    observation[:, :, 6:9] = triples[ram[NEXT_CAPSULE]]
    observation[:, :, 9:12] = triples[ram[NEXT_CAPSULE + 1]]
    return observation


OBSERVATIONS: Final[Mapping[str, Callable[[bytes], Planes]]] = {"planes": planes, "relative": relative}
