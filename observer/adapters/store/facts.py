"""What holds of a whole run: that it is paused, that its training has ended, that its report is final."""

from enum import StrEnum

from observer.adapters.store.session import Session
from observer.core.asking import Fact


class FactName(StrEnum):
    #: nothing is started
    PAUSED = "paused"
    #: no more checkpoints are expected, and why
    ENDED = "ended"
    #: training has ended, and everything that was asked for is done
    FINAL = "final"
    #: how much training recorded of itself, when that last became news
    RECORDED = "recorded"
    #: files were asked for again: what was remembered of the folder does not hold
    FORGOTTEN = "forgotten"


class Facts:
    """A few named values of a run."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: FactName) -> Fact | None:
        row = self._session.connection.execute("SELECT value, since FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else Fact(value=row[0], since=row[1])

    def put(self, name: FactName, value: str, *, now: float) -> None:
        """Record it, for people to see."""
        with self._session.transaction(people_see_it=True) as connection:
            connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", (name, value, now))

    def remove(self, *names: FactName) -> None:
        """Record that they hold no longer."""
        with self._session.transaction(people_see_it=True) as connection:
            connection.executemany("DELETE FROM fact WHERE name = ?", [(name,) for name in names])
