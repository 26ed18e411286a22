"""Clearing away what nothing needs any more: directories of finished jobs, snapshots of finished checkpoints."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from observer.adapters.letterbox import Letterbox
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.layout import RunLayout
from observer.files import lies_inside, remove_torn

log = structlog.get_logger()

#: a zip is laid into the letter box just before its request is made, and a file is written just before it has its name
_FORGOTTEN_SECONDS: Final = 3600.0


class Upkeep:
    """One run's `.work` folder, kept small."""

    def __init__(
        self, *, store: Store, layout: RunLayout, snapshots: Snapshots, letterbox: Letterbox, clock: Clock
    ) -> None:
        self._store = store
        self._letterbox = letterbox
        self._clock = clock
        self._layout = layout
        self._snapshots = snapshots

    def sweep(self) -> None:
        """Delete leftovers; what any unfinished job may still need stays."""
        folders = self._sweep_jobs()
        forgotten = self._clock.now() - _FORGOTTEN_SECONDS
        if self._is_ours(self._layout.asked):
            self._letterbox.remove_except(self._store.requests.letters(), older_than=forgotten)
        for folder in filter(self._is_ours, self._written_to()):
            remove_torn(folder, older_than=forgotten)
        snapshots = 0
        if self._is_ours(self._layout.snapshots):
            snapshots = self._snapshots.remove_except(self._store.copies.wanted())
        if folders or snapshots:
            log.debug("work.swept", jobs=folders, snapshots=snapshots)

    def _sweep_jobs(self) -> int:
        needed = self._store.unsettled()
        folders = 0
        for folder in self._layout.jobs.glob("*.*") if self._is_ours(self._layout.jobs) else ():
            number = folder.name.partition(".")[0]
            if number.isdecimal() and int(number) not in needed:
                shutil.rmtree(folder, ignore_errors=True)
                folders += 1
        return folders

    def _is_ours(self, folder: Path) -> bool:
        """Somebody may have put a link in its place: what lies behind it is not ours to clear away."""
        return lies_inside(folder, self._layout.output)

    def _written_to(self) -> Iterator[Path]:
        layout = self._layout
        yield from (
            layout.output,
            layout.work,
            layout.snapshots,
            layout.asked,
            layout.report.parent,
            layout.start_states,
        )
        yield from layout.tensorboard.glob("*")
