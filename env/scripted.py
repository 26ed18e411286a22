"""A player that needs no training: it looks one capsule ahead and takes the placement that leaves the best field.

Pure. It reads `planes` and answers with `placement`, whatever the agent is given. What it is worth is told in
docs/reference/players.md; it never chances anything, so a field is always answered in the same way.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from env.actions import ROTATIONS, Mask
from env.game import COLUMNS, ROWS
from env.observation import COLOURS, Planes
from env.reward import NO_COLOUR, prospects

#: In a line, to be cleared.
LINE: Final = 4
VIRUS_WORTH: Final = 1.0
CELL_WORTH: Final = 0.01
PROSPECTS_WORTH: Final = 0.5
#: For each row that the highest cell of a column lies above the bottom, squared: a top-out loses everything.
HEIGHT_COST: Final = 0.0006
#: For a half that comes to lie on another colour, and for one with a hole below it.
CLASH_COST: Final = 0.06
HOLE_COST: Final = 0.08

#: Lying in the last column, half a capsule would be outside.
_BEYOND: Final = ((COLUMNS - 1) * ROTATIONS, (COLUMNS - 1) * ROTATIONS + 2)

#: Colour of each cell, row by row from the top; `NO_COLOUR` where there is none.
Field = list[int]


def best(planes: Planes, mask: Mask) -> int:
    """The possible placement that leaves the best field; the first of several as good.

    Args:
        planes: (16, 8, 12 or more), one's own field first.
        mask: (32,) bool, of which at least one is set; all are where the game is over.
    """
    field, viruses, capsule = _read(planes)
    possible = [action for action in np.flatnonzero(mask).tolist() if action not in _BEYOND]
    worth = {action: _worth(field, viruses, _cells(field, capsule, action)) for action in possible}
    return max(worth, key=lambda action: worth[action])


def _read(planes: Planes) -> tuple[Field, set[int], tuple[int, int]]:
    """The field, where its viruses are, and the colours of the capsule that waits at the top."""
    cells = planes.reshape(ROWS * COLUMNS, -1)
    viruses = set(np.flatnonzero(cells[:, :COLOURS].any(axis=1)).tolist())
    field = _colours(cells[:, :COLOURS] + cells[:, COLOURS : 2 * COLOURS])
    falling = _colours(planes[0, 3:5, 2 * COLOURS : 3 * COLOURS])
    return field, viruses, (falling[0], falling[1])


def _colours(one_hot: NDArray[np.float32]) -> Field:
    return [int(colour) for colour in np.where(one_hot.any(axis=1), one_hot.argmax(axis=1), NO_COLOUR)]


def _cells(field: Sequence[int], capsule: tuple[int, int], action: int) -> dict[int, int]:
    """Cell -> colour of a dropped capsule; what stays above the field is none of it."""
    column, rotation = divmod(action, ROTATIONS)
    first, second = capsule[::-1] if rotation >= ROTATIONS // 2 else capsule
    if rotation % 2:
        row = top(field, column) - 1
        halves = {row * COLUMNS + column: first, (row - 1) * COLUMNS + column: second}
    else:
        row = min(top(field, column), top(field, column + 1)) - 1
        halves = {row * COLUMNS + column: first, row * COLUMNS + column + 1: second}
    return {cell: colour for cell, colour in halves.items() if cell >= 0}


def top(field: Sequence[int], column: int) -> int:
    """The row of a column's highest cell; 16 where it is empty."""
    return next((row for row in range(ROWS) if field[row * COLUMNS + column] != NO_COLOUR), ROWS)


def _worth(field: Sequence[int], viruses: set[int], placed: dict[int, int]) -> float:
    after = list(field)
    for cell, colour in placed.items():
        after[cell] = colour
    cleared = {cell for start in placed for cell in _cleared(after, start)}
    clash = sum(_clashes(after, cell) for cell in placed if cell not in cleared)
    for cell in cleared:
        after[cell] = NO_COLOUR
    left = viruses - cleared
    if viruses and not left:
        return float("inf")
    heights = (ROWS - top(after, column) for column in range(COLUMNS))
    return (
        VIRUS_WORTH * (len(viruses) - len(left))
        + CELL_WORTH * len(cleared)
        + PROSPECTS_WORTH * prospects(after, sorted(left))
        - HEIGHT_COST * sum(height**2 for height in heights)
        - clash
    )


def _cleared(field: Sequence[int], cell: int) -> set[int]:
    """The cells that go with this one: its lines of four and more, across and upright."""
    found: set[int] = set()
    row, column = divmod(cell, COLUMNS)
    lying, upright = range(row * COLUMNS, (row + 1) * COLUMNS), range(column, ROWS * COLUMNS, COLUMNS)
    for line, at in ((lying, column), (upright, row)):
        first = last = at
        while first > 0 and field[line[first - 1]] == field[cell]:
            first -= 1
        while last + 1 < len(line) and field[line[last + 1]] == field[cell]:
            last += 1
        if last - first + 1 >= LINE:
            found.update(line[first : last + 1])
    return found


def _clashes(field: Sequence[int], cell: int) -> float:
    below = cell + COLUMNS
    if below >= ROWS * COLUMNS or field[below] == field[cell]:
        return 0.0
    return HOLE_COST if field[below] == NO_COLOUR else CLASH_COST
