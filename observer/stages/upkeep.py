"""Clearing away what nothing needs any more: directories of finished jobs, snapshots of finished checkpoints."""

import shutil

import structlog

from observer.adapters.snapshots import Snapshots
from observer.adapters.store import Store
from observer.core.layout import RunLayout
from observer.core.models import JobState

log = structlog.get_logger()


class Upkeep:
    """One run's `.work` folder, kept small."""

    def __init__(self, *, store: Store, layout: RunLayout, snapshots: Snapshots) -> None:
        self._store = store
        self._layout = layout
        self._snapshots = snapshots

    def sweep(self) -> None:
        """Delete leftovers; what any unfinished job may still need stays."""
        needed = {job.id for job in self._store.jobs() if job.state is not JobState.DONE}
        folders = 0
        for folder in self._layout.jobs.glob("*.*"):
            number = folder.name.partition(".")[0]
            if number.isdecimal() and int(number) not in needed:
                shutil.rmtree(folder, ignore_errors=True)
                folders += 1
        snapshots = self._snapshots.remove_except(self._store.wanted_snapshots())
        if folders or snapshots:
            log.debug("work.swept", jobs=folders, snapshots=snapshots)
