"""Jobs of plans for another ROM than the one that is played now."""

from typing import Final

from observer.adapters.store.session import Session
from observer.core.models import Digest

WORD: Final = "other_rom"

_JOBS: Final = "UPDATE job SET state = ?, word = ?, error = ?, changed_at = ? WHERE "
#: what is of no checkpoint names the plan first, if it has one
_WITH_PLAN: Final = (
    " AND COALESCE(plan, SUBSTR(subject, 1, 64)) IN (SELECT digest FROM plan WHERE json_extract(body, '$.rom_sha256') "
)


class Cartridges:
    """Which jobs can be done with a ROM."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plans(self, rom_sha256: Digest) -> set[Digest]:
        """The plans whose games are played on a ROM."""
        found = self._session.connection.execute(
            "SELECT digest FROM plan WHERE json_extract(body, '$.rom_sha256') = ?", (rom_sha256,)
        )
        return {Digest(row[0]) for row in found}

    def keep_to(self, rom_sha256: Digest, *, now: float) -> int:
        """Park what waits for another ROM, and take up what was parked for this one; how many were parked.

        They would be played on this one under the other's name; and a worker that refuses to stops all the others.
        """
        sentence = f"it was planned for another ROM than the present {rom_sha256[:12]}...; put that one back to play it"
        with self._session.transaction(people_see_it=False) as connection:
            parked = connection.execute(
                f"{_JOBS} state = 'waiting' {_WITH_PLAN} <> ?)", ("parked", WORD, sentence, now, rom_sha256)
            )
            revived = connection.execute(
                f"{_JOBS} state = 'parked' AND word = ? {_WITH_PLAN} = ?)",
                ("waiting", None, None, now, WORD, rom_sha256),
            )
            if parked.rowcount or revived.rowcount:
                connection.execute("UPDATE revision SET number = number + 1")
        return parked.rowcount
