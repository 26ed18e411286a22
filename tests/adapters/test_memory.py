"""A worker that the kernel ends for want of memory, in a real memory cgroup where this machine lets us make one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from observer.adapters.backends.memory import MemoryCounters, counted

CGROUPS = Path("/sys/fs/cgroup/memory")
LIMIT_BYTES = 200 << 20
HUNGRY = "held = []\nwhile True: held.append(bytearray(1 << 20))"
BACKEND = """
import pathlib, sys, threading
from observer.adapters.backends.process import ProcessBackend
backend = ProcessBackend(slots=1, command=[sys.executable, "-c", sys.argv[2]])
backend.start(pathlib.Path(sys.argv[1]))
while not (exits := backend.poll()):
    threading.Event().wait(0.05)
print(exits[0].code, exits[0].memory_short)
"""


def test_the_counters_are_read_where_the_kernel_has_them() -> None:
    assert counted(["oom 3", "oom_kill 1"], "oom") == 3
    assert counted(["low 0", "", "x"], "oom") == 0
    now = MemoryCounters.now()
    assert now.short_since(now) == ""
    assert now.machine_kills >= 0


@pytest.mark.parametrize(
    ("before", "after", "whose"),
    [((0, 0), (0, 0), ""), ((3, 1), (4, 1), "machine"), ((3, 1), (4, 2), "ours"), ((3, 1), (3, 2), "ours")],
)
def test_whose_memory_ran_out(before: tuple[int, int], after: tuple[int, int], whose: str) -> None:
    first, second = (MemoryCounters(machine_kills=machine, own_shortages=own) for machine, own in (before, after))
    assert second.short_since(first) == whose


@pytest.fixture
def small_room() -> Iterator[Path]:
    room = CGROUPS / f"observer-test-{os.getpid()}"
    try:
        room.mkdir()
        (room / "memory.limit_in_bytes").write_text(str(LIMIT_BYTES))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    yield room
    with suppress(OSError):
        room.rmdir()


def test_the_kernels_kill_is_told_from_another(small_room: Path, tmp_path: Path) -> None:
    def enter() -> None:
        (small_room / "tasks").write_text(str(os.getpid()))

    before = MemoryCounters.now()
    said = subprocess.run(
        [sys.executable, "-c", BACKEND, str(tmp_path), HUNGRY],
        preexec_fn=enter,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    if MemoryCounters.now() == before:
        pytest.skip("this kernel does not count such kills")
    assert said.stdout == "-9 machine\n", said.stderr
