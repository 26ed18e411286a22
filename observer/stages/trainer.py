"""Whether training is disturbed: its speed beside our workers and without them, measured while the daemon runs.

The trainer's log is read, and nothing else of it is touched.
"""

from typing import Final

from observer.adapters.traininglog import TrainingLog
from observer.core.clock import Clock
from observer.core.daemonstate import TrainingSpeed
from observer.core.trainingspeed import Span, compare

#: the log is looked at so often; a point comes with every rollout, which takes seconds to minutes
LOOK_SECONDS: Final = 30.0
#: and looked for so often: a training that begins anew has a new one
FIND_SECONDS: Final = 300.0
#: spans of work that are remembered; a span a checkpoint, so days of them
_MOST_SPANS: Final = 5_000


class Trainer:
    """One run's trainer, as its log shows it; call `look` in every turn of the loop."""

    def __init__(self, log: TrainingLog, *, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._since = clock.now()
        self._busy: list[Span] = []
        self._busy_from: float | None = None
        self._look_at = self._find_at = float("-inf")
        #: as of the last look; None: no log, or nothing new in it
        self.speed: TrainingSpeed | None = None

    def note(self, *, is_busy: bool) -> None:
        """Whether workers run now, of whatever run: they all share the machine."""
        now = self._clock.now()
        if is_busy and self._busy_from is None:
            self._busy_from = now
        elif not is_busy and self._busy_from is not None:
            self._busy.append(Span(self._busy_from, max(now, self._busy_from)))
            self._busy_from = None
            del self._busy[:-_MOST_SPANS]

    def look(self) -> None:
        """Read what is new in the log, now and then."""
        moment, now = self._clock.monotonic(), self._clock.now()
        if moment < self._look_at:
            return
        if moment >= self._find_at:
            self._log.find()
            self._find_at = moment + FIND_SECONDS
        self._look_at = moment + LOOK_SECONDS
        busy = [*self._busy, Span(self._busy_from, now)] if self._busy_from is not None else self._busy
        self.speed = compare(self._log.read(), busy, since=self._since)
