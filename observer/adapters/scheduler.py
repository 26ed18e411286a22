"""What is due by the clock. A job here only posts to the inbox: the loop's one thread does the work."""

from collections.abc import Callable, Mapping

from apscheduler.schedulers.background import BackgroundScheduler


class Scheduler:
    """Calls each function again and again, every so many seconds, from a thread of its own."""

    def __init__(self, tasks: Mapping[str, tuple[float, Callable[[], None]]]) -> None:
        """`tasks`: name -> (seconds, function)."""
        self._tasks = dict(tasks)
        self._scheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        for name, (seconds, function) in self._tasks.items():
            scheduler.add_job(function, "interval", seconds=seconds, id=name, coalesce=True, misfire_grace_time=None)
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
