"""Where a falling capsule can come to lie, and which presses bring it there: a search over the game's rules.

Pure; a row of the search is 32 bits, one for each rotation and column, and all of them are moved at once. A way is
presses, row by row; between two rows Down is held. Refuses nothing: a place that cannot be reached has no way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from env.game import (
    CAPSULE,
    COLUMN,
    COLUMNS,
    EMPTY,
    GRAVITY,
    HEIGHT,
    ROTATION,
    ROWS,
    SPEED,
    SPEED_UPS,
    Player,
    frames_a_row,
)
from env.wire import Pad

ROTATIONS: Final = 4
#: Cells of the field, times rotations.
PLACES: Final = ROWS * COLUMNS * ROTATIONS
#: Pressed together in one frame, with nothing held; whatever is pressed is released in the next one.
CHORDS: Final = (
    Pad(0),
    Pad.LEFT,
    Pad.RIGHT,
    Pad.A,
    Pad.B,
    Pad.LEFT | Pad.A,
    Pad.LEFT | Pad.B,
    Pad.RIGHT | Pad.A,
    Pad.RIGHT | Pad.B,
)

#: Bit `rotation * 8 + column` of a set of positions in one row.
Positions = int
_ALL: Final = 0xFFFFFFFF
_LYING: Final = 0x00FF00FF
_WITHOUT_FIRST: Final = 0xFEFEFEFE
_WITHOUT_LAST: Final = 0x7F7F7F7F

#: Of one frame: what was pressed in it -> positions after it.
Frame = Mapping[Pad, Positions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What is pressed once the capsule is at a height, frame by frame."""

    #: of the capsule's lower cell; 15 is the top row
    height: int
    presses: tuple[Pad, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The positions of one row: where the capsule enters it, frame by frame, and all that it comes to."""

    entered: Positions
    #: the first one is that of entering
    frames: Sequence[Frame]
    reached: Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Landings:
    """Every place where one capsule can come to lie."""

    #: by height; from the top to the lowest that is reached
    rows: Mapping[int, _Row]
    #: where it fits, by height; one more for below the field
    fits: Sequence[Positions]
    #: its halves are of one colour, so two rotations are the two others again
    is_plain: bool = field(default=False)

    def places(self) -> Iterator[int]:
        """The numbers `(row * 8 + column) * 4 + rotation`, rows from the top, of its lower left cell."""
        for height, row in self.rows.items():
            for position in _bits(row.reached & ~_below(self.fits, height)):
                rotation, column = divmod(position, COLUMNS)
                if not (self.is_plain and rotation > 1):
                    yield ((ROWS - 1 - height) * COLUMNS + column) * ROTATIONS + rotation

    def way(self, place: int) -> tuple[Leg, ...] | None:
        """What brings the capsule there, as early as can be and with Down held in between; None: nothing does."""
        cell, rotation = divmod(place, ROTATIONS)
        row, column = divmod(cell, COLUMNS)
        height, position = ROWS - 1 - row, rotation * COLUMNS + column
        if height not in self.rows or not self.rows[height].reached & ~_below(self.fits, height) & 1 << position:
            return None
        legs: list[Leg] = []
        for above in range(height, max(self.rows) + 1):
            if not self.rows[above].entered & 1 << position:
                position, presses = _back(self.rows[above].frames, position, fits=self.fits[above])
                legs.append(Leg(height=above, presses=presses))
        return tuple(reversed(legs))


def landings(ram: bytes, own: Player) -> Landings:
    """The places of the capsule that falls now, with nothing pressed in the last frame.

    Whole where rows take 10 frames or longer. Where they are shorter, a place that needs every single frame may be missing
    (two in a hundred at 6 frames); what is there is reached at any speed.
    """
    field_ = bytes(ram[own.field : own.field + ROWS * COLUMNS])
    start = ram[own.at(ROTATION)] * COLUMNS + ram[own.at(COLUMN)]
    frames = frames_a_row(ram[own.at(SPEED)], ram[own.at(SPEED_UPS)])
    colours = ram[own.at(CAPSULE)], ram[own.at(CAPSULE) + 1]
    return _searched(
        bytes(cell == EMPTY for cell in field_),
        (ram[own.at(HEIGHT)], start),
        frames=frames,
        waited=ram[own.at(GRAVITY)],
        is_plain=colours[0] == colours[1],
    )


@lru_cache(maxsize=64)
def _searched(empty: bytes, start: tuple[int, int], *, frames: int, waited: int, is_plain: bool) -> Landings:
    """The search, kept for whoever asks for the mask first and for a way then."""
    fits = _fitting(empty)
    rows: dict[int, _Row] = {}
    height, entered = start[0], 1 << start[1]
    left = frames - 1 - waited
    while entered:
        rows[height] = _row(entered, fits[height], frames=left)
        entered = rows[height].reached & _below(fits, height)
        height, left = height - 1, frames - 1
    return Landings(rows=rows, fits=fits, is_plain=is_plain)


def _fitting(empty: bytes) -> list[Positions]:
    """By height, where the capsule fits. Above the field all is empty."""
    free = [sum(empty[row * COLUMNS + column] << column for column in range(COLUMNS)) for row in range(ROWS)][::-1]
    free.append(0xFF)
    lying = [bits & bits >> 1 for bits in free[:ROWS]]
    upright = [free[height] & free[height + 1] for height in range(ROWS)]
    return [flat | tall << 8 | flat << 16 | tall << 24 for flat, tall in zip(lying, upright, strict=True)]


def _below(fits: Sequence[Positions], height: int) -> Positions:
    return fits[height - 1] if height else 0


def _row(entered: Positions, fits: Positions, *, frames: int) -> _Row:
    """All that a row's frames allow; they end where two in a row bring nothing new."""
    made: list[Frame] = [{Pad(0): entered}]
    reached, idle = entered, 0
    while len(made) <= frames and idle < 2 and reached != fits:  # noqa: PLR2004 -- a button is free again in the second
        made.append(_pressed(made[-1], fits))
        before = reached
        for positions in made[-1].values():
            reached |= positions
        idle = idle + 1 if reached == before else 0
    return _Row(entered=entered, frames=made, reached=reached)


def _pressed(last: Frame, fits: Positions) -> Frame:
    """One frame: every chord whose buttons were up in the last one."""
    frame: dict[Pad, Positions] = {}
    for chord in CHORDS:
        positions = 0
        for held, there in last.items():
            if not held & chord:
                positions |= there
        if positions:
            frame[chord] = _moved(positions, chord, fits)
    return frame


def _moved(positions: Positions, chord: Pad, fits: Positions) -> Positions:
    """Where a frame with these buttons freshly pressed leads: first aside, then around."""
    if chord & Pad.RIGHT:
        moved = positions << 1 & _WITHOUT_FIRST & fits
        positions = moved | positions & ~(moved >> 1)
    if chord & Pad.LEFT:
        positions = _left(positions, fits)
    if chord & Pad.A:
        return _turned(positions, 24, chord, fits)
    return _turned(positions, 8, chord, fits) if chord & Pad.B else positions


def _left(positions: Positions, fits: Positions) -> Positions:
    moved = positions >> 1 & _WITHOUT_LAST & fits
    return moved | positions & ~(moved << 1)


def _turned(positions: Positions, by: int, chord: Pad, fits: Positions) -> Positions:
    """Each capsule one rotation on, `by` bits to the left; where it finds no room to lie, one column to the left.

    With Left held one that lies then goes a further column to the left.
    """
    aside = _around(positions, by)
    there = aside & fits
    lying = there & _LYING
    if chord & Pad.LEFT:
        lying = _left(lying, fits)
    stuck = aside & ~fits
    kicked = (stuck & _LYING) >> 1 & _WITHOUT_LAST & fits
    stays = stuck & ~(kicked << 1)
    return lying | there & ~_LYING | kicked | _around(stays, 32 - by)


def _around(positions: Positions, by: int) -> Positions:
    return (positions << by | positions >> 32 - by) & _ALL


def _back(frames: Sequence[Frame], position: int, *, fits: Positions) -> tuple[int, tuple[Pad, ...]]:
    """The shortest presses of a row that end at a position; where they begin."""
    number, chord = next(
        (number, chord)
        for number, frame in enumerate(frames)
        for chord, there in frame.items()
        if there >> position & 1
    )
    presses: list[Pad] = []
    for before in reversed(frames[:number]):
        presses.append(chord)
        position, chord = _source(before, position, chord, fits=fits)
    return position, tuple(reversed(presses))


def _source(before: Frame, position: int, chord: Pad, *, fits: Positions) -> tuple[int, Pad]:
    """Where a chord led to a position from, and what was held there."""
    return next(
        (source, held)
        for held, there in before.items()
        if not held & chord
        for source in _bits(there)
        if _moved(1 << source, chord, fits) == 1 << position
    )


def _bits(positions: Positions) -> Iterator[int]:
    while positions:
        lowest = positions & -positions
        yield lowest.bit_length() - 1
        positions ^= lowest
