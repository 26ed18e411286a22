"""The machine as player 2: which buttons it holds, from its own field and capsule alone."""

from models.rules_model import DOWN, FALLING, LEFT, RIGHT, Round
from models.seeding_model import COLUMNS, EMPTY, VIRUS

#: a capsule that lies cannot stand over the last column
LAST_COLUMN = COLUMNS - 2


def buttons(player: Round) -> int:
    """Walk over the highest virus of one of the capsule's colours whose column is open at the top, then drop."""
    if player.action != FALLING:
        return 0
    target = _target(player)
    if target is None or target == player.x:
        return DOWN
    return LEFT if target < player.x else RIGHT


def _target(player: Round) -> int | None:
    wanted = {VIRUS | colour for colour in player.colours}
    for i, cell in enumerate(player.board):
        column = i % COLUMNS
        if cell in wanted and player.board[column] == EMPTY:
            return min(column, LAST_COLUMN)
    return None
