"""Time as a value that is passed in: wall time for files, monotonic time for decisions.

`SystemClock` is the one place that reads the machine's clocks; tests pass their own.
"""

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, twice: people read `now`, decisions use `monotonic`."""

    def now(self) -> float:
        """Unix seconds; may jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()  # noqa: TID251 -- this is the one place that may

    def monotonic(self) -> float:
        return time.monotonic()


def iso(unix_seconds: float) -> str:
    """UTC ISO-8601 with milliseconds, as every file of ours writes times."""
    moment = dt.datetime.fromtimestamp(unix_seconds, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """The Unix seconds of what `iso` wrote.

    Raises:
        ValueError: the text is not an ISO-8601 time with a zone.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
