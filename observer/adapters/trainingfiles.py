"""Our copies of what the training process recorded, and `training.csv`, the one table of all its metrics.

Only reads in the training's folder. A copy grows with its file; where that was begun anew under the same name, the copy
stays and another one begins.
"""

import csv
import io
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from env.recordings import COLUMNS, TABLE_SUFFIX, SegmentName, is_table_name
from env.segment import SUFFIX
from observer.files import write_whole

#: of `training.csv`
TRAINING_COLUMNS: Final = (*COLUMNS, "environment")
#: more than a full segment can have
_LARGEST_BYTES: Final = 1 << 26


class TrainingFiles:
    """The folder `training/` of a run."""

    def __init__(self, *, source: Path, target: Path, closed: Path) -> None:
        """`closed` holds the folders of runs that were closed: what they took in is theirs."""
        self._closed = closed
        self._source = source
        self._target = target
        #: path -> size and time of what was copied
        self._seen: dict[Path, tuple[int, int]] = {}

    def take_in(self) -> list[Path]:
        """Copy what is new, oldest first; the copies that have changed.

        Raises:
            OSError: the disk is full, or a folder cannot be read.
        """
        changed = []
        for path in sorted(self._recorded(), key=_place):
            state = path.stat()
            seen_as = (state.st_size, state.st_mtime_ns)
            if self._seen.get(path) != seen_as and state.st_size <= _LARGEST_BYTES:
                changed += self._copy(path)
                self._seen[path] = seen_as
        return changed

    def segments(self) -> list[Path]:
        """The copies, in the order of the training within each environment."""
        return sorted((path for path in _files(self._target) if SegmentName.of(path.name)), key=_place)

    def merge(self, table: Path) -> None:
        """Write the rows of all tables in the order of their times, each with its environment."""
        tables = sorted(filter(_is_table, _files(self._target)), key=lambda path: path.stem)
        rows = [
            row for path in tables for row in _rows(path)
        ]  # within a second, a run begun anew comes behind its former
        rows.sort(key=_time)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(TRAINING_COLUMNS)
        writer.writerows(rows)
        write_whole(table, text.getvalue())

    def _recorded(self) -> Iterator[Path]:
        return (path for path in _files(self._source) if SegmentName.of(path.name) or is_table_name(path.name))

    def _copy(self, path: Path) -> list[Path]:
        data = path.read_bytes()
        if path.suffix == TABLE_SUFFIX:
            data = data[: data.rfind(b"\n") + 1]  # a line that is being written, or is torn, is none yet
        for former in sorted(self._closed.glob(f"*/{self._target.name}/{path.name}")):
            data = _beyond(former.read_bytes(), data, is_table=path.suffix == TABLE_SUFFIX)
        if not data:
            return []
        for number in count():
            copy = self._target / _name(path.name, number)
            held = copy.read_bytes() if copy.exists() else b""
            if held.startswith(data):
                return []
            if data.startswith(held):
                write_whole(copy, data)
                return [copy]
        raise AssertionError


def _beyond(former: bytes, data: bytes, *, is_table: bool) -> bytes:
    """What a closed run has not taken in: of a table the rows, a segment as a whole."""
    if former.startswith(data):
        return b""
    if is_table and former and data.startswith(former):
        return data[: data.find(b"\n") + 1] + data[len(former) :]
    return data


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())


def _place(path: Path) -> tuple[str, int, int]:
    name = SegmentName.of(path.name)
    return (path.name, 0, 0) if name is None else (name.run, name.env, name.number)


def _name(name: str, number: int) -> str:
    """Of the copy; of one that was begun anew, with a number."""
    if not number:
        return name
    segment = SegmentName.of(name)
    if segment is None:
        return f"{name.removesuffix(TABLE_SUFFIX)}.{number}{TABLE_SUFFIX}"
    return f"{segment.run}.{number}-{segment.env}-{segment.number}{SUFFIX}"


def _is_table(path: Path) -> bool:
    return path.suffix == TABLE_SUFFIX


def _rows(path: Path) -> Iterator[list[str]]:
    """The whole rows of a table; what is none is passed over."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for row in csv.reader(lines[1:]):
        if len(row) == len(COLUMNS):
            yield [*row, path.name.removesuffix(TABLE_SUFFIX)]


def _time(row: list[str]) -> str:
    return row[0]
