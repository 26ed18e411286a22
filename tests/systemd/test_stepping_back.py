"""A trainer in another slice goes first, and keeps its memory; needs cgroups with limits, which take a while to boot."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import booted
from fakes.booted import Booted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SLICE = (Path(__file__).parents[2] / "systemd" / "observer.slice").read_text(encoding="utf-8")
SECONDS = 3.0


def busy(slice_name: str, *, one_core: str = "0") -> str:
    """A service that takes all the processor time that it gets."""
    return f'[Service]\nSlice={slice_name}\nCPUAffinity={one_core}\nExecStart={sys.executable} -c "while True: pass"\n'


GREEDY = f'{sys.executable} -c "held = bytearray(1 << 29)"; echo "a worker ended with $?"; exec sleep 1000'
UNITS = {
    "observer.slice": SLICE,
    "trainer.service": busy("user.slice"),
    "beside.service": busy("observer.slice"),
    "inside.service": busy("system.slice") + "CPUWeight=idle\n",
    "greedy.service": "[Service]\nSlice=observer.slice\nMemoryMax=200M\nMemorySwapMax=0\nOOMPolicy=continue\n"
    f"ExecStart=/bin/sh -c '{GREEDY}'\n",
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    if reason := booted.obstacle():
        pytest.skip(reason)
    with Booted(tmp_path_factory.mktemp("limits"), UNITS, has_limits=True) as machine:
        yield machine


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def share_beside_a_trainer(machine: Booted, unit: str) -> float:
    """Of the time that a core gave to both, how much the unit got."""
    for name in ("trainer.service", unit):
        machine.ctl("start", name)
    pids = [machine.main_pid(name) for name in (unit, "trainer.service")]
    before = [cpu_ticks(pid) for pid in pids]
    threading.Event().wait(SECONDS)
    own, trainers = (cpu_ticks(pid) - ticks for pid, ticks in zip(pids, before, strict=True))
    for name in ("trainer.service", unit):
        machine.ctl("kill", "--signal=KILL", name)
    assert own + trainers, "the core was never free"
    return own / (own + trainers)


def has_controller(machine: Booted, name: str) -> bool:
    """Whether the unit's slice has a group for it, by either version of cgroups."""
    folders = (f"/sys/fs/cgroup/{name}/observer.slice", "/sys/fs/cgroup/observer.slice")
    return machine.inside(folders[0]).is_dir() or machine.inside(f"{folders[1]}/{name}.weight").exists()


def test_a_trainer_in_a_session_gets_the_core_while_the_observer_wants_it_too(machine: Booted) -> None:
    machine.ctl("start", "observer.slice")
    if not has_controller(machine, "cpu"):
        pytest.skip("the processor's time cannot be divided here")
    assert share_beside_a_trainer(machine, "beside.service") < 0.1


def test_inside_of_system_slice_it_would_take_half(machine: Booted) -> None:
    """Why the slice is a top-level one; the day this fails, it need not be."""
    machine.ctl("start", "observer.slice")
    if not has_controller(machine, "cpu"):
        pytest.skip("the processor's time cannot be divided here")
    assert share_beside_a_trainer(machine, "inside.service") > 0.3


def test_a_worker_that_takes_too_much_memory_is_killed_and_the_service_goes_on(machine: Booted) -> None:
    machine.ctl("start", "greedy.service")
    for _ in range(1200):
        if "a worker ended" in machine.journal("greedy.service"):
            break
        threading.Event().wait(0.1)
    if "a worker ended with 0" in machine.journal("greedy.service"):
        pytest.skip("memory cannot be limited here")
    assert "a worker ended with 137" in machine.journal("greedy.service")
    assert machine.show("greedy.service", "ActiveState") == "active"


def test_it_is_the_first_to_go_where_memory_runs_out(machine: Booted) -> None:
    """The unit says so to the kernel; what runs by hand says it for its workers."""
    text = (Path(__file__).parents[2] / "systemd" / "observer.service").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("OOMScoreAdjust="))
    unit = machine.inside("/run/systemd/system/scored.service")
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(f"[Service]\n{line}\nExecStart=/bin/sleep 1000\n", encoding="utf-8")
    machine.ctl("daemon-reload")
    machine.ctl("start", "scored.service")
    score = int(Path(f"/proc/{machine.main_pid('scored.service')}/oom_score_adj").read_text(encoding="ascii"))
    assert score > int(Path(f"/proc/{os.getpid()}/oom_score_adj").read_text(encoding="ascii"))
