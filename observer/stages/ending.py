"""Whether training has ended, and whether everything that came of it is done: then the report is the final one.

Derived anew at every look, and recorded; a checkpoint that comes later reopens it.
"""

from dataclasses import dataclass
from pathlib import Path

import structlog

from env.options import TRAINING_DONE_FILE
from observer.adapters.store import FactName, Store
from observer.core.clock import Clock

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingSettings:
    folder: Path
    #: without a new checkpoint for so long, training is taken to have ended; 0: only where its trainer says so
    ended_after_hours: float


class Ending:
    """One run's end."""

    def __init__(self, *, settings: EndingSettings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    def look(self, *, is_all_done: bool) -> None:
        """Record what has changed; `is_all_done`: nothing of this run waits, runs or is being taken in."""
        reason = self._reason()
        if reason is None:
            self._reopen()
            return
        now, facts = self._clock.now(), self._store.facts
        if facts.get(FactName.ENDED) is None:
            facts.put(FactName.ENDED, reason, now=now)
            log.info("training.ended", reason=reason)
        is_final = facts.get(FactName.FINAL) is not None
        if is_all_done and not is_final:
            facts.put(FactName.FINAL, "", now=now)
            log.info("run.completed", evaluations=self._store.totals.evaluations())
        elif is_final and not is_all_done:
            facts.remove(FactName.FINAL)
            log.info("run.reopened", reason="there is something to play again")

    def _reopen(self) -> None:
        if self._store.facts.get(FactName.ENDED) is not None:
            self._store.facts.remove(FactName.ENDED, FactName.FINAL)
            log.info("run.reopened", reason="training goes on")

    def _reason(self) -> str | None:
        """Why no more checkpoints are expected; None: they are."""
        newest = self._store.totals.newest_seen_at()
        if newest is None:
            return None
        if (self._settings.folder / TRAINING_DONE_FILE).exists():
            return f"{TRAINING_DONE_FILE} lies beside the checkpoints"
        ended = self._store.facts.get(FactName.ENDED)
        if ended is not None and ended.since >= newest and not self._settings.folder.is_dir():
            return ended.value  # cleared away after its end
        hours = self._settings.ended_after_hours
        if hours and self._clock.now() - newest >= 3600 * hours:
            return f"no new checkpoint for {hours:g} hours"
        return None
