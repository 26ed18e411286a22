"""Workers as child processes of the daemon: below everything else in priority, dead when the daemon is dead.

PR_SET_PDEATHSIG follows the thread that starts a worker: `start` is called from the daemon's one long-lived thread.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from env.process import leashed
from observer.adapters.backends import ONE_THREAD, Exit
from observer.adapters.backends.memory import MemoryCounters
from observer.adapters.backends.priority import rank_session, step_behind
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles

_CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: utime and stime of /proc/PID/stat, counted after the name in brackets
_CPU_FIELDS: Final = slice(11, 13)
#: the worker itself was ended, or its emulator, or it was refused memory
_ENDED_BY_MEMORY: Final = frozenset({-signal.SIGKILL, ExitCode.TRY_AGAIN, ExitCode.FAILED})


class ProcessBackend:
    """At most `slots` children, each in a session of its own."""

    def __init__(self, *, slots: int, command: Sequence[str], steps_behind: bool = True) -> None:
        """`command` is given a job directory as its last argument.

        Without `steps_behind` the workers compete with whatever else runs: for a machine without training, and tests.
        """
        self._slots = slots
        self._command = tuple(command)
        self._steps_behind = steps_behind
        self._children: dict[Path, subprocess.Popen[bytes]] = {}
        #: as they stood when each was started
        self._counters: dict[Path, MemoryCounters] = {}
        #: those whose session could not be ranked yet
        self._unranked: list[subprocess.Popen[bytes]] = []

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def running(self) -> int:
        return len(self._children)

    def resize(self, slots: int) -> None:
        self._slots = slots

    def start(self, job_dir: Path) -> None:
        """Start a worker.

        Raises:
            EmulatorMissing: setpriv is not installed.
            OSError: the machine gives no further process.
        """
        command = leashed([*self._command, str(job_dir)])
        with JobFiles(job_dir).log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **ONE_THREAD, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self._children[job_dir] = child
        self._counters[job_dir] = MemoryCounters.now()
        if self._steps_behind and not step_behind(child.pid):
            self._unranked.append(child)

    def poll(self) -> Sequence[Exit]:
        self._unranked = [child for child in self._unranked if child.poll() is None and not rank_session(child.pid)]
        ended = [(job_dir, child.poll()) for job_dir, child in self._children.items()]
        exits = [self._exit(job_dir, code) for job_dir, code in ended if code is not None]
        for exit_ in exits:
            _kill_group(self._children.pop(exit_.job_dir))
        return exits

    def _exit(self, job_dir: Path, code: int) -> Exit:
        before = self._counters.pop(job_dir)
        if code not in _ENDED_BY_MEMORY:
            return Exit(job_dir=job_dir, code=code)
        return Exit(job_dir=job_dir, code=code, memory_short=MemoryCounters.now().short_since(before))

    def stop(self, job_dir: Path) -> None:
        self._counters.pop(job_dir, None)
        child = self._children.pop(job_dir, None)
        if child is not None:
            _kill_group(child)
            child.kill()
            child.wait()

    def cpu_seconds(self, job_dir: Path) -> float:
        child = self._children.get(job_dir)
        if child is None:
            return 0.0
        try:
            fields = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        except OSError:
            return 0.0
        return sum(int(ticks) for ticks in fields.split()[_CPU_FIELDS]) / _CLOCK_TICKS


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """What a worker leaves behind goes with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
