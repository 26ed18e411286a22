"""Clocks that jump, machines that sleep, hours without work: libfaketime moves the clocks of a real daemon."""

import json
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fakes.site import Site

LIBRARY = Path(f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketimeMT.so.1")
DAY_BACK, YEAR_ON = "-86400", "+31536000"


class Clocks:
    """The clocks of programs that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARY.exists():
            pytest.skip("libfaketime is not installed")
        self._file = folder / "faketime"
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """So many seconds from the machine's own."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(offset)
        temporary.replace(self._file)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("jump", [DAY_BACK, YEAR_ON])
def test_a_clock_that_jumps_holds_nothing_up_and_loses_nothing(site: Site, jump: str) -> None:
    """A job that waits after a failure was told to wait until a time that is a day away now."""
    told = json.loads(site.config.read_text())
    told["queue"] = {"backoff_seconds": [300]}
    site.config.write_text(json.dumps(told))
    clocks = Clocks(site.folder)
    site.tell_workers(evaluate="crash")
    site.drop(1000)
    daemon = site.start(environment=clocks.environment)
    site.until(
        lambda found: found["queue"].get("waiting") == 1 and bool(list(site.layout.jobs.glob("*.1/progress.json")))
    )
    site.until(lambda found: not found["running"])
    site.tell_workers()
    clocks.set(jump)
    site.drop(2000)
    site.until(lambda found: found["renderings"]["done"] == 2)
    daemon.terminate()
    said, _ = daemon.communicate(timeout=90)
    assert daemon.returncode == 0
    assert said.count("event=job.retried") == 1
    assert site.status()["parked"] == []


_SCHEDULE = """
import threading
from pathlib import Path
from observer.adapters.scheduler import Scheduler
from observer.core.clock import SystemClock

called = threading.Semaphore(0)
scheduler = Scheduler({"scan": (0.2, called.release)}, clock=SystemClock())
scheduler.start()
assert called.acquire(timeout=60)
print("runs", flush=True)
input()
while called.acquire(blocking=False):
    pass
for _ in range(3):
    scheduler.keep_time()
    assert called.acquire(timeout=60)
print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])
"""


@pytest.mark.parametrize("jump", [DAY_BACK, YEAR_ON])
def test_schedules_go_on_after_a_clock_that_jumps(tmp_path: Path, jump: str) -> None:
    clocks = Clocks(tmp_path)
    command, environment = [sys.executable, "-c", _SCHEDULE], {**os.environ, **clocks.environment}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        clocks.set(jump)
        kilobytes, _ = process.communicate("\n")
    assert process.returncode == 0
    assert int(kilobytes) < 100_000  # APScheduler's own interval lists a year of missed times


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_daemon_without_work_takes_a_thousandth_of_a_core_and_no_more_memory(site: Site) -> None:
    """A minute and a half stands for the hour: what it does, it does every ten seconds."""
    site.configure(rescan=10, settle=2)
    daemon = site.start()
    site.until(lambda found: found["daemon"] == daemon.pid)
    threading.Event().wait(15)
    before, memory = _cpu_seconds(daemon.pid), _kilobytes(daemon.pid)
    threading.Event().wait(90)
    assert _cpu_seconds(daemon.pid) - before <= 0.001 * 90 + 0.01
    assert _kilobytes(daemon.pid) - memory < 512


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kilobytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
