"""What is due every so many seconds. A task here only posts to the inbox: the loop's one thread does the work.

APScheduler goes by the machine's clock, which may be set: `keep_time` starts its waits anew then.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from observer.core.clock import Clock

#: a clock that is adjusted goes a little wrong; one that was set has jumped further
JUMP_SECONDS: Final = 1.0


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """So many seconds from now on, whatever was missed.

    APScheduler's own interval makes a list of all missed times first: after a clock that was set a year on, gigabytes.
    """

    def __init__(self, seconds: float) -> None:
        self._wait = dt.timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous_fire_time: dt.datetime | None, now: dt.datetime) -> dt.datetime:
        return now + self._wait


class Scheduler:
    """Calls each function again and again, every so many seconds, from a thread of its own."""

    def __init__(self, tasks: Mapping[str, tuple[float, Callable[[], None]]], *, clock: Clock) -> None:
        """`tasks`: name -> (seconds, function)."""
        self._tasks = dict(tasks)
        self._clock = clock
        self._offset = self._offset_now()
        self._scheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        for name, (seconds, function) in self._tasks.items():
            scheduler.add_job(function, _Every(seconds), id=name, misfire_grace_time=None)
        scheduler.start()
        self._scheduler = scheduler

    def keep_time(self) -> None:
        """Begin all waits anew where the machine's clock was set: back a day, they would last that day longer."""
        offset = self._offset_now()
        if self._scheduler is None or abs(offset - self._offset) < JUMP_SECONDS:
            return
        self._offset = offset
        for name, (seconds, _) in self._tasks.items():
            self._scheduler.reschedule_job(name, trigger=_Every(seconds))

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def _offset_now(self) -> float:
        """How far the clock that people read is from the one that nobody sets."""
        return self._clock.now() - self._clock.monotonic()
