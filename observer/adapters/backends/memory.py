"""Whether the kernel ended a worker because memory ran out, and whose memory: counters before and after.

A kill looks the same from inside whoever sent it. The counters are the machine's and our cgroup's, so two kills in the same
moment may be taken for each other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

MemoryShort = Literal["", "ours", "machine"]
"""Nobody's; our own cgroup's, by its limit; the whole machine's, whoever used it up."""

_STATISTICS: Final = Path("/proc/vmstat")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")
_CGROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCounters:
    #: processes ended for want of memory, by any rule, on the whole machine
    machine_kills: int
    #: times that our cgroup came to its limit and something had to go (version 2; 0 where there is none)
    own_shortages: int

    @classmethod
    def now(cls) -> Self:
        """As they stand; what a kernel does not count is 0."""
        own = [line.rpartition(":")[2] for line in _lines(_OWN_CGROUPS) if line.startswith("0::")]
        events = [_CGROUPS / path.lstrip("/") / "memory.events" for path in own]
        return cls(
            machine_kills=counted(_lines(_STATISTICS), "oom_kill"),
            own_shortages=sum(counted(_lines(file), "oom") for file in events),
        )

    def short_since(self, before: Self) -> MemoryShort:
        """Whose memory ran out between then and now."""
        if self.own_shortages > before.own_shortages:
            return "ours"
        return "machine" if self.machine_kills > before.machine_kills else ""


def counted(lines: list[str], name: str) -> int:
    """The number behind a name in such a file; 0 where it is not there."""
    found = (line.split() for line in lines)
    return next((int(words[1]) for words in found if len(words) > 1 and words[0] == name), 0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
