"""A run made into one file: packed, read back, and noted, so that its replays may make room for others."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from observer import __version__
from observer.adapters.archives import ledger, places
from observer.adapters.archives.checking import Checked, check
from observer.adapters.archives.packing import Contents, Packed, pack
from observer.adapters.store import copy_database
from observer.core.clock import SystemClock, iso
from observer.core.errors import ObserverError
from observer.core.layout import RunLayout

_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be archived, and where to."""

    layout: RunLayout
    #: its name in the configuration
    run: str
    #: a folder, a file ending in `.tar.zst`, or the address of either
    place: str
    has_snapshots: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One that is there, whole."""

    file: str
    size_bytes: int
    packed: Packed
    #: why it could not be noted in the run that its replays lie there; empty: it is
    problem: str


def archive_run(order: Order, *, on_bytes: Callable[[int], None] = lambda _: None) -> Archive:
    """Archive a run, also one that a daemon works on; whole or not at all.

    Args:
        order: what and where to.
        on_bytes: called with how many bytes were read, for a progress bar; they are read twice where they can be.

    Raises:
        ObserverError: it cannot be written there, or did not come back as it was written.
        StoreError: there is no run, or its database cannot be read.
    """
    now = SystemClock().now()
    file = places.file_in(order.place, name=f"{slug(order.run)}-{stamp(now)}{places.SUFFIX}")
    _refuse_inside(file, order.layout)
    with tempfile.TemporaryDirectory(prefix="observer-archive-") as scratch:
        copy = Path(scratch, order.layout.database.name)
        copy_database(order.layout.database, copy)
        contents = Contents(
            layout=order.layout,
            run=slug(order.run),
            version=__version__,
            database=copy,
            has_snapshots=order.has_snapshots,
        )
        packed = _write(contents, file, on_bytes=on_bytes)
    size = places.size_of(file)
    noted = ledger.Archived(archive=file, size_bytes=size, archived_at=iso(now), replays=packed.replays)
    return Archive(file=file, size_bytes=size, packed=packed, problem=_note(order.layout, noted))


def check_archive(place: str, *, on_bytes: Callable[[int], None] = lambda _: None) -> Checked:
    """Read an archive to its end and hold every file against its manifest.

    Raises:
        ObserverError: it cannot be read.
    """
    with places.reading(place) as source:
        return check(source, on_bytes=on_bytes)


def slug(name: str) -> str:
    """A run's name as that of a file."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:_LONGEST_NAME] or "run"


def stamp(unix_seconds: float) -> str:
    """`20260102-030405`, UTC."""
    return re.sub(r"[-:]|\..*", "", iso(unix_seconds)).replace("T", "-")


def _write(contents: Contents, file: str, *, on_bytes: Callable[[int], None]) -> Packed:
    with places.writing(file) as target:
        packed = pack(contents, target, on_bytes=on_bytes)
        if not places.is_address(file):  # what was sent elsewhere is not fetched again unasked
            target.seek(0)
            _require_sound(check(target, on_bytes=on_bytes), packed, file)
    return packed


def _require_sound(checked: Checked, packed: Packed, file: str) -> None:
    if checked.problems or checked.files != packed.files:
        raise ObserverError(f"{file} did not come back as it was written ({'; '.join(checked.problems)}): try again")


def _refuse_inside(file: str, layout: RunLayout) -> None:
    """It would grow by itself; beside closed runs is the place for their archives."""
    here = Path(file).resolve()
    if not places.is_address(file) and here.is_relative_to(layout.output.resolve()):
        raise ObserverError(f"{file} lies in the run's own folder: name a place outside of {layout.output}")


def _note(layout: RunLayout, noted: ledger.Archived) -> str:
    try:
        ledger.record(layout.archives, noted)
    except OSError as error:
        return f"{layout.archives} cannot be written ({error.strerror}): its replays are not known to lie there"
    return ""
