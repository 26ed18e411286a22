"""What people asked for, and its effect on the queue: done and crossed off in one transaction, so exactly once."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Final

from pydantic import TypeAdapter

from observer.adapters.store import rows
from observer.adapters.store.facts import FactName
from observer.adapters.store.session import Session
from observer.core.asking import Argument, CloseRun, Command, CommandKind, EvaluateNow, Retry, Urgency
from observer.core.models import Checkpoint, Digest, EvaluationPlan, JobId, JobKind, ParkedFile
from observer.core.plan import canonical_json, plan_digest

_ARGUMENTS: Final[dict[CommandKind, TypeAdapter[Argument]]] = {
    CommandKind.PAUSE: TypeAdapter(None),
    CommandKind.RESUME: TypeAdapter(None),
    CommandKind.RETRY: TypeAdapter(Retry),
    CommandKind.EVALUATE: TypeAdapter(EvaluateNow),
    CommandKind.CLOSE: TypeAdapter(CloseRun),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriable:
    """Work that waits for nobody but a person."""

    #: id, kind, state, step
    jobs: list[tuple[JobId, str, str, int]]
    files: list[ParkedFile]
    #: step and name of checkpoints that were passed over, and whose copies are gone: their files are needed again
    copyless: list[tuple[int, str]]


class Requests:
    """The table of commands. Anybody may ask; only the daemon does."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ask(self, kind: CommandKind, argument: Argument, *, now: float) -> int:
        """Leave a request for the daemon; its number."""
        text = "null" if argument is None else canonical_json(asdict(argument))
        with self._session.transaction(people_see_it=False) as connection:
            added = connection.execute(
                "INSERT INTO command(kind, argument, asked_at) VALUES (?, ?, ?)", (kind, text, now)
            )
        return int(added.lastrowid or 0)

    def waiting(self) -> list[Command]:
        """What is still to be done, in the order it was asked."""
        found = self._session.connection.execute(
            "SELECT id, kind, argument, asked_at FROM command WHERE done_at IS NULL ORDER BY id"
        )
        return [_command_of(row) for row in found]

    def pause(self, command: Command, *, now: float) -> str:
        with self._session.transaction(people_see_it=False) as connection:
            connection.execute("INSERT OR IGNORE INTO fact VALUES (?, '', ?)", (FactName.PAUSED, now))
            return _cross_off(connection, command, "paused", now=now)

    def resume(self, command: Command, *, now: float) -> str:
        with self._session.transaction(people_see_it=False) as connection:
            connection.execute("DELETE FROM fact WHERE name = ?", (FactName.PAUSED,))
            return _cross_off(connection, command, "resumed", now=now)

    def retry(self, command: Command, which: Retry, *, now: float) -> str:
        """Put parked and skipped work back into the queue, and have parked files looked at again."""
        with self._session.transaction(people_see_it=True) as connection:
            copyless = _copyless(connection, which)
            jobs = [row[0] for row in _jobs(connection, which)]
            connection.executemany(
                "UPDATE job SET state = 'waiting', failures = 0, kills = 0, not_before = 0, word = NULL, error = NULL, "
                "urgency = MAX(urgency, ?), changed_at = ? WHERE id = ?",
                [(Urgency.ASKED, now, job) for job in jobs],
            )
            files = [file.path for file in _files(connection, which)]
            connection.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in files])
            connection.executemany(
                "UPDATE job SET urgency = MAX(urgency, ?), changed_at = ? WHERE checkpoint = ? AND state = 'skipped'",
                [(Urgency.ASKED, now, digest) for digest, *_ in copyless],
            )
            connection.executemany("DELETE FROM file WHERE checkpoint = ?", [(digest,) for digest, *_ in copyless])
            if files or copyless:
                connection.execute(
                    "INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", (FactName.FORGOTTEN, str(command.id), now)
                )
            again = f"{len(jobs)} jobs and {len(files)} files again"
            needed = f"; {len(copyless)} files are needed again" if copyless else ""
            return _cross_off(connection, command, f"{again}{needed}", now=now)

    def evaluate(self, command: Command, checkpoint: Checkpoint, plans: Sequence[EvaluationPlan], *, now: float) -> str:
        """Queue a checkpoint's evaluations before everything else; what runs or is done stays as it is."""
        with self._session.transaction(people_see_it=True) as connection:
            rows.add_checkpoint(connection, checkpoint)
            rows.take_copy_back(connection, checkpoint.digest, now=now)
            for plan in plans:
                rows.add_job(connection, JobKind.EVALUATE, checkpoint, plan, now=now)
                connection.execute(
                    "UPDATE job SET state = 'waiting', urgency = ?, failures = 0, kills = 0, not_before = 0, "
                    "word = NULL, error = NULL, changed_at = ? "
                    "WHERE kind = 'evaluate' AND checkpoint = ? AND plan = ? AND state NOT IN ('running', 'done')",
                    (Urgency.NOW, now, checkpoint.digest, plan_digest(plan)),
                )
            return _cross_off(connection, command, f"step {checkpoint.step} is next", now=now)

    def close(self, command: Command, *, now: float) -> str:
        """Cross a request off whose intent is written down."""
        with self._session.transaction(people_see_it=False) as connection:
            return _cross_off(connection, command, "closes the run", now=now)

    def refuse(self, command: Command, sentence: str, *, now: float) -> str:
        """Cross a request off that cannot be done."""
        with self._session.transaction(people_see_it=False) as connection:
            return _cross_off(connection, command, sentence, now=now)

    def retriable(self, which: Retry) -> Retriable:
        """What `retry` would put back now."""
        connection = self._session.connection
        copyless = [(step, name) for _, step, name in _copyless(connection, which)]
        return Retriable(jobs=_jobs(connection, which), files=_files(connection, which), copyless=copyless)

    def letters(self) -> set[Digest]:
        """Zips in the letter box that a waiting request is about."""
        arguments = (command.argument for command in self.waiting())
        return {argument.digest for argument in arguments if isinstance(argument, EvaluateNow)}


def _command_of(row: sqlite3.Row) -> Command:
    kind = CommandKind(row[1])
    return Command(id=row[0], kind=kind, argument=_ARGUMENTS[kind].validate_json(row[2]), asked_at=row[3])


def _cross_off(connection: sqlite3.Connection, command: Command, answer: str, *, now: float) -> str:
    connection.execute("UPDATE command SET done_at = ?, answer = ? WHERE id = ?", (now, answer, command.id))
    return answer


def _jobs(connection: sqlite3.Connection, which: Retry) -> list[tuple[JobId, str, str, int]]:
    """Those that are parked or skipped, and meant; what has no bytes to be played from is none of them."""
    gone = {row[0] for row in connection.execute("SELECT checkpoint FROM dropped_copy")}
    found = _meant(connection, which)
    return [(JobId(job), kind, state, step) for job, kind, state, step, _, digest in found if digest not in gone]


def _copyless(connection: sqlite3.Connection, which: Retry) -> list[tuple[str, int, str]]:
    """Digest, step and name of those that are meant and whose copies were dropped."""
    gone = {row[0] for row in connection.execute("SELECT checkpoint FROM dropped_copy")}
    found = _meant(connection, which)
    return sorted({(digest, step, name) for *_, step, name, digest in found if digest and digest in gone})


def _meant(connection: sqlite3.Connection, which: Retry) -> Iterator[tuple[int, str, str, int, str, str | None]]:
    states = (which.every,) if which.every else ("parked", "skipped")
    found = connection.execute(
        "SELECT job.id, job.kind, job.state, COALESCE(checkpoint.step, job.step), COALESCE(checkpoint.name, job.subject), "
        "job.checkpoint FROM job LEFT JOIN checkpoint ON checkpoint.digest = job.checkpoint "
        "WHERE state IN ('parked', 'skipped') ORDER BY job.id"
    )
    for job, kind, state, step, name, digest in found:
        if state in states and (which.every or job == which.job or step == which.step or name == which.name):
            yield job, kind, state, step, name, digest


def _files(connection: sqlite3.Connection, which: Retry) -> list[ParkedFile]:
    found = connection.execute("SELECT path, word, sentence, seen_at FROM file WHERE word IS NOT NULL ORDER BY path")
    files = [ParkedFile(path=path, word=word, sentence=sentence, seen_at=seen) for path, word, sentence, seen in found]
    if which.every == "parked":
        return files
    return [file for file in files if which.name in {file.path, PurePosixPath(file.path).name}]
