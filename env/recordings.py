"""The files that a training process leaves of its games, and their names: segments of replays, and tables of metrics.

`<run>-<env>-<n>.segment` and `<run>-<env>.csv`; each has one writer, and what an earlier one wrote stays. What cannot be
written is said once and costs the training nothing else.
"""

import csv
import fcntl
import os
import re
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import FileIO, StringIO
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from env.errors import ReplayError
from env.replay import Replay
from env.segment import SUFFIX, SegmentWriter, games, write_all

COLUMNS: Final = (
    "timestamp", "episode", "timestep", "viruses_cleared", "max_combo", "topped_out", "episode_length", "total_reward"
)  # fmt: skip
TABLE_SUFFIX: Final = ".csv"

_SEGMENT_NAME: Final = re.compile(r"(?P<run>[\w.-]*\w)-(?P<env>\d+)-(?P<number>\d+)\.segment")
_TABLE_NAME: Final = re.compile(r"(?P<run>[\w.-]*\w)-(?P<env>\d+)\.csv")
_RUN_NAME: Final = re.compile(r"[\w.-]*\w")
_TAIL_BYTES: Final = 4096


class SegmentName(NamedTuple):
    """What the name of a segment tells."""

    run: str
    env: int
    number: int

    @classmethod
    def of(cls, name: str) -> "SegmentName | None":
        """None: it is no name of a segment."""
        found = _SEGMENT_NAME.fullmatch(name)
        return found and cls(found["run"], int(found["env"]), int(found["number"]))

    def __str__(self) -> str:
        return f"{self.run}-{self.env}-{self.number}{SUFFIX}"


def is_table_name(name: str) -> bool:
    """Whether it is the name of a table of metrics."""
    return _TABLE_NAME.fullmatch(name) is not None


def check_run_name(run: str) -> None:
    """Refuse a name that files cannot be named after.

    Raises:
        ValueError: it has other signs than letters, digits, dots, dashes and underscores, or ends in a dash or dot.
    """
    if not _RUN_NAME.fullmatch(run):
        raise ValueError(f"run {run!r}: name it with letters, digits, dots, dashes and underscores")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How far a training has come, at the end of a game of one environment."""

    #: games of this environment before it
    episode: int = 0
    #: agent steps of the whole training
    timestep: int = 0


class GameLog:
    """The segments of one environment: games go into the newest, and into another when it is full."""

    def __init__(self, folder: Path, *, run: str, env: int) -> None:
        """Nothing is made before the first game."""
        self._folder = folder
        self._run = run
        self._env = env
        self._writer: SegmentWriter | None = None
        self._process = 0
        self._before: Count | None = None
        self._has_warned = False

    def add(self, game: Replay, *, count_here: Count) -> None:
        """Append a game; `count_here`: since this process began."""
        try:
            before = self._counted_before()
            metadata = {
                "episode": before.episode + count_here.episode,
                "timestep": before.timestep + count_here.timestep,
            }
            self._write(replace(game, metadata={**game.metadata, **metadata, "timestamp": now()}))
        except OSError as error:
            self.close()  # what follows a torn game could not be read
            self._has_warned = _warn(error, self._folder, "a game was not recorded", has_warned=self._has_warned)

    def close(self) -> None:
        if self._writer is not None and self._process == os.getpid():
            with suppress(OSError):
                self._writer.close()
        self._writer = None

    def _write(self, game: Replay) -> None:
        if self._writer is not None and self._process != os.getpid():
            self._writer = None  # the parent's
        if self._writer is not None and not self._writer.takes(game):
            self.close()
        if self._writer is None:
            self._begin(game)
        else:
            self._writer.add(game)

    def _begin(self, game: Replay) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in count(max(self._numbers(), default=-1) + 1):
            writer = SegmentWriter(self._folder / str(SegmentName(self._run, self._env, number)))
            with suppress(FileExistsError):  # of a process that began one just now
                writer.add(game)
                self._writer, self._process = writer, os.getpid()
                return

    def _numbers(self) -> list[int]:
        paths = self._folder.iterdir() if self._folder.is_dir() else ()
        names = (SegmentName.of(path.name) for path in paths)
        return [name.number for name in names if name and (name.run, name.env) == (self._run, self._env)]

    def _counted_before(self) -> Count:
        """How far the run was when this process began, by the last game that was recorded."""
        if self._before is None:
            self._before = Count()
            for number in sorted(self._numbers(), reverse=True):
                if (last := _last_count(self._folder / str(SegmentName(self._run, self._env, number)))) is not None:
                    self._before = replace(last, episode=last.episode + 1)
                    break
        return self._before


def _last_count(path: Path) -> Count | None:
    last: Replay | None = None
    with suppress(ReplayError):
        for game in games(path):
            last = game
    return None if last is None else count_of(last.metadata)


def count_of(metadata: Mapping[str, object]) -> Count:
    """What was written beside a recorded game; 0 where it is no number."""
    told = {name: value for name in ("episode", "timestep") if isinstance(value := metadata.get(name), int)}
    return Count(**told)


class MetricsTable:
    """The table of one environment: a row a game, appended."""

    def __init__(self, folder: Path, *, run: str, env: int) -> None:
        """Nothing is made before the first game."""
        self._folder = folder
        self._run = run
        self._env = env
        self._file: FileIO | None = None
        self._process = 0
        self._before = Count()
        self._has_warned = False

    def add(self, record: Mapping[str, Any], *, count_here: Count) -> None:
        """Append a game's row; `count_here`: since this process began."""
        try:
            if self._file is None or self._process != os.getpid():
                self._open()
            row = dict(record) | {
                "timestamp": now(),
                "episode": self._before.episode + count_here.episode,
                "timestep": self._before.timestep + count_here.timestep,
            }
            self._append([row[column] for column in COLUMNS])
        except OSError as error:
            self.close()
            self._has_warned = _warn(
                error, self._folder, "a game's metrics were not written", has_warned=self._has_warned
            )

    def close(self) -> None:
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file = None

    def _append(self, values: list[object]) -> None:
        assert self._file is not None  # noqa: S101 -- add has opened it
        line = StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        write_all(self._file, line.getvalue().encode())

    def _open(self) -> None:
        """The table of this environment, or of the next number that no other process writes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in count(self._env):
            file = FileIO(self._folder / f"{self._run}-{number}{TABLE_SUFFIX}", "a+b")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            self._file, self._process, self._before = file, os.getpid(), _take_up(file)
            if not file.tell():
                self._append(list(COLUMNS))
            return


def _take_up(file: FileIO) -> Count:
    """Cut off a last line that was torn, and go on counting from the one before; the file ends there."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        file.truncate(size - torn)
    file.seek(0, os.SEEK_END)
    lines = tail[: len(tail) - torn].decode("utf-8", "replace").splitlines()
    row = dict(zip(COLUMNS, lines[-1].split(","), strict=False)) if lines else {}
    try:
        return Count(episode=int(row["episode"]) + 1, timestep=int(row["timestep"]))
    except (KeyError, ValueError):
        return Count()


def now() -> str:
    """This moment, UTC, ISO-8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _warn(error: OSError, folder: Path, what: str, *, has_warned: bool) -> bool:
    if not has_warned:
        warnings.warn(f"{folder}: {what} ({error.strerror}); training goes on", RuntimeWarning, stacklevel=2)
    return True
