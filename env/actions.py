"""What the agent may do: named, versioned action sets, each turning an action into pads, frame by frame.

Pure: an action is a generator that yields pads (2 bytes a frame) and is sent the RAM that came of them; on the pad of
the other player it presses nothing. Pads are in the order of the console's shift register (A is bit 0).
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from env import original
from env.errors import EnvError
from env.game import (
    ACTION,
    ALONE,
    CAPSULE,
    COLUMN,
    COLUMNS,
    EMPTY,
    HEIGHT,
    ROTATION,
    Action,
    Player,
    Seats,
    is_falling,
    is_over,
)
from env.reaching import PLACES, landings
from env.wire import Pad

#: Returns the RAM that it saw last.
Pads = Generator[bytes, bytes, bytes]
Mask = NDArray[np.bool_]

#: The column of a new capsule's left cell.
SPAWN_COLUMN: Final = 3
ROTATIONS: Final = 4
#: A capsule is aimed in at most 2 rotations and 4 shifts; past this many taps something holds it, and it drops.
TAP_LIMIT: Final = 12
#: Frames sent at once at most: a capsule's counters start again 5 frames before they can grow, and are to be seen between.
STRIDE: Final = 4
#: A game that gives back no control in half a minute of frames is not in play any more.
PATIENCE_FRAMES: Final = 1_800

PAD_ACTIONS: Final = (Pad(0), Pad.LEFT, Pad.RIGHT, Pad.DOWN, Pad.A, Pad.B)


class ControlLost(EnvError):
    """The game gave no control back; it may be paused or in a menu."""


def hold(pad: Pad, frames: int, ram: bytes, at: Seats) -> Pads:
    """Hold a pad for some frames, or to the round's end; Pad(0) waits."""
    for begun in range(0, frames, STRIDE):
        if not is_over(ram, at):
            ram = yield at.own.pads(pad, min(STRIDE, frames - begun))
    return ram


def _pad(action: int, ram: bytes, frame_skip: int, at: Seats) -> Pads:
    """`pad`: one of nothing, left, right, down, A (clockwise), B, held for `frame_skip` frames or to the round's end."""
    return hold(PAD_ACTIONS[action], frame_skip, ram, at)


def _original(action: int, ram: bytes, frame_skip: int, at: Seats) -> Pads:
    """`original`: the nine actions of the project before this one, as its names mean them, held as `pad`'s are."""
    return hold(original.INTENDED[action], frame_skip, ram, at)


def _original_literal(action: int, ram: bytes, frame_skip: int, at: Seats) -> Pads:
    """`original_literal`: the very buttons that it wrote; its "down" is Start, which pauses the game and goes on."""
    return hold(original.LITERAL[action], frame_skip, ram, at)


def _placement(action: int, ram: bytes, _frame_skip: int, at: Seats) -> Pads:
    """`placement`: drop the capsule in column `action // 4` with rotation `action % 4`.

    Taps rotate it, then shift it (never both: a held Left moves a rotation aside), then Down is held until it
    locks. Nothing is pressed after that until the next capsule can be steered or the game is over.
    """
    column, rotation = divmod(action, ROTATIONS)
    ram = yield from _aim(column, rotation, ram, at)
    while is_falling(ram, at):
        ram = yield at.own.pads(Pad.DOWN, STRIDE)
    return (yield from until_control(ram, at))


def _reach(action: int, ram: bytes, _frame_skip: int, at: Seats) -> Pads:
    """`reach`: bring the capsule to lie in row `action // 32`, column `action // 4 % 8`, rotation `action % 4`.

    Those are of its lower left cell; row 0 is the top. A place that cannot be reached is none: the capsule drops where it is.
    """
    for leg in landings(ram, at.own).way(action) or ():
        while is_falling(ram, at) and (rows := ram[at.own.at(HEIGHT)] - leg.height) > 0:
            # A row takes two frames with Down held, so these stop short of the one that is wanted.
            ram = yield at.own.pads(Pad.DOWN, min(STRIDE, 2 * rows - 1))
        for pad in leg.presses:
            if is_falling(ram, at):
                ram = yield at.own.pads(pad)
    while is_falling(ram, at):
        ram = yield at.own.pads(Pad.DOWN, STRIDE)
    return (yield from until_control(ram, at))


def reach_mask(ram: bytes, at: Seats = ALONE) -> Mask:
    """(512,) bool: where the falling capsule can come to lie, see `env.reaching`; nothing while none falls."""
    mask = np.zeros(PLACES, np.bool_)
    if is_falling(ram, at):
        mask[list(landings(ram, at.own).places())] = True
    return mask


def _aim(column: int, rotation: int, ram: bytes, at: Seats) -> Pads:
    for _ in range(TAP_LIMIT):
        tap = _next_tap(column, rotation, ram, at.own)
        if tap is None or not is_falling(ram, at):
            break
        ram = yield at.own.pads(tap)
        if is_falling(ram, at) and _next_tap(column, rotation, ram, at.own) is not None:
            ram = yield at.own.pads(Pad(0))
    return ram


def _next_tap(column: int, rotation: int, ram: bytes, own: Player) -> Pad | None:
    if ram[own.at(ROTATION)] != rotation:
        return Pad.B if rotation == 1 else Pad.A
    if ram[own.at(COLUMN)] != column:
        return Pad.LEFT if column < ram[own.at(COLUMN)] else Pad.RIGHT
    return None


def until_control(ram: bytes, at: Seats = ALONE) -> Pads:
    """Press nothing until a capsule can be steered or the round is decided.

    Raises:
        ControlLost: neither happened within half a minute of the game's time.
    """
    waited = 0
    while not (is_falling(ram, at) or is_over(ram, at)):
        count = STRIDE if ram[at.own.at(ACTION)] == Action.RESOLVING else 1
        ram = yield at.own.pads(Pad(0), count)
        waited += count
        if waited > PATIENCE_FRAMES:
            raise ControlLost(f"the game gave no control for {waited} frames; is it paused?")
    return ram


def placement_mask(ram: bytes, at: Seats = ALONE) -> Mask:
    """(32,) bool: where the falling capsule can be brought along the top row and dropped.

    It walks left and right from the spawn column while the cells of row 0 are empty; upright it needs one column,
    its upper half being above the field. With two equal halves rotations 2 and 3 repeat 0 and 1 and are left out.

    It takes the walk to be faster than the fall. From the 50th capsule on at HI (the 100th at MED) gravity can take the
    capsule below row 0 on its way: 1 or 2 in a hundred random placements then land short of a full column.
    """
    own = at.own
    top = [byte == EMPTY for byte in ram[own.field : own.field + COLUMNS]]
    mask = np.zeros((COLUMNS, ROTATIONS), np.bool_)
    equal = ram[own.at(CAPSULE)] == ram[own.at(CAPSULE) + 1]
    for rotation in range(2 if equal else ROTATIONS):
        width = 1 if rotation % 2 else 2
        for step in (-1, 1):
            column = SPAWN_COLUMN
            while 0 <= column <= COLUMNS - width and all(top[column : column + width]):
                mask[column, rotation] = True
                column += step
    return mask.reshape(-1)


def _all_pads(_ram: bytes, _at: Seats) -> Mask:
    return np.ones(len(PAD_ACTIONS), np.bool_)


def _all_original(_ram: bytes, _at: Seats) -> Mask:
    return np.ones(len(original.WRITTEN), np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSet:
    """A set of actions; `pads(action, ram, frame_skip, seats)` carries one out, `mask(ram, seats)` says which are possible."""

    count: int
    pads: Callable[[int, bytes, int, Seats], Pads]
    mask: Callable[[bytes, Seats], Mask]
    #: whether an action can only begin while a capsule falls
    needs_control: bool


ACTIONS: Final[Mapping[str, ActionSet]] = {
    "pad": ActionSet(count=len(PAD_ACTIONS), pads=_pad, mask=_all_pads, needs_control=False),
    "placement": ActionSet(count=COLUMNS * ROTATIONS, pads=_placement, mask=placement_mask, needs_control=True),
    "reach": ActionSet(count=PLACES, pads=_reach, mask=reach_mask, needs_control=True),
    "original": ActionSet(count=len(original.WRITTEN), pads=_original, mask=_all_original, needs_control=False),
    "original_literal": ActionSet(
        count=len(original.WRITTEN), pads=_original_literal, mask=_all_original, needs_control=False
    ),
}
