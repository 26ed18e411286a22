"""What of a run lies in which archive, in `archives.jsonl`: a line an archive, written once it is whole and was read back."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from observer.files import append_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A line of the file."""

    #: a path, or an address such as `s3://bucket/name.tar.zst`
    archive: str
    size_bytes: int
    #: ISO-8601
    archived_at: str
    #: folders of replays that lie in it whole, relative to the output folder
    replays: tuple[str, ...]


_LINE: TypeAdapter[Archived] = TypeAdapter(Archived)


def record(path: Path, archived: Archived) -> None:
    """Say durably what has been archived.

    Raises:
        OSError: the disk is full or not writable.
    """
    append_line(path, json.dumps(asdict(archived)))


def read(path: Path) -> Sequence[Archived]:
    """What was archived, in that order; a line torn by a crash is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found = []
    for line in lines:
        try:
            found.append(_LINE.validate_json(line))
        except ValidationError:
            continue
    return found


def replays_in(path: Path) -> dict[PurePosixPath, str]:
    """Folder of an evaluation -> an archive that holds its replays; one on this machine counts while it is there."""
    found: dict[PurePosixPath, str] = {}
    for entry in read(path):
        if "://" in entry.archive or _is_there(Path(entry.archive), entry.size_bytes):
            found |= {PurePosixPath(folder).parent: entry.archive for folder in entry.replays}
    return found


def _is_there(archive: Path, size_bytes: int) -> bool:
    try:
        return archive.stat().st_size == size_bytes
    except OSError:
        return False
