"""The database while others meddle with it: locked, or its log taken away."""

import os
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest
from fakes import jobs
from fakes.site import Site

from observer.core.errors import ExitCode


def is_playing(found: Mapping[str, Any]) -> bool:
    return bool(found["running"]) and found["running"][0]["done"] >= 1


def committed(site: Site) -> list[tuple[int, int]]:
    """(step, seed) of every game in the database."""
    with closing(sqlite3.connect(f"file:{site.layout.database}?mode=ro", uri=True)) as connection:
        return connection.execute(
            "SELECT step, seed FROM episode JOIN evaluation ON evaluation.id = episode.evaluation "
            "JOIN checkpoint ON checkpoint.digest = evaluation.checkpoint ORDER BY step, seed"
        ).fetchall()


@pytest.mark.slow
def test_a_database_that_another_process_locks_is_waited_for(site: Site) -> None:
    daemon = site.start()
    site.until(lambda found: found["daemon"] == daemon.pid)
    with closing(sqlite3.connect(site.layout.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        site.drop(1000)
        problems = site.until(lambda found: bool(found.get("problems")))["problems"]
        assert {problem["sentence"] for problem in problems} == {"database is locked"}
        other.execute("ROLLBACK")
    site.until(lambda found: found["renderings"]["done"] == 1)
    daemon.terminate()
    said, _ = daemon.communicate()
    assert daemon.returncode == 0
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_database_that_is_locked_at_the_start_is_a_matter_of_trying_again(site: Site) -> None:
    """A service manager starts it again; 78 it would not."""
    site.finish()
    with closing(sqlite3.connect(site.layout.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        daemon = site.start()
        said, _ = daemon.communicate(timeout=150)
    assert (daemon.returncode, len(said.splitlines())) == (ExitCode.TRY_AGAIN, 1), said
    assert "locked" in said


@pytest.mark.slow
@pytest.mark.parametrize("when", ["after a kill", "while it runs"])
def test_a_log_of_the_database_that_is_deleted_costs_no_result(site: Site, when: str) -> None:
    site.drop(1000)
    site.finish()
    site.drop(2000)
    site.tell_workers(evaluate="hang")
    daemon = site.start()
    site.until(is_playing)
    if when == "after a kill":
        daemon.kill()
        daemon.wait()
    for end in ("-wal", "-shm"):
        site.layout.database.with_name(f"observer.db{end}").unlink(missing_ok=True)
    if when == "while it runs":
        site.tell_workers()
        (worker,) = jobs.descendants(daemon.pid)
        os.kill(worker, signal.SIGKILL)
        results = site.layout.output
        while len(list(results.glob("checkpoints/*/*/clips/clips.json"))) < 2:
            assert daemon.poll() is None
        daemon.kill()
        daemon.wait()
    site.tell_workers()
    site.finish()
    assert committed(site) == [(step, seed) for step in (1000, 2000) for seed in range(4)]
