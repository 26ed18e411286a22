"""Keeping a run within its room: measures, has `core.retention` choose, drops, and says where nothing may go any more.

Deletes single files that the database knows as its own, inside the output folder, and says so durably before.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import structlog

from observer.adapters import dropped
from observer.adapters.archives import ledger
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.holdings import Holding, holding_of
from observer.core.layout import RunLayout
from observer.core.models import Clip, Digest, Evaluation
from observer.core.retention import Choice, Item, ItemKind, Limits, Played, Usage, choose, pins
from observer.files import files_below, lies_inside, remove_inside, size_on_disk

log = structlog.get_logger()

#: with too little room, it is looked for again so often
_LOOK_SECONDS: Final = 30.0
_GIB: Final = 1 << 30
#: why clips of these reasons stay, whatever checkpoint they are of
_PINNED: Final = {"first_clear": "first clear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings:
    """In GiB, as in the section `disk` of the configuration."""

    quota_gib: float | None = None
    free_floor_gib: float = 0.0
    skipped_gib: float | None = None

    @property
    def limits(self) -> Limits:
        quota, skipped = self.quota_gib, self.skipped_gib
        return Limits(
            quota=None if quota is None else int(quota * _GIB),
            free_floor=int(self.free_floor_gib * _GIB),
            skipped=None if skipped is None else int(skipped * _GIB),
        )


class Retention:
    """One run's room on its disk."""

    def __init__(self, *, settings: RoomSettings, store: Store, layout: RunLayout, clock: Clock) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._store = store
        self._layout = layout
        self._clock = clock
        #: revision, whether the disk was too full, monotonic time
        self._looked_at: tuple[int, bool, float] = (-1, False, float("-inf"))
        self._problem = ""

    @property
    def problem(self) -> str:
        """Why nothing more is started; empty: there is room."""
        return self._problem

    @property
    def may_take_in(self) -> bool:
        """Whether new files may be copied: over the quota still, but not from what training needs itself."""
        return not self._limits.free_floor or self._free() >= self._limits.free_floor

    def look(self) -> None:
        """Make room where there is too little; cheap where nothing has changed.

        Raises:
            OSError: what is to go could not be written down; nothing more is deleted.
        """
        revision, free = self._store.revision(), self._free()
        is_short, now = free < self._limits.free_floor, self._clock.monotonic()
        known, was_short, at = self._looked_at
        is_due = (is_short or bool(self._problem)) and now - at >= _LOOK_SECONDS
        if (known, was_short) == (revision, is_short) and not is_due:
            return
        self._looked_at = (revision, is_short, now)
        choice = choose(self._items(), self._limits, Usage(used=self._used(), free=free))
        self._drop(choice.drop)
        self._say(choice)

    # -- what there is

    def _free(self) -> int:
        return shutil.disk_usage(self._layout.output).free

    def _used(self) -> int:
        """What the run takes up; closed runs are none of it. Nobody asks where there is no quota."""
        if self._limits.quota is None:
            return 0
        found = files_below(self._layout.output)
        return sum(size_on_disk(state) for path, state in found if holding_of(path) is not Holding.CLOSED)

    def _items(self) -> list[Item]:
        """What is there of what may be dropped; where nothing is short, the copies alone, which have a limit of their own."""
        found = [*self._snapshots()]
        if self._limits.quota is not None or self._free() < self._limits.free_floor:
            found += self._evidence()
        return [item for item in found if item.files]

    def _snapshots(self) -> Iterator[Item]:
        """Copies of checkpoints that nothing will play unless somebody asks."""
        layout = self._layout
        for checkpoint in self._store.copies.skipped():
            zipped = layout.snapshot(checkpoint.digest)
            files = [zipped, *zipped.parent.glob(f"{checkpoint.digest}.*.pkl")]
            yield self._item(ItemKind.SNAPSHOT, zipped, files, step=checkpoint.step, made_at=checkpoint.seen_at)

    def _evidence(self) -> Iterator[Item]:
        evaluations, wins = self._store.evaluations(), self._store.totals.wins()
        pinned = pins([_played(evaluation, wins) for evaluation in evaluations])
        archived, awaited = ledger.replays_in(self._layout.archives), self._store.totals.awaited()
        for evaluation in evaluations:
            folder, pin = self._layout.output / evaluation.directory, pinned.get(evaluation.directory, "")
            for clip in evaluation.clips:
                item = self._of(evaluation, ItemKind.CLIP, folder / "clips" / clip.video, _files_of(folder, clip))
                reason = clip.highlight.reason
                yield replace(item, pin=_PINNED.get(reason, pin), is_favourite=reason == "best")
            replays = folder / "replays"
            item = self._of(evaluation, ItemKind.REPLAYS, replays, sorted(replays.glob("*.replay")))
            awaits = "awaited" if evaluation.id in awaited else ""
            yield replace(item, pin=pin or awaits, archive=archived.get(evaluation.directory, ""))

    def _of(self, evaluation: Evaluation, kind: ItemKind, path: Path, files: Sequence[Path]) -> Item:
        return self._item(kind, path, files, step=evaluation.checkpoint.step, made_at=evaluation.finished_at)

    def _item(self, kind: ItemKind, path: Path, files: Sequence[Path], *, step: int, made_at: float) -> Item:
        """An item with those of its files that are there, and are ours: what lies behind a link is not."""
        output = self._layout.output
        there = [file for file in files if file.is_file() and lies_inside(file, output)]
        return Item(
            kind=kind,
            path=PurePosixPath(path.relative_to(output)),
            files=tuple(PurePosixPath(file.relative_to(output)) for file in there),
            size_bytes=sum(size_on_disk(file.lstat()) for file in there),
            step=step,
            made_at=made_at,
        )

    # -- what becomes of it

    def _drop(self, items: Sequence[Item]) -> None:
        if not items:
            return
        dropped.record(self._layout.dropped, items, now=self._clock.now())
        self._store.copies.drop(Digest(item.path.stem) for item in items if item.kind is ItemKind.SNAPSHOT)
        for item in items:
            for file in item.files:
                with suppress(FileNotFoundError):
                    remove_inside(self._layout.output, file)
        sizes = {kind: sum(item.size_bytes for item in items if item.kind is kind) for kind in ItemKind}
        told = {f"{kind.value}_bytes": size for kind, size in sizes.items() if size}
        log.info("room.made", things=len(items), **told)

    def _say(self, choice: Choice) -> None:
        problem = self._sentence(choice)
        if problem and not self._problem:
            log.error("room.missed", problem=problem, waiting="what waits is taken up when there is room")
        elif self._problem and not problem:
            log.info("room.found", output=str(self._layout.output))
        self._problem = problem

    def _sentence(self, choice: Choice) -> str:
        settings, output = self._settings, self._layout.output
        what = "nothing more of ours may be dropped: `observer archive` lets replays go, or"
        if choice.below_floor:
            free = self._free() / _GIB
            floor = f"disk.free_floor_gib is {settings.free_floor_gib:g}"
            return f"only {free:.2f} GiB are free on the disk of {output} ({floor}), and {what} free some space"
        if choice.over_quota:
            over = choice.over_quota / _GIB
            quota = f"its quota of {settings.quota_gib:g} GiB"
            return f"{output} takes up {over:.2f} GiB more than {quota}, and {what} raise disk.quota_gib"
        return ""


def _played(evaluation: Evaluation, wins: Mapping[int, tuple[int, int]]) -> Played:
    won, games = wins.get(evaluation.id, (0, 1))
    return Played(
        directory=evaluation.directory,
        plan=evaluation.plan_digest,
        step=evaluation.checkpoint.step,
        wins=won,
        games=games,
    )


def _files_of(folder: Path, clip: Clip) -> list[Path]:
    return [folder / "clips" / name for name in (clip.video, clip.poster)]
