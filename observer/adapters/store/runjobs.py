"""Work that belongs to the whole run and to no checkpoint: what is wanted of it, and what it came to."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from observer.adapters.store import attempts, rows
from observer.adapters.store.session import Session
from observer.core.models import JobId, JobKind
from observer.core.runjob import RunJob

_OF_IT: Final = "WHERE checkpoint IS NULL AND kind = ? AND subject = ?"

_REPLACE: Final = f"""UPDATE job SET state = 'waiting', detail = ?, step = ?, failures = 0, kills = 0, not_before = 0,
    word = NULL, error = NULL, changed_at = ? {_OF_IT} AND state IN ('waiting', 'parked') RETURNING id"""  # noqa: S608

_LAST_ORDER: Final = f"SELECT detail FROM job {_OF_IT} ORDER BY id DESC LIMIT 1"  # noqa: S608


class RunJobs:
    """The jobs of no checkpoint. They are claimed, put back and parked like all others."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def want(self, kind: JobKind, subject: str, detail: str, *, now: float, step: int = 0) -> JobId | None:
        """Have `subject` made as `detail` says; None: the last order was the same, done or not.

        An order that waits, or was given up, is replaced; behind one that runs, another waits.
        """
        with self._session.transaction(people_see_it=False) as connection:
            if _last_order(connection, kind, subject) == detail:
                return None
            replaced = connection.execute(_REPLACE, (detail, step, now, kind, subject)).fetchone()
            if replaced is not None:
                return JobId(replaced[0])
            return JobId(_added(connection, kind, subject, detail=detail, step=step, now=now))

    def adopt(self, kind: JobKind, subject: str, detail: str, *, result: str, now: float, step: int = 0) -> bool:
        """Record as done what lies on disk and was never ordered; False: it was."""
        with self._session.transaction(people_see_it=True) as connection:
            if _last_order(connection, kind, subject) is not None:
                return False
            job = _added(connection, kind, subject, detail=detail, step=step, now=now)
            connection.execute("UPDATE job SET state = 'done', result = ? WHERE id = ?", (result, job))
        return True

    def commit(self, job: RunJob, result: str, *, problem: str | None, now: float) -> None:
        """Record what it came to.

        Raises:
            StaleAttempt: another attempt has taken over, or it is committed already.
        """
        with self._session.transaction(people_see_it=True) as connection:
            attempts.finish(connection, job, error=problem, now=now, result=result)

    def newest(self, kind: JobKind) -> Mapping[str, RunJob]:
        """Subject -> its last order, in whatever state."""
        found = self._session.connection.execute(
            f"{rows.JOBS} WHERE job.checkpoint IS NULL AND job.kind = ? ORDER BY job.id", (kind,)
        )
        return {job.subject: job for job in map(rows.run_job_of, found)}

    def results(self, kind: JobKind) -> Mapping[str, str]:
        """Subject -> what the last order that was carried out came to."""
        found = self._session.connection.execute(
            "SELECT subject, result FROM job WHERE checkpoint IS NULL AND kind = ? AND result IS NOT NULL ORDER BY id",
            (kind,),
        )
        return dict(tuple(row) for row in found)


def _last_order(connection: sqlite3.Connection, kind: JobKind, subject: str) -> str | None:
    row = connection.execute(_LAST_ORDER, (kind, subject)).fetchone()
    return None if row is None else str(row[0])


def _added(connection: sqlite3.Connection, kind: JobKind, subject: str, *, detail: str, step: int, now: float) -> int:
    added = connection.execute(
        "INSERT INTO job(kind, subject, detail, step, state, changed_at) VALUES (?, ?, ?, ?, 'waiting', ?)",
        (kind, subject, detail, step, now),
    )
    return int(added.lastrowid or 0)
