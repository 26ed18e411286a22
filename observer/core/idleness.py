"""How long a worker has brought nothing: in CPU seconds, and on the clock without the time that everybody slept.

Pure: looks go in, a newer value comes out.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

_LONGEST_STEP_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Idleness:
    """As of the last look at a worker."""

    #: monotonic
    checked_at: float
    #: games and frames: what moves while a worker gets on
    marker: tuple[int, int] = (0, 0)
    idle_seconds: float = 0.0
    idle_cpu_seconds: float = 0.0
    cpu_from: float = 0.0

    def after(self, now: float, *, marker: tuple[int, int], cpu_seconds: float) -> Self:
        """With one more look."""
        if marker != self.marker:
            return replace(
                self, checked_at=now, marker=marker, idle_seconds=0.0, idle_cpu_seconds=0.0, cpu_from=cpu_seconds
            )
        # a machine or a process tree that slept through an hour has not idled through it
        step = min(now - self.checked_at, _LONGEST_STEP_SECONDS)
        return replace(
            self,
            checked_at=now,
            idle_seconds=self.idle_seconds + step,
            idle_cpu_seconds=cpu_seconds - self.cpu_from,
        )

    def too_long(self, *, stall_cpu_seconds: float, stall_seconds: float) -> float | None:
        """The seconds that brought nothing, where they are too many."""
        if self.idle_cpu_seconds > stall_cpu_seconds:
            return self.idle_cpu_seconds
        return self.idle_seconds if self.idle_seconds > stall_seconds else None
