"""Disks that are full, read-only or forbidden, around a real daemon or a real worker."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import jobs
from fakes.site import Site
from fakes.small_disk import SmallDisk

from observer.adapters import jobfiles
from observer.core.errors import ExitCode
from observer.core.models import Failure, Highlight
from observer.worker import work

ROOMY = "size=64m,nr_inodes=10000"
WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()


@contextmanager
def disk_over(folder: Path, *, options: str = ROOMY) -> Iterator[SmallDisk]:
    disk = SmallDisk(folder, options=options)
    try:
        disk.__enter__()
    except RuntimeError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    try:
        yield disk
    finally:
        disk.__exit__()


@pytest.mark.parametrize("what", ["size", "nr_inodes"])
def test_a_disk_without_room_or_inodes_loses_nothing_and_charges_nothing(site: Site, what: str) -> None:
    with disk_over(site.layout.output) as disk:
        site.prefix = disk.prefix
        daemon = site.start()
        until((disk.seen / ".work" / "daemon.json").exists)
        used = os.statvfs(disk.seen)
        kilobytes = (used.f_blocks - used.f_bfree) * used.f_frsize // 1024
        disk.remount(f"size={kilobytes + 24}k" if what == "size" else f"nr_inodes={used.f_files - used.f_ffree + 2}")
        site.drop(1000, 2000)
        threading.Event().wait(2)
        assert daemon.poll() is None
        assert not list(disk.seen.glob("checkpoints/*/*/result.json"))
        disk.remount(ROOMY)
        daemon.send_signal(signal.SIGHUP)  # it would look again after a minute
        until(lambda: len(list(disk.seen.glob("checkpoints/*/*/clips/clips.json"))) == 2)
        daemon.terminate()
        said, _ = daemon.communicate()
    assert "No space left on device" in said or "disk is full" in said
    assert "event=job.parked" not in said
    assert "Traceback" not in said


def test_a_disk_below_the_floor_is_said_and_left_by_itself_and_nothing_of_others_goes(site: Site) -> None:
    site.disk = {"free_floor_gib": 0.03}
    site.configure()
    with disk_over(site.layout.output) as disk:
        site.prefix = disk.prefix
        site.drop(1000)
        daemon = site.start()
        until(lambda: len(list(disk.seen.glob("checkpoints/*/*/clips/clips.json"))) == 1)
        filler = disk.seen / "holiday.mp4"
        filler.write_bytes(bytes(50 << 20))
        told = disk.seen / ".work" / "daemon.json"
        until(lambda: "disk.free_floor_gib" in told.read_text(encoding="utf-8"))
        site.drop(2000)
        threading.Event().wait(1.5)
        kept = list(disk.seen.glob(".work/snapshots/*.zip"))
        assert len(kept) <= 1, "what training may need is not taken from it for the second one"
        assert filler.stat().st_size == 50 << 20
        filler.unlink()
        until(lambda: len(list(disk.seen.glob("checkpoints/*/*/clips/clips.json"))) == 2)
        until(lambda: "disk.free_floor_gib" not in told.read_text(encoding="utf-8"))
        daemon.terminate()
        said, _ = daemon.communicate()
    assert (said.count("event=room.missed"), said.count("event=room.found")) == (1, 1)
    assert "Traceback" not in said


def until(condition: Callable[[], bool]) -> None:
    for _ in range(7000):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to be")


@pytest.mark.parametrize("size", ["64k", "1m"])
def test_a_disk_that_is_full_while_a_clip_is_recorded_is_no_fault_of_the_clip(tmp_path: Path, size: str) -> None:
    """Mednafen's film just ends; given up after two tries, the clip would be lost for good."""
    played = jobs.play_here(jobs.job(tmp_path / "played", jobs.demo_checkpoints()[-1], jobs.plan_of(range(1))))
    with disk_over(tmp_path / "disk", options=f"size={size}") as disk:
        files = jobs.rendering(disk.seen / "job", Highlight(seed=0, reason="best"), replays=str(played.replays))
        assert work(files.folder) == ExitCode.SETUP
        assert "No space left on device" in jobfiles.read(Failure, files.failure).sentence
        assert not files.result.exists()


@pytest.mark.slow
@pytest.mark.parametrize("is_used", [False, True], ids=["a new output", "an output with results"])
def test_an_output_that_is_read_only_from_the_start_is_one_line_and_78(site: Site, *, is_used: bool) -> None:
    with disk_over(site.layout.output) as disk:
        site.prefix = disk.prefix
        if is_used:
            site.drop(1000)
            site.finish()
        disk.remount("ro")
        daemon = site.start()
        said, _ = daemon.communicate(timeout=90)
        assert (daemon.returncode, len(said.splitlines())) == (ExitCode.SETUP, 1), said
        assert str(site.folder / "out") in said


@pytest.mark.slow
def test_results_that_may_not_be_written_yet_wait_until_they_may(site: Site) -> None:
    site.prefix = WITHOUT_PRIVILEGES
    results = site.layout.output / "checkpoints"
    results.mkdir()
    results.chmod(0o555)
    site.drop(1000)
    daemon = site.start()
    problems = site.until(lambda found: bool(found.get("problems")))["problems"]
    assert all("Permission denied" in problem["sentence"] for problem in problems)
    results.chmod(0o755)
    site.until(lambda found: found["renderings"]["done"] == 1)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert said.count("event=job.claimed") == 2
    assert "Traceback" not in said
