"""The daemon as a process: what kills, signals, second daemons and bad set-ups do to it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.site import ROOT, Site
from fakes.zips import zip_of

from observer.adapters import jobfiles
from observer.core.models import EvaluationResult


def episodes(site: Site) -> list[tuple[int, int]]:
    """(step, seed) of every committed game."""
    connection = sqlite3.connect(f"file:{site.layout.database}?mode=ro", uri=True)
    try:
        return connection.execute(
            "SELECT step, seed FROM episode JOIN evaluation ON evaluation.id = episode.evaluation "
            "JOIN checkpoint ON checkpoint.digest = evaluation.checkpoint ORDER BY step, seed"
        ).fetchall()
    finally:
        connection.close()


def results(site: Site) -> list[EvaluationResult]:
    return [jobfiles.read(EvaluationResult, path) for path in site.layout.output.glob("checkpoints/*/*/result.json")]


def is_playing(found: Mapping[str, Any]) -> bool:
    return any(job["done"] >= 2 for job in found["running"])


def test_checkpoints_are_evaluated_filmed_and_published(site: Site) -> None:
    site.drop(1000, 2000)
    site.finish()
    found = site.status()
    assert (found["queue"]["done"], found["renderings"]["done"], found["daemon"]) == (2, 2, None)
    assert episodes(site) == [(step, seed) for step in (1000, 2000) for seed in range(4)]
    assert len(site.layout.metrics.read_text(encoding="utf-8").splitlines()) == 1 + 8
    assert "1000" in site.layout.report.read_text(encoding="utf-8")
    assert list(site.layout.jobs.iterdir()) == []
    assert sorted(path.name for path in site.watch.iterdir()) == ["m_1000_steps.zip", "m_2000_steps.zip"]


def test_a_second_daemon_after_all_is_done_does_nothing_more(site: Site) -> None:
    site.drop(1000)
    site.finish()
    before = {path: path.stat().st_mtime_ns for path in site.layout.output.glob("checkpoints/**/*")}
    assert "job.claimed" not in site.finish()
    assert {path: path.stat().st_mtime_ns for path in site.layout.output.glob("checkpoints/**/*")} == before


def test_every_planned_game_is_there_once_after_kills_in_the_middle(site: Site) -> None:
    """kill -9 of the daemon while a worker plays; finished games are not played again."""
    site.configure(episodes=12)
    site.drop(1000, 2000)
    site.tell_workers(evaluate="dawdle")
    for _ in range(2):
        daemon = site.start()
        site.until(is_playing)
        daemon.kill()
        daemon.communicate()
    site.tell_workers()
    said = site.finish()
    assert "job.returned" in said
    assert episodes(site) == [(step, seed) for step in (1000, 2000) for seed in range(12)]
    assert [len(result.episodes) for result in results(site)] == [12, 12]


def test_no_worker_outlives_a_killed_daemon(site: Site) -> None:
    site.configure(episodes=12)
    site.drop(1000)
    site.tell_workers(evaluate="hang")
    daemon = site.start()
    site.until(lambda found: bool(found["running"]) and found["running"][0]["done"] == 1)
    (worker,) = [int(pid) for pid in Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()]
    daemon.kill()
    daemon.communicate()
    pause = threading.Event()
    for _ in range(3000):
        if not Path(f"/proc/{worker}/stat").exists() or ") Z" in Path(f"/proc/{worker}/stat").read_text():
            return
        pause.wait(0.02)
    pytest.fail("the worker lives on")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_the_job_goes_back_uncharged(site: Site, number: signal.Signals) -> None:
    site.configure(episodes=12)
    site.drop(1000)
    site.tell_workers(evaluate="hang")
    daemon = site.start()
    site.until(lambda found: bool(found["running"]) and found["running"][0]["done"] == 1)
    daemon.send_signal(number)
    said, _ = daemon.communicate(timeout=10)
    assert daemon.returncode == 0
    assert "event=observer.stopped" in said
    found = site.status()
    assert (found["queue"]["waiting"], found["running"], found["daemon"]) == (1, [], None)
    site.tell_workers()
    site.finish()
    assert episodes(site) == [(1000, seed) for seed in range(12)]


def test_a_second_daemon_names_the_first_and_ends_with_75(site: Site) -> None:
    first = site.start()
    site.until(lambda found: found["daemon"] == first.pid)
    second = site.start()
    said, _ = second.communicate(timeout=90)
    assert second.returncode == 75
    assert f"process {first.pid}" in said
    assert str(site.layout.output) in said
    assert first.poll() is None


def test_a_half_written_file_is_evaluated_when_it_is_whole(site: Site) -> None:
    whole = zip_of(1000)
    path = site.watch / "m.zip"
    path.write_bytes(whole[:-50])
    site.start()
    site.drop(2000)
    site.until(lambda found: found["evaluations"] == 1)
    path.write_bytes(whole)
    site.until(lambda found: found["evaluations"] == 2)
    assert site.status()["parked"] == []


def test_bad_files_are_parked_and_good_ones_go_on(site: Site) -> None:
    (site.watch / "a.zip").write_bytes(zip_of(1, without="policy.pth"))
    (site.watch / "b.zip").mkdir()
    site.drop(1000, 2000)
    site.tell_workers(evaluate_2000="refuse")
    site.finish()
    assert {entry["word"] for entry in site.status()["parked"]} == {"not_sb3", "not_a_file", "space_mismatch"}
    assert episodes(site) == [(1000, seed) for seed in range(4)]


@pytest.mark.parametrize(
    "rom", ["missing.nes", *(pytest.param(rom, marks=pytest.mark.slow) for rom in ("checkpoints", "config.yaml"))]
)
def test_a_bad_rom_is_one_line_and_78_and_nothing_is_charged(site: Site, rom: str) -> None:
    site.drop(1000)
    site.configure(rom=rom)
    daemon = site.start()
    said, _ = daemon.communicate(timeout=90)
    assert daemon.returncode == 78
    assert rom in said
    assert len(said.splitlines()) == 1
    assert site.status()["parked"] == []
    site.configure()
    site.finish()
    assert len(episodes(site)) == 4


def test_a_missing_emulator_is_named_with_the_way_to_install_it(site: Site, tmp_path: Path) -> None:
    site.drop(1000)
    if Path("/usr/games/mednafen").exists():
        pytest.skip("it is installed where every PATH reaches it; `env` tests its absence")
    daemon = site.start(environment={"PATH": str(tmp_path)})
    said, _ = daemon.communicate(timeout=90)
    assert daemon.returncode == 78
    assert "apt install mednafen" in said


def test_a_wrong_configuration_lists_everything_and_ends_with_78(site: Site) -> None:
    site.config.write_text("queue: {max_failures: 0}\nclipz: {}\n", encoding="utf-8")
    daemon = site.start()
    said, _ = daemon.communicate(timeout=90)
    assert daemon.returncode == 78
    assert "queue.max_failures: " in said
    assert "clipz: " in said


def test_the_service_manager_hears_of_start_and_end(site: Site, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.settimeout(30)
        daemon = site.start(environment={"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "600000"})
        assert manager.recv(999).startswith(b"READY=1\nSTATUS=test: 0 waiting")
        assert [manager.recv(999).partition(b"\n")[0] for _ in range(3)] == [b"WATCHDOG=1"] * 3
        daemon.terminate()
        while not (message := manager.recv(999)).startswith(b"STOPPING=1"):
            assert message.startswith(b"WATCHDOG=1")


def test_an_idle_daemon_hardly_works(site: Site) -> None:
    daemon = site.start()
    site.until(lambda found: found["daemon"] == daemon.pid)
    # on a busy machine its start takes long; one that spins is never quiet
    assert any(_ticks_of_a_while(daemon.pid) <= 0.05 * 1.5 * os.sysconf("SC_CLK_TCK") for _ in range(20))


def _ticks_of_a_while(pid: int) -> int:
    before = _cpu_ticks(pid)
    threading.Event().wait(1.5)
    return _cpu_ticks(pid) - before


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_daemon_loads_no_torch() -> None:
    script = (
        "import observer.daemon, sys\n"
        "heavy = {'torch', 'stable_baselines3', 'cv2', 'av', 'gymnasium', 'observer.worker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
