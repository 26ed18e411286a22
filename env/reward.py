"""What a step is worth: named, versioned functions of the tallies before and after it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from env.game import COLUMNS, ROWS, SETTLED, VIRUS
from env.original import pay
from env.tally import Tally

#: `shaped` counts on a trainer that discounts by this.
DISCOUNT: Final = 0.95
PROMISE_WORTH: Final = 0.5
NO_COLOUR: Final = -1
_KIND: Final = 0xF0
_COLOUR: Final = 0x03
_MORE_TO_CLEAR: Final = 3


def clear(before: Tally, after: Tally) -> float:
    """Progress towards an empty bottle.

    A virus is worth 1, the clear 2 more, a top-out -1; a cleared cell 0.01, and each capsule costs 0.01: with more
    pay per cell, letting games stall pays better than winning them. With two players it is a won round that is worth
    the 2 and a lost one the -1, however it came about; a drawn one is worth neither.
    """
    return (
        1.0 * (after.viruses_cleared - before.viruses_cleared)
        + 2.0 * (after.won - before.won)
        - 1.0 * (after.lost - before.lost)
        + 0.01 * (after.cells_cleared - before.cells_cleared)
        - 0.01 * (after.capsules - before.capsules)
    )


def shaped(before: Tally, after: Tally) -> float:
    """`clear`, and at once a part of what a step brings nearer or spoils.

    The difference of a potential (Ng, Harada and Russell, 1999), discounted by 0.95: which play is best stays as it
    is with `clear`, only it is found sooner.
    """
    return clear(before, after) + PROMISE_WORTH * (DISCOUNT * promise(after) - promise(before))


def promise(tally: Tally) -> float:
    """How near the viruses are to being cleared: about 0 to 1 each; 0 of a decided round.

    A virus counts a third for each further cell of its colour in its longest line. An upright line that is buried
    counts less than a third of that, and each cell on top (up to six) costs 0.05.
    """
    if tally.verdict is not None:
        return 0.0
    field = tally.ram[tally.at.own.field :][: ROWS * COLUMNS]
    colours = [_colour(byte) for byte in field]
    return prospects(colours, (cell for cell, byte in enumerate(field) if byte & _KIND == VIRUS))


def prospects(colours: Sequence[int], viruses: Iterable[int]) -> float:
    """The same of a field that is given: the colour of each of its 128 cells, and the cells of its viruses."""
    return sum(_chance(colours, cell) for cell in viruses)


def _chance(colours: Sequence[int], cell: int) -> float:
    row, column = divmod(cell, COLUMNS)
    upright, lying = colours[column::COLUMNS], colours[row * COLUMNS :][:COLUMNS]
    top, bottom = _line(upright, row)
    left, right = _line(lying, column)
    on_top = sum(colour != NO_COLOUR for colour in upright[:top])
    standing = min(bottom - top, _MORE_TO_CLEAR) / _MORE_TO_CLEAR * (0.3 if on_top else 1.0)
    return max(standing, min(right - left, _MORE_TO_CLEAR) / _MORE_TO_CLEAR) - 0.05 * min(on_top, 6)


def _line(colours: Sequence[int], cell: int) -> tuple[int, int]:
    """The first and the last cell of the line of one colour that a cell is in."""
    first = last = cell
    while first > 0 and colours[first - 1] == colours[cell]:
        first -= 1
    while last + 1 < len(colours) and colours[last + 1] == colours[cell]:
        last += 1
    return first, last


def _colour(byte: int) -> int:
    kind = byte & _KIND
    return byte & _COLOUR if kind == VIRUS or kind in SETTLED else NO_COLOUR


def as_the_original(before: Tally, after: Tally) -> float:
    """As the project that came before this one paid, defects included."""
    return pay(before.ram, after.ram, after.at)


REWARDS: Final[Mapping[str, Callable[[Tally, Tally], float]]] = {
    "clear": clear,
    "shaped": shaped,
    "original": as_the_original,
}
