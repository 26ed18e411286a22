"""The service manager, the lock, the schedule and the log, each with the real thing at the other end."""

import io
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from observer.adapters import logs
from observer.adapters.lock import FolderLock, holder_of
from observer.adapters.scheduler import Scheduler
from observer.adapters.systemd import Notifier
from observer.core.clock import SystemClock
from observer.core.errors import AlreadyRunning


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5.0)
        yield listener


def notifier(manager: socket.socket, **more: str) -> Notifier:
    return Notifier.from_environment({"NOTIFY_SOCKET": manager.getsockname(), **more})


def test_readiness_and_status_come_in_one_message(manager: socket.socket) -> None:
    notifier(manager).ready("all quiet")
    assert manager.recv(999) == b"READY=1\nSTATUS=all quiet"


def test_a_watchdog_is_fed_and_a_status_told_when_it_changes(manager: socket.socket) -> None:
    service = notifier(manager, WATCHDOG_USEC="3000000", WATCHDOG_PID=str(os.getpid()))
    assert service.watchdog_seconds == 3.0
    service.ready("a")
    service.watchdog("a")
    service.watchdog("b")
    service.stopping()
    assert [manager.recv(999).partition(b"\n")[0] for _ in range(4)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_another_processes_watchdog_is_not_fed(manager: socket.socket) -> None:
    assert notifier(manager, WATCHDOG_USEC="3000000", WATCHDOG_PID="1").watchdog_seconds is None


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"observer-test-{os.getpid()}"
        listener.bind(f"\0{name}")
        listener.settimeout(5.0)
        Notifier(address=f"@{name}").ready("x")
        assert listener.recv(999).startswith(b"READY=1")


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_without_a_service_manager_nothing_happens(address: str) -> None:
    service = Notifier(address=address)
    service.ready("x")
    service.watchdog("y")
    service.stopping()


def test_a_second_daemon_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "out" / ".work" / "daemon.lock"
    assert holder_of(path) is None
    with FolderLock(path):
        assert holder_of(path) == os.getpid()
        with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\) works on {tmp_path}/out") as caught:
            FolderLock(path).__enter__()
        assert caught.value.exit_code == 75
    assert holder_of(path) is None
    with FolderLock(path):
        pass


def test_the_lock_of_a_killed_daemon_is_free(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    script = (
        "import sys, threading; from pathlib import Path; from observer.adapters.lock import FolderLock\n"
        "with FolderLock(Path(sys.argv[1])): print('held', flush=True); threading.Event().wait()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert holder_of(path) == holder.pid
        holder.kill()
    with FolderLock(path):
        assert holder_of(path) == os.getpid()


def test_a_schedule_calls_from_a_thread_of_its_own() -> None:
    called = threading.Event()
    threads: set[str] = set()

    def task() -> None:
        threads.add(threading.current_thread().name)
        called.set()

    scheduler = Scheduler({"task": (0.05, task)}, clock=SystemClock())
    scheduler.start()
    try:
        assert called.wait(60.0)
    finally:
        scheduler.stop()
    assert threading.current_thread().name not in threads


@pytest.fixture
def log_settings() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    structlog.reset_defaults()
    root.handlers[:], logging.raiseExceptions = handlers, raises
    root.setLevel(level)


def test_a_terminal_sees_keys_and_values_on_one_line(log_settings: None) -> None:
    stream = io.StringIO()
    logs.configure("terminal", stream=stream)
    structlog.get_logger().info("checkpoint.admitted", step=5, name="a\nb c")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith('level=info event=checkpoint.admitted step=5 name="a\\\\nb c"')
    assert line.startswith("timestamp=2")


def test_the_journal_sees_priorities_and_keeps_its_own_time(log_settings: None) -> None:
    stream = io.StringIO()
    logs.configure("journal", stream=stream)
    log = structlog.get_logger()
    log.warning("job.retried", job=1)
    try:
        int("bad")
    except ValueError:
        log.exception("step.failed")
    logging.getLogger("somebody").error("else")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<4>event=job.retried job=1"
    assert lines[1] == "<3>event=step.failed"
    assert lines[-1] == "<3>event=else"
    assert all(line.startswith("<3>") for line in lines[1:])
    assert any(line.startswith("<3>ValueError: ") for line in lines)


def test_the_journal_is_recognised(log_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    stream = io.StringIO()
    logs.configure(stream=stream)
    structlog.get_logger().info("observer.started")
    assert stream.getvalue() == "<6>event=observer.started\n"


def test_a_reader_of_the_log_that_goes_away_stops_nothing_and_is_no_failure(tmp_path: Path) -> None:
    script = (
        "import sys, structlog\n"
        "from observer.adapters import logs\n"
        "logs.configure('terminal')\n"
        "structlog.get_logger().info('observer.started')\n"
        "input()\n"
        "for _ in range(9999): structlog.get_logger().info('job.committed', step=1)\n"
        "open(sys.argv[1], 'w').write('went on')\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "said")],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stderr is not None
    assert b"observer.started" in program.stderr.readline()
    program.stderr.close()
    program.stdin.write(b"\n")
    program.stdin.close()
    assert program.wait(timeout=150) == 0
    assert (tmp_path / "said").read_text() == "went on"


def test_a_reader_of_the_log_that_reads_no_more_holds_up_nothing_and_is_told_what_it_missed(tmp_path: Path) -> None:
    script = (
        "import structlog\n"
        "from observer.adapters import logs\n"
        "logs.configure('terminal')\n"
        "for n in range(5000): structlog.get_logger().info('job.committed', number=n)\n"
        "print('went on', flush=True)\n"
        "input()\n"
        "structlog.get_logger().info('observer.stopped')\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", script], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    assert program.stdout.readline() == "went on\n", "though nobody has read a line of its log"
    first = [program.stderr.readline() for _ in range(200)]
    program.stdin.write("\n")
    program.stdin.flush()
    rest = program.stderr.read().splitlines()
    program.communicate()
    assert program.returncode == 0
    assert all("event=job.committed" in line for line in first)
    (told,) = [line for line in rest if "event=log.lost" in line]
    lost = int(told.partition("lines=")[2].split()[0])
    written = len(first) + sum("event=job.committed" in line and line.startswith("timestamp=") for line in rest)
    assert 5000 - written <= lost <= 5000 - written + 1, "a line may be cut in the middle"
    assert "observer.stopped" in rest[-1]


def test_a_full_disk_behind_the_log_stops_nothing(log_settings: None) -> None:
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full:
        logs.configure("terminal", stream=full)
        structlog.get_logger().info("observer.started")
        with suppress(OSError):
            full.close()
