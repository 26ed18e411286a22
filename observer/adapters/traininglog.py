"""The trainer's own TensorBoard log, read as it grows, without torch or TensorFlow: how far it was at which moment.

An event file is a row of records: 8 bytes of length, their checksum, the record, its checksum. A record that is not
whole yet is read the next time; a file that makes no sense is read no further. Nothing is ever written there.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from observer.core.trainingspeed import SpeedPoint

#: SB3 writes it with every line of its log, at the step that training had come to
TAG: Final = "time/fps"
_LENGTH: Final = struct.Struct("<Q4x")
_CHECKSUM_BYTES: Final = 4
#: larger records are pictures and graphs, which hold no speed
_MOST_RECORD_BYTES: Final = 2**20
#: taken in by one call: the loop must come round
_MOST_BYTES: Final = 16 * 2**20
_MOST_POINTS: Final = 20_000
#: a training run's log lies near its checkpoints; a data set beside them is not searched through
_DEPTH: Final = 3
_MOST_ENTRIES: Final = 20_000
#: at the end of the names of our own event files
_OURS: Final = ".observer"


class TrainingLog:
    """The newest event file below some folders: `find` it now and then, `read` what is new in it."""

    def __init__(self, folders: Sequence[Path], *, without: Sequence[Path] = ()) -> None:
        """The first of `folders` that has an event file counts; what lies in `without` is passed over."""
        self._folders = tuple(folders)
        self._without = frozenset(without)
        self._path: Path | None = None
        self._offset = 0
        self._points: list[SpeedPoint] = []

    def find(self) -> Path | None:
        """The file that `read` reads from now on; None: there is none. A training that begins anew has a new one."""
        found = (max(_event_files(folder, self._without), default=None) for folder in self._folders)
        _, newest = next((one for one in found if one is not None), (0, None))
        if newest != self._path:
            self._path, self._offset, self._points = newest, 0, []
        return newest

    def read(self) -> Sequence[SpeedPoint]:
        """The points of the file, oldest first, with those that are new."""
        if self._path is not None:
            self._points += self._new_points(self._path)
            del self._points[:-_MOST_POINTS]
        return tuple(self._points)

    def _new_points(self, path: Path) -> list[SpeedPoint]:
        points: list[SpeedPoint] = []
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                begin = self._offset if self._offset <= size else 0
                file.seek(begin)
                while file.tell() - begin < _MOST_BYTES and (record := _record(file, size)) is not None:
                    points += _points_of(record)
                    self._offset = file.tell()
        except OSError:  # it was moved away, or is not ours to read
            return points
        return points


def _record(file: BinaryIO, size: int) -> bytes | None:
    """The next record; empty where it is none of ours; None where none is whole yet."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if file.tell() + length + _CHECKSUM_BYTES > size:
        return None
    if length > _MOST_RECORD_BYTES:
        file.seek(length + _CHECKSUM_BYTES, os.SEEK_CUR)
        return b""
    return file.read(length + _CHECKSUM_BYTES)[:length]


def _points_of(record: bytes) -> Iterator[SpeedPoint]:
    from google.protobuf.message import DecodeError  # noqa: PLC0415 -- 0.3 s that are spent where there is a log
    from tensorboard.compat.proto import event_pb2  # noqa: PLC0415 -- as above

    try:
        event = event_pb2.Event.FromString(record)
    except DecodeError:
        return
    if any(value.tag == TAG for value in event.summary.value):
        yield SpeedPoint(moment=event.wall_time, step=event.step)


def _event_files(folder: Path, without: frozenset[Path]) -> Iterator[tuple[int, Path]]:
    """When each was written last, and its path; ours and what lies too deep are passed over."""
    entries = 0
    for above, folders, names in os.walk(folder):
        entries += len(folders) + len(names)
        is_deep = len(Path(above).relative_to(folder).parts) >= _DEPTH
        folders[:] = [] if is_deep else sorted(name for name in folders if Path(above, name) not in without)
        for name in names:
            if "tfevents" in name and not name.endswith(_OURS):
                with suppress(OSError):
                    yield Path(above, name).stat().st_mtime_ns, Path(above, name)
        if entries > _MOST_ENTRIES:
            return
