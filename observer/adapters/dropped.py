"""What was dropped to keep within a run's room, in `dropped.jsonl`: a line a thing, written before it is deleted.

It is evidence, like the results beside it: a new database takes for dropped what is said to be and is not there.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from observer.core.clock import iso
from observer.core.retention import Item
from observer.files import append_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A line of the file."""

    #: clip, replays or snapshot
    kind: str
    #: relative to the output folder
    path: str
    size_bytes: int
    #: of its checkpoint
    step: int
    #: ISO-8601
    dropped_at: str
    #: where it can be found; empty: it was kept nowhere else
    archive: str


_LINE: TypeAdapter[Dropped] = TypeAdapter(Dropped)


def record(path: Path, items: Iterable[Item], *, now: float) -> None:
    """Say durably that these go.

    Raises:
        OSError: the disk is full or not writable.
    """
    lines = [
        Dropped(
            kind=item.kind,
            path=str(item.path),
            size_bytes=item.size_bytes,
            step=item.step,
            dropped_at=iso(now),
            archive=item.archive,
        )
        for item in items
    ]
    if lines:
        append_line(path, "\n".join(json.dumps(asdict(line)) for line in lines))


def missing(output: Path, path: Path) -> dict[PurePosixPath, Dropped]:
    """What was dropped and is not there again, by its path relative to the output folder."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    found: dict[PurePosixPath, Dropped] = {}
    for line in lines:
        try:
            told = _LINE.validate_json(line)
        except ValidationError:  # torn by a crash
            continue
        found[PurePosixPath(told.path)] = told
    return {name: told for name, told in found.items() if not _is_there(output / name)}


def _is_there(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()
