"""The field: what falls, what matches, what is left of it, where garbage arrives.

Owns the 128 cells of one player; pure, a field is a bytearray that is changed in place.
"""

from collections.abc import Iterator, Sequence

from models.seeding_model import CELLS, COLUMNS, EMPTIED, EMPTY

TOP_HALF, BOTTOM_HALF, LEFT_HALF, RIGHT_HALF, SINGLE = 0x40, 0x50, 0x60, 0x70, 0x80
CLEARING = 0xB0
#: type of a half -> (offset of its partner, type of its partner)
PARTNERS = {
    LEFT_HALF: (1, RIGHT_HALF),
    RIGHT_HALF: (-1, LEFT_HALF),
    TOP_HALF: (COLUMNS, BOTTOM_HALF),
    BOTTOM_HALF: (-COLUMNS, TOP_HALF),
}
#: cells that a piece takes up in its row, of those that fall; a right half goes with its left one
WIDTHS = {LEFT_HALF: 2, TOP_HALF: 1, BOTTOM_HALF: 1, SINGLE: 1}
MATCH_LENGTH = 4
ROW_LINES = tuple(range(i, i + COLUMNS) for i in range(0, CELLS, COLUMNS))
COLUMN_LINES = tuple(range(i, CELLS, COLUMNS) for i in range(COLUMNS))


def forget_emptied(board: bytearray) -> None:
    """Cells that were emptied become empty."""
    for i in range(CELLS):
        if board[i] >= EMPTIED:
            board[i] = EMPTY


def fall_one_row(board: bytearray) -> bool:
    """Everything unsupported goes down a row, the lowest first; whether anything did."""
    moved = False
    for i in reversed(range(CELLS - COLUMNS)):
        width = WIDTHS.get(board[i] & 0xF0, 0)
        below = range(i + COLUMNS, i + COLUMNS + width)
        if width and all(board[j] >= EMPTIED for j in below):
            moved = True
            for j in below:
                board[j], board[j - COLUMNS] = board[j - COLUMNS], EMPTY
    return moved


def runs(board: bytearray, lines: Sequence[range]) -> Iterator[range]:
    """Cells of every run of one colour that is long enough."""
    for line in lines:
        start = 0
        for k in range(1, len(line) + 1):
            if k < len(line) and _same_colour(board[line[start]], board[line[k]]):
                continue
            if k - start >= MATCH_LENGTH and board[line[start]] < EMPTIED:
                yield line[start:k]
            start = k


def leave_remains(board: bytearray) -> None:
    """After a match: its cells are emptied, halves without their partner are single."""
    for i in range(CELLS):
        if board[i] & 0xF0 == CLEARING:
            board[i] = EMPTIED | board[i] & 3
    for i in range(CELLS):
        kind = board[i] & 0xF0
        if kind in PARTNERS and not _has_partner(board, i, kind):
            board[i] = SINGLE | board[i] & 3


def put_garbage(board: bytearray, size: int, colours: Sequence[int], *, frame_counter: int) -> None:
    """An attack arrives on the top row, whatever lies there; the frame decides where."""
    match size:
        case 2:
            columns = [(frame_counter & 3) + step for step in (0, 4)]
        case 3:
            columns = [(frame_counter & 3) + step for step in (0, 2, 4)]
        case _:
            columns = [(frame_counter & 1) + step for step in (0, 2, 4, 6)]
    for column, colour in zip(columns, colours, strict=False):
        board[column] = SINGLE | colour


def _same_colour(one: int, other: int) -> bool:
    if one >= EMPTIED or other >= EMPTIED:
        return one >= EMPTIED and other >= EMPTIED
    return one & 3 == other & 3


def _has_partner(board: bytearray, i: int, kind: int) -> bool:
    offset, partner = PARTNERS[kind]
    return 0 <= i + offset < CELLS and board[i + offset] & 0xF0 == partner
