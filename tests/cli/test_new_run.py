"""A run is closed, archived and cleared away; the next one begins clean and plays nothing of what the closed one saw."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.command import Command
from fakes.site import Site
from fakes.zips import zip_of

from observer.core.layout import RunLayout
from observer.stages import closing
from observer.stages.status import status


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_without_yes_it_says_what_it_would_do_and_does_nothing(site: Site, observer: Command) -> None:
    site.drop(1000)
    site.finish()
    before = tree(site.layout.output)
    said = observer("new-run", "first", "-c", site.config)
    assert said.code == 0
    for words in ("1 results", "observer.db", f"{site.layout.closed / 'first'}", str(site.watch), "--yes"):
        assert words in said.out, words
    assert {name for name in tree(site.layout.output) if "observer.db-" not in name} == set(before)


def test_the_next_run_begins_clean_and_plays_only_what_is_new(site: Site, observer: Command) -> None:
    site.drop(1000, 2000)
    site.finish()
    (site.watch / "broken.zip").mkdir()
    watched = tree(site.watch)
    said = observer("new-run", "first", "--yes", "-c", site.config)
    assert said.code == 0, said.err
    assert tree(site.watch) == watched
    assert sorted(path.name for path in site.layout.closed.iterdir()) == ["first.tar.zst"]
    assert observer("archive", "--verify", site.layout.closed / "first.tar.zst").code == 0
    site.drop(3000)
    os.utime(site.watch / "m_1000_steps.zip")
    (site.watch / "renamed.zip").write_bytes(zip_of(2000))
    assert "step=1000" not in site.finish()
    found = site.status()
    assert (found["evaluations"], found["queue"]["done"], found["last_result"]["step"]) == (1, 1, 3000)
    assert found["disk"]["closed"] > 0


def test_a_running_daemon_does_it_and_goes_on(site: Site, observer: Command) -> None:
    site.configure(episodes=12)
    site.drop(1000)
    daemon = site.start()
    site.until(lambda found: found["renderings"].get("done") == 1)
    site.tell_workers(evaluate="dawdle")
    site.drop(2000)
    site.until(lambda found: bool(found["running"]))
    said = observer("new-run", "first", "--yes", "--keep", "-c", site.config)
    assert said.code == 0, said.err
    site.drop(3000)
    site.until(lambda found: found["evaluations"] == 1)
    assert site.status()["last_result"]["step"] == 3000
    assert daemon.poll() is None
    old = status(RunLayout(site.layout.closed / "first"))
    assert (old["evaluations"], old["queue"]["waiting"]) == (1, 1)
    daemon.terminate()
    told, _ = daemon.communicate()
    assert "event=run.closed" in told
    assert "Traceback" not in told


def test_a_closing_that_was_cut_short_is_finished_by_whoever_comes_next(site: Site, observer: Command) -> None:
    site.drop(1000)
    site.finish()
    closing.intend(site.layout, "first")
    moved = site.layout.closed / "first"
    moved.mkdir(parents=True)
    (site.layout.output / "metrics.csv").rename(moved / "metrics.csv")
    site.drop(2000)
    site.finish()
    assert site.status()["last_result"]["step"] == 2000
    assert site.status()["evaluations"] == 1
    assert status(RunLayout(moved))["evaluations"] == 1
    said = observer("new-run", "first", "--yes", "-c", site.config)
    assert (said.code, "is closed already" in said.out) == (0, True)
    assert [path.name for path in site.layout.closed.iterdir()] == ["first.tar.zst"]


@pytest.mark.slow
def test_a_closed_run_stays_where_it_cannot_be_archived(site: Site, observer: Command, tmp_path: Path) -> None:
    site.drop(1000)
    site.finish()
    (tmp_path / "taken.tar.zst").write_bytes(b"")
    said = observer("new-run", "first", "--archive", tmp_path / "taken.tar.zst", "--yes", "-c", site.config)
    assert (said.code, "lies whole in" in said.err) == (1, True)
    assert status(RunLayout(site.layout.closed / "first"))["evaluations"] == 1
    assert observer("new-run", "first", "--yes", "-c", site.config).code == 0


@pytest.mark.slow
def test_what_was_seen_outlives_the_database_of_the_next_run(site: Site, observer: Command) -> None:
    site.drop(1000)
    site.finish()
    observer("new-run", "--yes", "-c", site.config)
    site.layout.database.unlink(missing_ok=True)
    site.finish()
    assert site.status()["queue"]["done"] == 0
    (line,) = site.layout.closed_list.read_text(encoding="utf-8").splitlines()
    assert len(json.loads(line)["checkpoints"]) == 1


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden"])
def test_a_name_that_is_no_name_is_refused(site: Site, observer: Command, name: str) -> None:
    said = observer("new-run", name, "-c", site.config)
    assert (said.code, "cannot be the name of a folder" in said.err) == (1, True)
