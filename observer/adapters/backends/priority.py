"""Let training go first: by processor time, and when the kernel runs out of memory.

Each of these counts in another arrangement of sessions and cgroups, none in all, and what a system does not have or
refuses is left out. Children inherit all of it, so a worker's emulators step behind with it.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

LOWEST_NICE: Final = 19
#: the first whom the kernel ends when memory is short
FIRST_TO_GO: Final = 1000


def step_behind(pid: int) -> bool:
    """Put a process that leads a session behind everything else.

    Returns:
        Whether that is all: the kernel lets a user set one session's rank in 100 ms (sched_autogroup_nice), so of
        workers that start together all but the first want another call of `rank_session`.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, LOWEST_NICE)
    with suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(FIRST_TO_GO), encoding="ascii")
    return rank_session(pid)


def rank_session(pid: int) -> bool:
    """Rank the session of a process last among sessions; False: not now, try again in a tenth of a second."""
    try:
        Path(f"/proc/{pid}/autogroup").write_text(str(LOWEST_NICE), encoding="ascii")
    except OSError as error:
        return error.errno != errno.EAGAIN
    return True


def lacking(pid: int) -> list[str]:
    """What a process that was told to step behind did not get; a kernel that does not group by session lacks nothing."""
    ranks = Path(f"/proc/{pid}/autogroup")
    found = {
        "nice 19": os.getpriority(os.PRIO_PROCESS, pid) == LOWEST_NICE,
        "the idle class": os.sched_getscheduler(pid) == os.SCHED_IDLE,
        "the last rank of sessions": not ranks.exists() or ranks.read_text(encoding="ascii").split()[-1] == "19",
        "the first place when memory is short": Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000",
    }
    return [name for name, is_so in found.items() if not is_so]
