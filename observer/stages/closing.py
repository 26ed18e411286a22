"""Closing a run: everything of it moves below `closed/`, and an empty folder is left for the next one.

Intended durably first and finished under the folder's lock, by the same process or the next one: a kill in between loses
nothing. Only renames, below the output folder alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from observer.adapters import closed
from observer.adapters.store import Store
from observer.core.clock import iso
from observer.core.errors import StoreError
from observer.core.layout import RunLayout
from observer.files import sync_folder, write_whole

log = structlog.get_logger()

#: of whoever observes, not of what was observed
_STAYS_IN_WORK: Final = frozenset({"daemon.lock", "daemon.json", "closing.json", "asked", "start-states"})


def intend(layout: RunLayout, name: str) -> None:
    """Have the run closed under a name, by whoever holds its lock next.

    Raises:
        OSError: the disk is full or not writable.
    """
    write_whole(layout.closing, json.dumps({"name": name}))


def finish(layout: RunLayout, *, now: float) -> str | None:
    """Close the run if that is intended; its name, or None. The caller holds the folder's lock, and no database is open.

    Raises:
        OSError: something cannot be moved; a later call goes on.
        StoreError: the database cannot be read; nothing was moved.
    """
    try:
        name = str(json.loads(layout.closing.read_text(encoding="utf-8"))["name"])
    except FileNotFoundError:
        return None
    target = RunLayout(layout.closed / name)
    target.work.mkdir(parents=True, exist_ok=True)
    if name not in closed.read(layout.closed_list).names:
        closed.record(layout.closed_list, _seen(layout, name, now=now))
    for source in [*_of_work(layout), *_of_run(layout)]:
        source.rename(target.output / source.relative_to(layout.output))
    for folder in (target.work, target.output, layout.closed, layout.work, layout.output):
        sync_folder(folder)
    layout.closing.unlink()
    log.info("run.closed", name=name, folder=str(target.output))
    return name


def moved(layout: RunLayout) -> list[Path]:
    """What closing the run moves."""
    return [*_of_run(layout), *_of_work(layout)]


def _seen(layout: RunLayout, name: str, *, now: float) -> closed.ClosedRun:
    if not layout.database.exists():
        raise StoreError(f"there is no database at {layout.database}: there is no run to be closed")
    with Store(layout.database) as store:
        return closed.ClosedRun(
            name=name,
            closed_at=iso(now),
            evaluations=store.totals.evaluations(),
            checkpoints=tuple(sorted(store.totals.digests())),
            seen=store.seen_files(),
        )


def _of_run(layout: RunLayout) -> Iterator[Path]:
    stays = {layout.closed, layout.closed_list, layout.work}
    yield from sorted(path for path in layout.output.iterdir() if path not in stays)


def _of_work(layout: RunLayout) -> Iterator[Path]:
    yield from sorted(path for path in layout.work.iterdir() if path.name not in _STAYS_IN_WORK)
