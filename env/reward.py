"""What a step is worth: named, versioned functions of the tallies before and after it. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from env.tally import Tally


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


REWARDS: Final[Mapping[str, Callable[[Tally, Tally], float]]] = {"clear": clear}
