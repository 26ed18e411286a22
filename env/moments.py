"""When in a game the things happened that people want to see again, and how close it came to its end. Pure.

Frames are those of the game's replay, waits between the rounds of a match included; `n` is the moment after n frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from env.game import COLUMNS, ROWS, SETTLED, VIRUS, Player
from env.tally import Tally

#: A capsule comes in over these two, and what lies in them ends the game.
SPAWN_COLUMNS: Final = (3, 4)
_NOTED: Final = ("combo_frame", "last_virus_frame", "top_out_frame", "highest_stack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What a replay's record tells of them, by the same names; None: it never happened."""

    #: first look at which one capsule had made as many matches as none did after it
    combo_frame: int | None = None
    #: of the round's last one, hence in cleared rounds alone
    last_virus_frame: int | None = None
    top_out_frame: int | None = None
    #: 0 to 16 rows: how high the stack ever stood in the spawn columns when a new capsule was given
    highest_stack: int = 0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Those that a replay's record tells; of one that tells none, none."""
        told = {name: record[name] for name in _NOTED if isinstance(record.get(name), int)}
        return cls(**told)

    def after(self, before: Tally, after: Tally, *, ram: bytes, frame: int) -> "Moments":
        """The moments after a look at the RAM that changed the tally."""
        found: dict[str, int] = {}
        if after.max_combo > before.max_combo:
            found["combo_frame"] = frame
        if after.viruses_left == 0 < before.viruses_left:
            found["last_virus_frame"] = frame
        if after.topped_out and not before.topped_out:
            found["top_out_frame"] = frame
        if after.capsules > before.capsules:
            found["highest_stack"] = max(self.highest_stack, stack_height(ram, after.at.own))
        return replace(self, **found) if found else self


def stack_height(ram: bytes, player: Player) -> int:
    """Rows from the bottom to the highest virus or settled half in the spawn columns; 0: nothing lies there."""
    cells = ram[player.field : player.field + ROWS * COLUMNS]
    filled = (row for row in range(ROWS) for column in SPAWN_COLUMNS if _is_filled(cells[row * COLUMNS + column]))
    return ROWS - next(filled, ROWS)


def _is_filled(cell: int) -> bool:
    kind = cell & 0xF0
    return kind == VIRUS or kind in SETTLED
