"""What happens to workers, emulators and their numbers: real signals, real limits, a real daemon around them."""

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes import jobs
from fakes.injection import Injection
from fakes.site import Site

from observer.adapters import jobfiles
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles
from observer.core.models import Failure
from observer.worker import work

NEW_PROCESSES = "clone,clone3,fork,vfork"


def is_playing(found: Mapping[str, Any]) -> bool:
    return bool(found["running"]) and found["running"][0]["done"] >= 1


def worker_of(pid: int) -> int:
    (worker,) = jobs.descendants(pid)
    return worker


@pytest.mark.parametrize(
    ("number", "event"),
    [(signal.SIGKILL, "event=job.returned"), (signal.SIGSEGV, "level=warning event=job.retried")],
)
def test_a_worker_that_is_killed_is_replaced_and_its_games_are_kept(
    site: Site, number: signal.Signals, event: str
) -> None:
    site.drop(1000)
    site.tell_workers(evaluate="hang")
    daemon = site.start()
    site.until(is_playing)
    site.tell_workers()
    os.kill(worker_of(daemon.pid), number)
    site.until(lambda found: found["renderings"]["done"] == 1)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert event in said
    assert site.status()["parked"] == []
    assert said.count("event=job.claimed") == 3


# Limits that a worker's start alone does not reach, however busy the machine is.
@pytest.mark.parametrize(("how", "limit"), [("hang", {"stall_seconds": 10}), ("spin", {"stall_cpu_seconds": 5})])
def test_a_policy_that_never_returns_is_stopped_and_parked_and_the_next_one_plays(
    site: Site, how: str, limit: dict[str, Any]
) -> None:
    site.configure(failures=1, **limit)
    site.drop(1000, 2000)
    site.tell_workers(evaluate_2000=f"{how}_at_once")
    site.finish()
    (parked,) = site.status()["parked"]
    assert parked["word"] == "stalled"
    assert "made no progress" in parked["sentence"]
    assert site.status()["evaluations"] == 1


@pytest.mark.slow
def test_an_encoder_that_hangs_is_given_up_and_the_result_stands(site: Site) -> None:
    site.configure(failures=1, stall_seconds=10)
    site.drop(1000)
    site.tell_workers(render="hang")
    said = site.finish()
    found = site.status()
    assert (found["evaluations"], found["renderings"]["parked"]) == (1, 1)
    assert "event=job.parked" in said


@pytest.mark.parametrize("broken", ["import nowhere", "raise OSError('libavcodec does not fit')"])
def test_an_encoder_that_is_missing_or_broken_is_named_and_leaves_no_result(tmp_path: Path, broken: str) -> None:
    (tmp_path / "av").mkdir()
    (tmp_path / "av" / "__init__.py").write_text(broken)
    files = jobs.rendering(tmp_path / "job")
    done = subprocess.run(
        [*jobs.WORKER, str(files.folder)],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{jobs.ROOT}"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.FAILED
    assert "No module named 'nowhere'" in done.stdout or "libavcodec does not fit" in done.stdout
    assert not files.result.exists()


def test_an_emulator_that_is_killed_ends_the_attempt_and_the_next_one_goes_on(tmp_path: Path) -> None:
    checkpoint, plan = jobs.demo_checkpoints()[-1], jobs.plan_of(range(3), frame_limit=2000)
    whole = jobs.play_here(jobs.job(tmp_path / "000001.1", checkpoint, plan))
    first = jobs.job(tmp_path / "000002.1", checkpoint, plan)
    killer = threading.Thread(target=kill_emulators_after_a_game, args=(first, emulators()))
    killer.start()
    code = work(first.folder)
    killer.join()
    assert code == ExitCode.TRY_AGAIN
    assert jobfiles.read(Failure, first.failure).word == "emulator"
    second = jobs.job(tmp_path / "000002.2", checkpoint, plan, resume_from=(str(first.folder),))
    jobs.play_here(second)
    assert second.table.read_bytes() == whole.table.read_bytes()
    assert len(jobfiles.read_episodes(first.episodes)) < 3


def emulators() -> set[int]:
    return {pid for pid in jobs.descendants(os.getpid()) if jobs.name_of(pid) == "mednafen"}


def kill_emulators_after_a_game(files: JobFiles, others: set[int]) -> None:
    while not jobfiles.read_episodes(files.episodes):
        threading.Event().wait(0.005)
    for pid in emulators() - others:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_machine_that_gives_no_process_makes_everything_wait_and_charges_nothing(site: Site, injects: None) -> None:
    daemon = site.start()
    site.until(lambda found: found.get("started_at") is not None)  # with all its threads
    with Injection(daemon.pid, f"{NEW_PROCESSES}:error=EAGAIN"):
        site.drop(1000)
        found = site.until(lambda found: "setup" in [problem["what"] for problem in found.get("problems", ())])
    assert found["parked"] == []
    daemon.send_signal(signal.SIGHUP)  # it would look again after a minute
    site.until(lambda found: found["renderings"]["done"] == 1)
    daemon.terminate()
    assert daemon.wait() == 0


@pytest.mark.slow
def test_a_daemon_without_file_descriptors_loses_nothing_and_goes_on_when_it_has_some(site: Site) -> None:
    site.drop(1000)
    daemon = site.start()
    site.until(lambda found: found["renderings"]["done"] == 1)
    opened = {int(entry.name) for entry in Path(f"/proc/{daemon.pid}/fd").iterdir()}
    free = min(set(range(len(opened) + 1)) - opened)
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (free, before[1]))
    site.drop(2000)
    threading.Event().wait(2)
    assert daemon.poll() is None
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)
    site.until(lambda found: found["renderings"]["done"] == 2)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert daemon.returncode == 0
    assert site.status()["parked"] == []
    assert "Too many open files" in said


def test_signals_in_a_crowd_end_it_cleanly_once(site: Site) -> None:
    site.drop(1000)
    site.tell_workers(evaluate="hang")
    daemon = site.start()
    site.until(is_playing)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGTERM) * 5:
        daemon.send_signal(number)
        threading.Event().wait(0.02)
    said, _ = daemon.communicate(timeout=90)
    assert daemon.returncode == 0, said
    assert said.count("event=observer.stopped") == 1
    assert site.status()["queue"]["waiting"] == 1


@pytest.mark.slow
def test_a_tree_that_was_stopped_for_a_while_goes_on_where_it_was(site: Site) -> None:
    site.configure(episodes=20)
    site.drop(1000)
    site.tell_workers(evaluate="dawdle")
    daemon = site.start()
    site.until(is_playing)
    tree = [daemon.pid, *jobs.descendants(daemon.pid)]
    for pid in tree:
        os.kill(pid, signal.SIGSTOP)
    threading.Event().wait(2)
    for pid in tree:
        os.kill(pid, signal.SIGCONT)
    site.until(lambda found: found["renderings"]["done"] == 1)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert said.count("event=job.claimed") == 2
    assert "level=error" not in said
