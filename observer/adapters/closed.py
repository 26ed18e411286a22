"""Runs that were closed, in `closed.jsonl`: a line a run, with all that it had seen of the watched folder.

What they saw is not played again by the run that came after them: neither the files as they were, nor the same bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from observer.core.models import Digest
from observer.files import append_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRun:
    """A line of the file."""

    name: str
    #: ISO-8601
    closed_at: str
    evaluations: int
    #: every checkpoint that it knew
    checkpoints: tuple[Digest, ...]
    #: path of every file that it looked at -> what it looked like
    seen: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRuns:
    """All of them together."""

    names: frozenset[str] = frozenset()
    checkpoints: frozenset[Digest] = frozenset()
    seen: Mapping[str, str] = field(default_factory=dict)


_LINE: TypeAdapter[ClosedRun] = TypeAdapter(ClosedRun)


def record(path: Path, run: ClosedRun) -> None:
    """Say durably what a run had seen.

    Raises:
        OSError: the disk is full or not writable.
    """
    append_line(path, json.dumps(asdict(run)))


def read(path: Path) -> ClosedRuns:
    """What all closed runs had seen; a line torn by a crash is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ClosedRuns()
    runs = []
    for line in lines:
        try:
            runs.append(_LINE.validate_json(line))
        except ValidationError:
            continue
    return ClosedRuns(
        names=frozenset(run.name for run in runs),
        checkpoints=frozenset(digest for run in runs for digest in run.checkpoints),
        seen={path: seen for run in runs for path, seen in run.seen.items()},
    )
