"""Where job directories are run: here as child processes; elsewhere by the same contract.

A backend knows directories and exits. It knows nothing of checkpoints, games or databases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from observer.adapters.backends.memory import MemoryShort

#: of a worker's environment, from its very start: more threads slow down itself and the training beside it, and
#: one that runs before the worker confines itself stays free
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A worker has ended."""

    job_dir: Path
    #: exit code; negative: the signal that ended it
    code: int
    #: whose memory ran out meanwhile, where that may have ended it
    memory_short: MemoryShort = ""


class Backend(Protocol):
    """Runs `worker JOB_DIR`, a few at a time."""

    @property
    def slots(self) -> int:
        """How many workers may run at once."""
        ...

    @property
    def running(self) -> int:
        """How many do."""
        ...

    def resize(self, slots: int) -> None:
        """Run so many workers at once from now on; those that are too many end by themselves."""
        ...

    def start(self, job_dir: Path) -> None:
        """Start a worker on a directory that holds a whole `request.json`.

        Raises:
            OSError: the machine gives no further process.
        """
        ...

    def poll(self) -> Sequence[Exit]:
        """The workers that have ended since the last call; each is told once."""
        ...

    def stop(self, job_dir: Path) -> None:
        """Kill a worker and wait for its end; `poll` does not tell of it."""
        ...

    def cpu_seconds(self, job_dir: Path) -> float:
        """CPU time that a worker has used up; 0 where that is not known."""
        ...
