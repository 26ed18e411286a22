"""A backend whose workers end when the test says so; they work in this process, by the real protocol."""

from collections.abc import Sequence
from pathlib import Path

from fakes.worker import work

from observer.adapters.backends import Exit
from observer.adapters.backends.memory import MemoryShort
from observer.core.layout import JobFiles


class FakeBackend:
    def __init__(self, *, slots: int = 1) -> None:
        self.slots = slots
        self.started: list[Path] = []
        self.stopped: list[Path] = []
        self.is_full = False
        self.cpu: dict[Path, float] = {}
        self._running: list[Path] = []
        self._exits: list[Exit] = []

    @property
    def running(self) -> int:
        return len(self._running)

    def resize(self, slots: int) -> None:
        self.slots = slots

    def start(self, job_dir: Path) -> None:
        if self.is_full:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.started.append(job_dir)
        self._running.append(job_dir)

    def poll(self) -> Sequence[Exit]:
        exits, self._exits = self._exits, []
        return exits

    def stop(self, job_dir: Path) -> None:
        self.stopped.append(job_dir)
        self._running.remove(job_dir)

    def cpu_seconds(self, job_dir: Path) -> float:
        return self.cpu.get(job_dir, 0.0)

    def work(self) -> Path:
        """The worker that was started first does its work, and ends as it ends."""
        job_dir = self._running[0]
        try:
            code = work(JobFiles(job_dir))
        except SystemExit as ended:
            code = int(ended.code or 0)
        except RuntimeError as error:
            JobFiles(job_dir).log.write_text(f"{error}\n", encoding="utf-8")
            code = 1
        return self.end(code)

    def replace_exit(self, code: int) -> None:
        """The one that ended last ended with this code after all."""
        self._exits[-1] = Exit(job_dir=self._exits[-1].job_dir, code=code)

    def end(self, code: int, *, memory_short: MemoryShort = "") -> Path:
        """It ends with this code, whatever it did."""
        job_dir = self._running.pop(0)
        self._exits.append(Exit(job_dir=job_dir, code=code, memory_short=memory_short))
        return job_dir
