"""Copies of checkpoints that were passed over: which there are, and which were dropped for want of room."""

from collections.abc import Iterable
from typing import Final

from observer.adapters.store import rows
from observer.adapters.store.session import Session
from observer.core.models import Checkpoint, Digest

_UNDONE: Final = "SELECT 1 FROM job WHERE job.checkpoint = checkpoint.digest AND kind = 'evaluate' AND state"

_SKIPPED: Final = f"""SELECT {rows.CHECKPOINT_COLUMNS} FROM checkpoint
    WHERE EXISTS ({_UNDONE} = 'skipped') AND NOT EXISTS ({_UNDONE} IN ('waiting', 'running', 'parked'))
    AND digest NOT IN (SELECT checkpoint FROM dropped_copy) ORDER BY seen_at, digest"""  # noqa: S608


class Copies:
    """What is remembered of `.work/snapshots`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def skipped(self) -> list[Checkpoint]:
        """Those whose bytes nothing needs unless somebody asks; the oldest first."""
        return [rows.checkpoint_of(row) for row in self._session.connection.execute(_SKIPPED)]

    def wanted(self) -> set[Digest]:
        """Checkpoints whose bytes some evaluation may still need, or a clip that shows what the policy thinks.

        Parked and skipped evaluations can be asked for.
        """
        found = self._session.connection.execute(
            "SELECT DISTINCT checkpoint FROM job WHERE (kind = 'evaluate' AND state <> 'done' "
            "OR kind = 'render' AND state IN ('waiting', 'running')) "
            "AND checkpoint NOT IN (SELECT checkpoint FROM dropped_copy)"
        )
        return {Digest(row[0]) for row in found}

    def drop(self, digests: Iterable[Digest]) -> None:
        """Record that these go; people see it, whatever else was dropped with them."""
        with self._session.transaction(people_see_it=True) as connection:
            connection.executemany("INSERT OR IGNORE INTO dropped_copy VALUES (?)", [(digest,) for digest in digests])

    def dropped(self) -> set[Digest]:
        """Checkpoints that were passed over and whose copies are gone."""
        return {Digest(row[0]) for row in self._session.connection.execute("SELECT checkpoint FROM dropped_copy")}
