"""A player that looks one capsule ahead: what it lies on best. Wins level 0; good enough for golden games and the demo."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from env.observation import Planes

ROTATIONS: Final = 4
NO_COLOUR: Final = 3
HEIGHT_COST: Final = 0.3


def best(planes: Planes, mask: NDArray[np.bool_]) -> int:
    """The possible placement that lays most on its own colour."""
    return max((int(action) for action in np.flatnonzero(mask)), key=lambda action: worth(planes, action))


def worth(planes: Planes, action: int) -> float:
    """Same colours under the capsule's halves count for it, other colours and height against."""
    column, rotation = divmod(action, ROTATIONS)
    field = colours_of(planes[..., 0:3] + planes[..., 3:6])
    first, second = (int(colour) for colour in colours_of(planes[..., 6:9])[0, 3:5])
    if rotation >= ROTATIONS // 2:
        first, second = second, first
    if rotation % 2:
        return on_column(field[:, column], first) - 2.0 * (first != second)
    halves = on_column(field[:, column], first) + on_column(field[:, column + 1], second)
    return halves - 2.0 * (top_of(field[:, column]) != top_of(field[:, column + 1]))


def colours_of(planes: NDArray[np.float32]) -> NDArray[np.int64]:
    """(16, 8) colour of each cell, `NO_COLOUR` where there is none."""
    return np.where(planes.any(axis=-1), planes.argmax(axis=-1), NO_COLOUR)


def top_of(column: NDArray[np.int64]) -> int:
    """The row of the uppermost cell; 16 in an empty column."""
    filled = np.flatnonzero(column < NO_COLOUR)
    return int(filled[0]) if filled.size else len(column)


def on_column(column: NDArray[np.int64], colour: int) -> float:
    """What a half of this colour is worth on top of a column."""
    top = top_of(column)
    run = 0
    while top + run < len(column) and column[top + run] == colour:
        run += 1
    blocked = top < len(column) and run == 0
    return 3.0 * run - 2.0 * blocked - HEIGHT_COST * (len(column) - top)
