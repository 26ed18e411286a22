"""The tables and how they came to be: one function a version, each in a transaction of its own."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

from observer.core.errors import SchemaTooNew, StoreBusy, StoreDamaged, StoreError

_BUSY_SECONDS: Final = 10.0

_FIRST: Final = (
    """CREATE TABLE checkpoint(
        digest TEXT PRIMARY KEY, step INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, seen_at REAL NOT NULL
    ) STRICT""",
    "CREATE TABLE plan(digest TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
    # `detail` is what a rendering is to film; failures are those in a row in which no new game was finished
    """CREATE TABLE job(
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
        checkpoint TEXT NOT NULL REFERENCES checkpoint, plan TEXT NOT NULL REFERENCES plan, detail TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'parked', 'skipped')),
        attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
        word TEXT, error TEXT, changed_at REAL NOT NULL,
        UNIQUE (kind, checkpoint, plan, detail)
    ) STRICT""",
    "CREATE INDEX job_by_state ON job(state)",
    # every file that was looked at: `seen_as` is what it looked like then; it gave a checkpoint, or was parked
    """CREATE TABLE file(
        path TEXT PRIMARY KEY, seen_as TEXT NOT NULL, checkpoint TEXT REFERENCES checkpoint,
        word TEXT, sentence TEXT, seen_at REAL NOT NULL,
        CHECK ((checkpoint IS NULL) = (word IS NOT NULL))
    ) STRICT""",
    """CREATE TABLE evaluation(
        id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL UNIQUE REFERENCES job,
        checkpoint TEXT NOT NULL REFERENCES checkpoint, plan TEXT NOT NULL REFERENCES plan,
        scenario TEXT NOT NULL, directory TEXT NOT NULL, finished_at REAL NOT NULL, provenance TEXT NOT NULL,
        UNIQUE (checkpoint, plan)
    ) STRICT""",
    """CREATE TABLE episode(
        evaluation INTEGER NOT NULL REFERENCES evaluation, seed INTEGER NOT NULL, place INTEGER NOT NULL,
        outcome TEXT NOT NULL, viruses_cleared INTEGER NOT NULL, frames INTEGER NOT NULL, replay_sha256 TEXT NOT NULL,
        PRIMARY KEY (evaluation, seed)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE clip(
        id INTEGER PRIMARY KEY AUTOINCREMENT, evaluation INTEGER NOT NULL REFERENCES evaluation, body TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE cursor(writer TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    "CREATE TABLE revision(only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL) STRICT",
    "INSERT INTO revision VALUES (1, 0)",
)

_SECOND: Final = (
    # 0: as the backlog has it; 1: asked for; 2: before everything else
    "ALTER TABLE job ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0",
    # times in a row that something outside ended its worker
    "ALTER TABLE job ADD COLUMN kills INTEGER NOT NULL DEFAULT 0",
    # inserted by commands, done by the daemon alone
    """CREATE TABLE command(
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, argument TEXT NOT NULL, asked_at REAL NOT NULL,
        done_at REAL, answer TEXT
    ) STRICT""",
    "CREATE INDEX command_to_do ON command(id) WHERE done_at IS NULL",
    # what holds of the whole run, and since when
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL, since REAL NOT NULL) STRICT",
    # what the trainer saved beside a checkpoint, such as normalisation statistics; a copy lies with the snapshot
    """CREATE TABLE companion(
        checkpoint TEXT NOT NULL REFERENCES checkpoint, kind TEXT NOT NULL, digest TEXT NOT NULL,
        name TEXT NOT NULL, size INTEGER NOT NULL, seen_at REAL NOT NULL, PRIMARY KEY (checkpoint, kind)
    ) STRICT""",
)

_THIRD: Final = (
    # a job may belong to the whole run, and to no checkpoint: then `subject` says what is made, and `result` what it became
    """CREATE TABLE job_of_any(
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
        checkpoint TEXT REFERENCES checkpoint, plan TEXT REFERENCES plan, subject TEXT NOT NULL DEFAULT '',
        step INTEGER NOT NULL DEFAULT 0, detail TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'parked', 'skipped')),
        attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
        word TEXT, error TEXT, changed_at REAL NOT NULL,
        urgency INTEGER NOT NULL DEFAULT 0, kills INTEGER NOT NULL DEFAULT 0, result TEXT,
        CHECK ((checkpoint IS NULL) = (plan IS NULL)), UNIQUE (kind, checkpoint, plan, detail)
    ) STRICT""",
    """INSERT INTO job_of_any(
        id, kind, checkpoint, plan, detail, state, attempt, failures, not_before, word, error, changed_at, urgency, kills
    ) SELECT id, kind, checkpoint, plan, detail, state, attempt, failures, not_before, word, error, changed_at, urgency,
        kills FROM job""",
    "DROP TABLE job",
    "ALTER TABLE job_of_any RENAME TO job",
    "CREATE INDEX job_by_state ON job(state)",
    "CREATE INDEX job_of_run ON job(kind, subject) WHERE checkpoint IS NULL",
    "CREATE UNIQUE INDEX job_of_run_waits_once ON job(kind, subject) WHERE checkpoint IS NULL AND state = 'waiting'",
)

#: checkpoints that were passed over, and whose copies were dropped for want of room
_DROPPED: Final = "CREATE TABLE dropped_copy(checkpoint TEXT PRIMARY KEY REFERENCES checkpoint) STRICT"


def _create(connection: sqlite3.Connection) -> None:
    for statement in _FIRST:
        connection.execute(statement)


def _take_requests(connection: sqlite3.Connection) -> None:
    for statement in _SECOND:
        connection.execute(statement)


def _work_on_the_whole_run(connection: sqlite3.Connection) -> None:
    """A table of another shape takes the place of one that others refer to: foreign keys are not looked at meanwhile."""
    for statement in _THIRD:
        connection.execute(statement)
    if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
        raise sqlite3.IntegrityError(f"rows that refer to nothing: {broken[:3]}")


def _drop_copies(connection: sqlite3.Connection) -> None:
    connection.execute(_DROPPED)


MIGRATIONS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    _create,
    _take_requests,
    _work_on_the_whole_run,
    _drop_copies,
)


def connect_to_ask(path: Path) -> sqlite3.Connection:
    """Open the database beside a daemon that owns it, to leave a request.

    Raises:
        SchemaTooNew: a newer observer wrote it.
        StoreError: there is none yet, an older daemon owns it, or it cannot be written.
    """
    connect_to_read(path).close()
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} cannot be used: {error}") from error
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open the database for writing; it is made, or brought to this version's tables, where need be.

    Raises:
        SchemaTooNew: a newer observer wrote it.
        StoreDamaged: it is no database, not whole, or not ours.
        StoreError: it cannot be written.
    """
    with ExitStack() as opening:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
            opening.callback(connection.close)
            _check(connection, path)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
                connection.execute(f"PRAGMA {pragma}")
            _migrate(connection, path)
            connection.execute("PRAGMA foreign_keys=ON")
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                raise StoreDamaged(f"the database {path} is damaged: {error}") from error
            if is_busy(error):
                raise StoreBusy(f"another process keeps the database {path} locked: end it, or try again") from error
            raise StoreError(f"the database {path} cannot be used: {error}") from error
        opening.pop_all()
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the database beside a daemon that writes it.

    Raises:
        SchemaTooNew: a newer observer wrote it.
        StoreError: there is none yet, or it cannot be read.
    """
    missing = f"there is no database at {path}: has `observer run` been started for this output folder?"
    if not path.exists():
        raise StoreError(missing)
    try:
        connection = sqlite3.connect(_address_to_read(path), uri=True, timeout=_BUSY_SECONDS)
        version = _version(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} cannot be read: {error}") from error
    if version < len(MIGRATIONS):
        connection.close()
        raise StoreError(
            missing if version == 0 else f"the database {path} is of an older observer: start it once more"
        )
    return connection


def copy_database(path: Path, copy: Path) -> None:
    """Make a consistent copy of a database of any version, also while it is written.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}: has `observer run` been started for this output folder?")
    try:
        with (
            closing(sqlite3.connect(_address_to_read(path), uri=True, timeout=_BUSY_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise StoreError(f"the database {path} cannot be read: {error}") from error


def _address_to_read(path: Path) -> str:
    """SQLite joins whoever writes by a file beside the database; who may not make that file reads what lies there.

    While somebody writes, the file is there, and may be read by those who may read the database.
    """
    beside = path.with_name(f"{path.name}-shm")
    is_alone = not beside.exists() and not os.access(path.parent, os.W_OK)
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if is_alone else ''}"


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is bad, and not only that it cannot be used now."""
    codes = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def is_busy(error: BaseException) -> bool:
    """Whether an error says that somebody else has the database locked."""
    codes = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def set_aside(path: Path, *, mark: str) -> Path:
    """Rename a database with what belongs to it; where it is now."""
    kept = path.with_name(f"{path.name}.damaged-{mark}")
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).replace(kept.with_name(kept.name + end))
    return kept


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Whole, and ours or empty; a newer version is somebody else's business."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreDamaged(f"the database {path} is damaged: {found}")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    version = _version(connection, path)
    if (version == 0 and tables) or (version > 0 and not tables >= {"checkpoint", "job", "evaluation"}):
        raise StoreDamaged(f"the database {path} is not one of ours: it has the tables {', '.join(sorted(tables))}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise SchemaTooNew(
            f"the database {path} has version {version}, and this observer knows {len(MIGRATIONS)}: use the newer one"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection, path)
    if 0 < version < len(MIGRATIONS):
        _back_up(connection, path.with_name(f"{path.name}.version-{version}"))
    for number in range(version, len(MIGRATIONS)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[number](connection)
            connection.execute(f"PRAGMA user_version={number + 1}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _back_up(connection: sqlite3.Connection, copy: Path) -> None:
    """What the older observer left stays beside the database, should anybody want to go back to it."""
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
