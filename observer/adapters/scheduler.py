"""What is due every so many seconds. A task here only posts to the inbox: the loop's one thread does the work.

Counted on the monotonic clock: a machine's clock that is set a year on or a day back makes nothing due at once or never.
"""

import threading
from collections.abc import Callable, Mapping


class Scheduler:
    """Calls each function again and again, every so many seconds, from a thread of its own."""

    def __init__(self, tasks: Mapping[str, tuple[float, Callable[[], None]]]) -> None:
        """`tasks`: name -> (seconds, function)."""
        self._tasks = dict(tasks)
        self._is_over = threading.Event()

    def start(self) -> None:
        for name, task in self._tasks.items():
            threading.Thread(target=self._repeat, args=task, name=f"every {name}", daemon=True).start()

    def stop(self) -> None:
        """No call begins from now on."""
        self._is_over.set()

    def _repeat(self, seconds: float, function: Callable[[], None]) -> None:
        while not self._is_over.wait(seconds):
            function()
