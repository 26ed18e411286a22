"""Watched folders in which too much, too little or the wrong thing happens, around a real daemon or its own intake."""

import os
import shutil
import signal
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from fakes.site import Site
from fakes.world import World
from fakes.zips import zip_of

from observer.core.models import JobState

#: more than the kernel keeps for a reader who does not come
EVENTS = 20_000


def is_playing(found: Mapping[str, Any]) -> bool:
    return bool(found["running"]) and found["running"][0]["done"] >= 1


@pytest.mark.slow
def test_more_events_than_the_kernel_keeps_cost_only_time(site: Site) -> None:
    daemon = site.start()
    site.until(lambda found: found["daemon"] == daemon.pid)
    os.kill(daemon.pid, signal.SIGSTOP)
    for number in range(EVENTS // 4):
        for name in ("a.txt", "b.txt"):  # the same event twice in a row is one
            (site.watch / name).write_text(str(number))
    site.drop(1000)
    os.kill(daemon.pid, signal.SIGCONT)
    site.until(lambda found: found["evaluations"] == 1)
    site.drop(2000)
    site.until(lambda found: found["evaluations"] == 2)


@pytest.mark.slow
def test_a_file_that_is_rewritten_while_it_is_evaluated_is_two_checkpoints(site: Site) -> None:
    site.drop(1000)
    site.tell_workers(evaluate_1000="dawdle")
    site.configure(episodes=20)
    site.start()
    site.until(is_playing)
    (site.watch / "m_1000_steps.zip").write_bytes(zip_of(2000))
    site.until(lambda found: found["evaluations"] == 2)
    assert site.status()["parked"] == []
    assert len(list(site.layout.output.glob("checkpoints/1000-*/*/result.json"))) == 1


@pytest.mark.slow
def test_a_folder_that_is_taken_away_and_made_anew_is_watched_again(site: Site) -> None:
    site.drop(1000)
    daemon = site.start()
    site.until(lambda found: found["evaluations"] == 1)
    shutil.rmtree(site.watch)
    threading.Event().wait(1.5)
    site.watch.mkdir()
    site.drop(2000)
    site.until(lambda found: found["evaluations"] == 2)
    site.watch.rename(site.folder / "elsewhere")
    site.watch.symlink_to(site.folder / "new")
    (site.folder / "new").mkdir()
    site.drop(3000)
    site.until(lambda found: found["renderings"]["done"] == 3)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert "event=folder.missed" in said
    assert "No such file or directory" in said


def test_a_writer_of_one_kilobyte_a_second_is_waited_for(world: World) -> None:
    whole = zip_of(1000)
    path = world.drop("slow.zip", b"")
    for start in range(0, len(whole), 1024):
        with path.open("ab") as file:
            file.write(whole[start : start + 1024])
        world.intake.scan()
        assert world.steps() == []
        world.clock.advance(1.0)
    world.settle()
    assert world.steps() == [1000]
    assert world.words() == {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_checkpoints_at_once_are_taken_in_and_the_newest_is_played_first(world: World) -> None:
    for step in range(10_000):
        world.drop_step(step)
    scans = 0
    while not world.intake.is_idle or scans < 2:
        world.intake.scan()
        world.clock.advance(2.1)
        scans += 1
    assert len(world.store.jobs()) == 10_000
    world.work()
    assert world.store.counts()[JobState.DONE] == 1
