"""The manifest of an archive: a line of JSON a file, in the order of the archive; it is the archive's last member.

Written and compared as a stream, so that memory stays flat however many files there are.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

#: last member of every archive
MANIFEST: Final = "manifest.jsonl"
SCHEMA: Final = "training-run-observer/archive/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the archive."""

    #: relative to the run's folder
    path: str
    size_bytes: int
    sha256: str

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The first line."""

    schema: str
    #: the run's name
    run: str
    #: version of the observer
    observer: str

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


_ENTRY: Final = TypeAdapter(Entry)
_HEADING: Final = TypeAdapter(Heading)


def heading_of(line: bytes) -> Heading | None:
    """None: it is none that this version knows."""
    try:
        heading = _HEADING.validate_json(line)
    except ValidationError:
        return None
    return heading if heading.schema == SCHEMA else None


def entry_of(line: bytes) -> Entry | None:
    """None: it is damaged."""
    try:
        return _ENTRY.validate_json(line)
    except ValidationError:
        return None
