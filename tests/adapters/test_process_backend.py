import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from observer.adapters.backends import Exit
from observer.adapters.backends.process import ProcessBackend

ROOT = Path(__file__).parents[2]
SLEEPER = "import threading; threading.Event().wait()"


def until(condition: Callable[[], bool], *, turns: int = 3000) -> None:
    pause = threading.Event()
    for _ in range(turns):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never came to be")


def backend_of(script: str, *, steps_behind: bool = False) -> ProcessBackend:
    return ProcessBackend(slots=1, command=[sys.executable, "-S", "-c", script], steps_behind=steps_behind)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def job_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "000001.1"
    folder.mkdir()
    return folder


@pytest.fixture
def sleeper(job_dir: Path) -> Iterator[tuple[ProcessBackend, int]]:
    script = f"import os, sys; open(sys.argv[1] + '/pid', 'w').write(str(os.getpid())); {SLEEPER}"
    backend = backend_of(script, steps_behind=True)
    backend.start(job_dir)
    try:
        until(lambda: (job_dir / "pid").exists() and (job_dir / "pid").read_text() != "")
        yield backend, int((job_dir / "pid").read_text())
    finally:
        backend.stop(job_dir)


def test_an_end_is_told_once_with_its_code(job_dir: Path) -> None:
    backend = backend_of("import sys; sys.exit(65)")
    backend.start(job_dir)
    assert (backend.running, backend.slots) == (1, 1)
    ends: list[Exit] = []

    def poll() -> bool:
        ends.extend(backend.poll())
        return bool(ends)

    until(poll)
    assert [(end.job_dir, end.code) for end in ends] == [(job_dir, 65)]
    assert backend.running == 0
    assert backend.poll() == []


def test_what_a_worker_says_is_in_its_log(job_dir: Path) -> None:
    backend = backend_of("import sys; print('out'); print('err', file=sys.stderr)")
    backend.start(job_dir)
    until(lambda: bool(backend.poll()))
    assert (job_dir / "worker.log").read_text(encoding="utf-8") == "out\nerr\n"


def test_a_worker_is_below_everything_else_and_alone_in_its_session(sleeper: tuple[ProcessBackend, int]) -> None:
    _, pid = sleeper
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.getsid(pid) == pid != os.getsid(0)
    assert Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii") == "1000\n"
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert b"OMP_NUM_THREADS=1" in environment
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"  # noqa: PTH115 -- as the kernel says it


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by session")
def test_workers_that_start_together_all_rank_last_among_sessions(tmp_path: Path) -> None:
    """The kernel lets a user who is not root rank one session in 100 ms; the second worker was left out."""
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from observer.adapters.backends.process import ProcessBackend\n"
        "backend = ProcessBackend(slots=3, command=['sh', '-c', 'echo $$ > $0/pid; exec sleep 600'])\n"
        "folders = [Path(name) for name in sys.argv[1:]]\n"
        "for folder in folders: backend.start(folder)\n"
        "for _ in range(600):\n"
        "    threading.Event().wait(0.15)\n"
        "    assert not backend.poll()\n"
        "    pids = [(folder / 'pid').read_text().strip() for folder in folders if (folder / 'pid').exists()]\n"
        "    ranks = [Path(f'/proc/{pid}/autogroup').read_text().split()[-1] for pid in pids if pid]\n"
        "    if ranks == ['19'] * 3: break\n"
        "print(*ranks)\n"
        "for folder in folders: backend.stop(folder)\n"
    )
    without_privileges = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    command = [*without_privileges, sys.executable, "-c", script, *map(str, folders)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["19", "19", "19"]


def test_a_stopped_worker_is_dead_and_not_told_of(sleeper: tuple[ProcessBackend, int], job_dir: Path) -> None:
    backend, pid = sleeper
    backend.stop(job_dir)
    assert not is_alive(pid)
    assert backend.poll() == []
    backend.stop(job_dir)


def test_a_worker_killed_from_outside_is_told_with_the_signal(sleeper: tuple[ProcessBackend, int]) -> None:
    backend, pid = sleeper
    os.kill(pid, signal.SIGKILL)
    codes: list[int] = []

    def poll() -> bool:
        codes.extend(end.code for end in backend.poll())
        return bool(codes)

    until(poll)
    assert codes == [-signal.SIGKILL]


def test_what_a_worker_started_goes_with_it(job_dir: Path) -> None:
    backend = backend_of(
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {SLEEPER!r}])\n"
        "open(sys.argv[1] + '/child', 'w').write(str(child.pid))\n"
    )
    backend.start(job_dir)
    until(lambda: bool(backend.poll()))
    until(lambda: not is_alive(int((job_dir / "child").read_text())))


def test_the_cpu_time_of_a_worker_is_known_while_it_runs(job_dir: Path) -> None:
    backend = backend_of("while True: pass")
    backend.start(job_dir)
    until(lambda: backend.cpu_seconds(job_dir) > 0.05)
    backend.stop(job_dir)
    assert backend.cpu_seconds(job_dir) == 0.0


def test_no_worker_outlives_a_daemon_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from observer.adapters.backends.process import ProcessBackend\n"
        f'worker = "import os, sys; print(os.getpid(), flush=True); {SLEEPER}"\n'
        "backend = ProcessBackend(slots=1, command=[sys.executable, '-S', '-c', worker], steps_behind=False)\n"
        "backend.start(Path(sys.argv[1]))\n"
        "threading.Event().wait()\n"
    )
    log = tmp_path / "job" / "worker.log"
    daemon = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "job")], cwd=ROOT)
    try:
        until(lambda: log.exists() and log.read_text().endswith("\n"))
    finally:
        daemon.kill()
        daemon.wait()
    until(lambda: not is_alive(int(log.read_text())))
