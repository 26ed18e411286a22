"""The end of an attempt of a job: exactly once, and only of the one that runs. For use within a transaction."""

import sqlite3

from observer.core.errors import StaleAttempt
from observer.core.runjob import AnyJob


def finish(
    connection: sqlite3.Connection, job: AnyJob, *, error: str | None, now: float, result: str | None = None
) -> None:
    """Have it done.

    Raises:
        StaleAttempt: another attempt has taken over, or it is done already.
    """
    done = connection.execute(
        "UPDATE job SET state = 'done', failures = 0, kills = 0, error = ?, result = ?, changed_at = ? "
        "WHERE id = ? AND attempt = ? AND state = 'running'",
        (error, result, now, job.id, job.attempt),
    )
    require_current(done.rowcount, job)


def dropped_for_a_later_one(connection: sqlite3.Connection, job: AnyJob) -> bool:
    """Whether the attempt's order was replaced while it ran, and so is forgotten now that it did not get through."""
    dropped = connection.execute(
        "DELETE FROM job WHERE id = ? AND attempt = ? AND state = 'running' AND checkpoint IS NULL AND EXISTS (SELECT 1 "
        "FROM job AS later WHERE later.kind = job.kind AND later.subject = job.subject AND later.id > job.id)",
        (job.id, job.attempt),
    )
    return dropped.rowcount == 1


def require_current(changed_rows: int, job: AnyJob) -> None:
    """Refuse an attempt that is not the one that runs.

    Raises:
        StaleAttempt: a row would have changed, and none did.
    """
    if changed_rows != 1:
        raise StaleAttempt(f"attempt {job.attempt} of job {job.id} is not the one that runs")
