"""One open connection to a run's database, and its transactions: whole or not at all."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from observer.adapters.store.schema import connect, connect_to_ask, connect_to_read

Access = Literal["own", "ask", "read"]
"""To have it alone; to leave requests beside the one who has it; only to look."""

_CONNECT: Final[dict[Access, Callable[[Path], sqlite3.Connection]]] = {
    "own": connect,
    "ask": connect_to_ask,
    "read": connect_to_read,
}


class Session:
    """Opened by the store; its parts share it."""

    def __init__(self, path: Path, *, access: Access) -> None:
        self._path = path
        self._access = access
        self._open: sqlite3.Connection | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            StoreError: it cannot be used; SchemaTooNew: a newer observer wrote it.
        """
        self._open = _CONNECT[self._access](self._path)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def connection(self) -> sqlite3.Connection:
        if self._open is None:
            raise RuntimeError("the store is used outside its `with` block")
        return self._open

    @contextmanager
    def transaction(self, *, people_see_it: bool) -> Iterator[sqlite3.Connection]:
        """Everything within, or nothing; what people see raises the revision that writers go by."""
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            if people_see_it:
                connection.execute("UPDATE revision SET number = number + 1")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # after some failures, such as a full disk, SQLite has rolled back by itself
                connection.execute("ROLLBACK")
            raise

    def number(self, query: str, *parameters: object) -> int:
        """The one number that a query asks for."""
        return int(self.connection.execute(query, parameters).fetchone()[0])
