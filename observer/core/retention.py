"""What may be dropped to keep a run within its room, and in which order. Pure: values in, a choice out.

Clips go before replays, replays only where an archive holds them, and what is pinned never goes. What is not listed
as an item, such as results, the database or anybody else's files, cannot be chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath


class ItemKind(StrEnum):
    """In the order in which they go."""

    #: a film with its poster; can be made again from the replay
    CLIP = "clip"
    #: all replays of an evaluation
    REPLAYS = "replays"
    #: the copy of a checkpoint that was passed over
    SNAPSHOT = "snapshot"


_ORDER = {kind: number for number, kind in enumerate(ItemKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something of ours that may be dropped unless it is pinned."""

    kind: ItemKind
    #: relative to the output folder: of a clip the film, of replays their folder, of a snapshot the zip
    path: PurePosixPath
    #: every file of it, likewise
    files: tuple[PurePosixPath, ...]
    size_bytes: int
    #: of its checkpoint
    step: int
    #: Unix seconds; the oldest of a kind goes first
    made_at: float
    #: why it stays; empty: it may go
    pin: str = ""
    #: goes after the others of its kind
    is_favourite: bool = False
    #: what holds it as well; empty: nothing does
    archive: str = ""

    @property
    def may_go(self) -> bool:
        return not self.pin and (self.kind is not ItemKind.REPLAYS or bool(self.archive))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes."""

    #: that the run may take up in its output folder; None: as many as there are
    quota: int | None = None
    #: that stay free on the disk; 0: none
    free_floor: int = 0
    #: that copies of skipped checkpoints may take up
    skipped: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Bytes."""

    used: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    drop: tuple[Item, ...]
    #: bytes that are still too many when all of these have gone
    over_quota: int
    below_floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An evaluation, as far as pinning goes."""

    directory: PurePosixPath
    plan: str
    step: int
    wins: int
    games: int


def pins(played: Sequence[Played]) -> Mapping[PurePosixPath, str]:
    """The evaluations whose clips and replays always stay, and why: of each plan the best, the first clear, the final."""
    found: dict[PurePosixPath, str] = {}
    by_plan: dict[str, list[Played]] = {}
    for entry in sorted(played, key=lambda entry: (entry.step, str(entry.directory))):
        by_plan.setdefault(entry.plan, []).append(entry)
    for entries in by_plan.values():
        found[entries[-1].directory] = "final"
        clearing = [entry for entry in entries if entry.wins]
        if clearing:
            found[max(clearing, key=lambda entry: entry.wins / entry.games).directory] = "best"
            found[clearing[0].directory] = "first clear"
    return found


def choose(items: Iterable[Item], limits: Limits, usage: Usage) -> Choice:
    """What goes: copies of skipped checkpoints past their own limit, then whatever makes room, until there is enough."""
    going = [item for item in items if item.may_go]
    going.sort(key=lambda item: (_ORDER[item.kind], item.is_favourite, item.made_at, item.step, str(item.path)))
    drop = _past_limit([item for item in going if item.kind is ItemKind.SNAPSHOT], limits.skipped)
    gone, freed = {item.path for item in drop}, sum(item.size_bytes for item in drop)
    for item in going:
        if freed >= _excess(limits, usage):
            break
        if item.path not in gone:
            drop.append(item)
            freed += item.size_bytes
    return Choice(
        drop=tuple(drop),
        over_quota=max(_over_quota(limits, usage) - freed, 0),
        below_floor=max(limits.free_floor - usage.free - freed, 0),
    )


def _past_limit(oldest_first: Sequence[Item], limit: int | None) -> list[Item]:
    excess = 0 if limit is None else sum(item.size_bytes for item in oldest_first) - limit
    drop: list[Item] = []
    for item in oldest_first:
        if excess <= 0:
            break
        drop.append(item)
        excess -= item.size_bytes
    return drop


def _over_quota(limits: Limits, usage: Usage) -> int:
    return 0 if limits.quota is None else max(usage.used - limits.quota, 0)


def _excess(limits: Limits, usage: Usage) -> int:
    return max(_over_quota(limits, usage), limits.free_floor - usage.free, 0)
