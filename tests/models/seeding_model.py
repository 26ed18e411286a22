"""The generator and what it makes of a seed: the capsule queue and a level's viruses.

The rules model's first half; knows nothing of play.
"""

from dataclasses import dataclass

ROWS, COLUMNS, CELLS = 16, 8, 128
VIRUS, EMPTIED, EMPTY = 0xD0, 0xF0, 0xFF
COLOUR_LIST = (0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 1)
GREATEST_HEIGHT = (*[9] * 15, 10, 10, 11, 11, *[12] * 6)
ANY_COLOUR = 3
ALL_COLOURS = frozenset(range(3))


@dataclass(slots=True)
class Generator:
    """Two bytes that rotate right as one, fed by the xor of their second bits; period 32,767 from 0x89, 0x88."""

    a: int = 0x89
    b: int = 0x88

    def step(self) -> None:
        """One step."""
        carry = (self.a ^ self.b) >> 1 & 1
        self.a, self.b = self.a >> 1 | carry << 7, self.b >> 1 | (self.a & 1) << 7


def capsule_queue(generator: Generator) -> list[int]:
    """128 capsule ids 0-8 (left colour * 3 + right colour), filled from the last slot to the first."""
    queue = [0] * 128
    capsule = 0
    for slot in reversed(range(128)):
        generator.step()
        capsule = (capsule + (generator.a & 15)) % 9
        queue[slot] = capsule
    return queue


def virus_count(level: int) -> int:
    """Viruses at the start of a level."""
    return 4 * (min(level, 20) + 1)


def virus_board(level: int, generator: Generator) -> bytearray:
    """A level's field, 128 cells, row 0 on top; uses the generator where the queue has left it."""
    board = bytearray([EMPTY] * CELLS)
    left = virus_count(level)
    while left > 0:
        left -= place_virus(board, level, left, generator)
    return board


def place_virus(board: bytearray, level: int, left: int, generator: Generator) -> bool:
    """One attempt to place one of the `left` viruses; whether it found a cell."""
    generator.step()
    while generator.a & 15 > GREATEST_HEIGHT[level]:
        generator.step()
    start = (15 - (generator.a & 15)) * COLUMNS + (generator.b & 7)
    colour = left & 3
    if colour == ANY_COLOUR:
        generator.step()
        colour = COLOUR_LIST[generator.b & 15]
    for cell in range(start, CELLS):
        near = _colours_two_away(board, cell)
        if board[cell] == EMPTY and near != ALL_COLOURS:
            while colour in near:
                colour = (colour - 1) % 3
            board[cell] = VIRUS | colour
            return True
    return False


def _colours_two_away(board: bytearray, cell: int) -> frozenset[int]:
    row, column = divmod(cell, COLUMNS)
    places = ((row - 2, column), (row + 2, column), (row, column - 2), (row, column + 2))
    inside = (r * COLUMNS + c for r, c in places if 0 <= r < ROWS and 0 <= c < COLUMNS)
    return frozenset(board[i] & 3 for i in inside if board[i] < EMPTIED)
