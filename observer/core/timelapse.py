"""The time-lapse of a run: which checkpoints are in it, which game they play, and what its worker is given to do.

Pure: the same evaluations give the same time-lapse, in whatever order they were played. Every rule is stable while
checkpoints come in the order of their steps, so that what was filmed can be used again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from observer.core.models import Digest, Estimate

#: More checkpoints are thinned to at most so many parts, four minutes at four seconds each.
MOST_PARTS: Final = 60
#: Games side by side.
MOST_TILES: Final = 16

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A checkpoint as the time-lapse shows it."""

    #: of its zip
    checkpoint: Digest
    step: int
    win_rate: Estimate
    #: absolute path of its replay of the game
    replay: str
    replay_sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelapseRequest:
    """A worker's whole task."""

    rom: str
    #: of the ROM without its header
    rom_sha256: Digest
    #: the game that all play
    seed: int
    #: how much of each game's end is shown
    seconds: float
    #: all that are on the curve, by step
    sights: tuple[Sight, ...]
    #: folder of films of earlier time-lapses, read-only; null: there are none
    films: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelapseResult:
    """What a worker made, below its `clips`."""

    seed: int
    video: str
    grid: str
    #: seconds of each
    video_seconds: float
    grid_seconds: float
    #: steps in the one and in the other
    steps: tuple[int, ...]
    grid_steps: tuple[int, ...]
    #: files that it is made of: those that are new are below `clips` too, the others were found in `films`
    films: tuple[str, ...]
    #: step -> why that checkpoint is not in it
    problems: Mapping[str, str] = field(default_factory=dict)
    started_at: float
    finished_at: float


def telling_seed(won: Sequence[Mapping[int, bool]]) -> int:
    """The game that tells most of how the run went: lost early, won late.

    That is the one won by more of the later half of the checkpoints than of the earlier half, of equal ones the
    lowest seed. Only the first 1, 2, 4, 8 ... checkpoints are looked at: the game changes at most when there are twice
    as many as at its last choice, and so all is filmed anew only that often.

    Args:
        won: for each checkpoint, by step: seed -> whether it won. All of the same seeds.

    Raises:
        ValueError: no checkpoint, or no seed.
    """
    looked_at = won[: 1 << (len(won).bit_length() - 1)] if won else ()
    if not looked_at or not looked_at[0]:
        raise ValueError("a time-lapse needs a checkpoint and a game")
    half = len(looked_at) // 2
    later, earlier = looked_at[half:], looked_at[:half]

    def gain(seed: int) -> int:
        return sum(games.get(seed, False) for games in later) - sum(games.get(seed, False) for games in earlier)

    return max(sorted(looked_at[0]), key=gain)


def thinned(items: Sequence[Item], most: int) -> tuple[Item, ...]:
    """At most `most` of them, spread evenly, the first and the last among them.

    Every 1st, 2nd, 4th, 8th ... is kept, and the last: as more come at the end, those that are kept stay until there are
    twice as many.
    """
    every = 1
    while -(-len(items) // every) > most - 1 and len(items) > most:
        every *= 2
    kept = items[::every]
    return tuple(kept) if not items or (len(items) - 1) % every == 0 else (*kept, items[-1])


def round_end(step: int) -> int:
    """The end of an axis that has room for a step: 1, 2 or 5 times a power of ten.

    Of the step alone, so that the curve of an earlier checkpoint never has to be drawn again for it.
    """
    power = int("1" + "0" * (len(str(max(step, 1))) - 1))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)
