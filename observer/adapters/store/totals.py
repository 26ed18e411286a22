"""A few figures about a whole run."""

from observer.adapters.store.session import Session
from observer.core.models import Digest


class Totals:
    """Asked of the database each time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def checkpoints(self) -> int:
        return self._session.number("SELECT COUNT(*) FROM checkpoint")

    def digests(self) -> set[Digest]:
        """Of every checkpoint."""
        return {Digest(row[0]) for row in self._session.connection.execute("SELECT digest FROM checkpoint")}

    def evaluations(self) -> int:
        return self._session.number("SELECT COUNT(*) FROM evaluation")

    def newest_seen_at(self) -> float | None:
        """When the newest checkpoint came; None: none did."""
        row = self._session.connection.execute("SELECT MAX(seen_at) FROM checkpoint").fetchone()
        return None if row[0] is None else float(row[0])
