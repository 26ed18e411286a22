"""A run kept within its room, on real files and a real database."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.world import World
from structlog.testing import capture_logs

from observer.adapters import dropped
from observer.adapters.archives import ledger
from observer.core.asking import CommandKind, Retry
from observer.core.models import JobState
from observer.stages.rebuilding import Rebuilding
from observer.stages.retention import RoomSettings
from observer.stages.status import status

GIB = 1 << 30


@pytest.fixture
def filmed(world: World) -> World:
    """Four checkpoints that were played and filmed; each of their games won at times, so the first is the best."""
    world.reasons = ("best", "worst")
    world.start()
    for step in (1000, 2000, 3000, 4000):
        world.drop_step(step)
        world.settle()
        world.work()
        world.clock.advance(60.0)
        world.work()
    return world


def size_of(world: World) -> int:
    disk = status(world.layout)["disk"]
    return sum(disk[name] for name in disk if name not in {"free", "dropped", "closed"})


def limit(world: World, quota_bytes: float) -> None:
    world.room = RoomSettings(quota_gib=quota_bytes / GIB)
    world.start()


def clips(world: World) -> list[str]:
    return sorted(str(path.relative_to(world.layout.output)) for path in world.layout.output.rglob("*.mp4"))


def replays(world: World, step: int) -> list[Path]:
    return list(world.layout.output.glob(f"checkpoints/{step}-*/*/replays/*.replay"))


def archive(world: World) -> Path:
    """All replays are said to lie in an archive."""
    file = world.layout.output.parent / "run.tar.zst"
    file.write_bytes(b"whole")
    folders = tuple(f"{entry.directory}/replays" for entry in world.store.evaluations())
    told = ledger.Archived(archive=str(file), size_bytes=5, archived_at="2026-01-02T03:04:05.000Z", replays=folders)
    ledger.record(world.layout.archives, told)
    return file


def test_a_run_within_its_quota_loses_nothing(filmed: World) -> None:
    before = clips(filmed)
    limit(filmed, size_of(filmed) + 10_000)
    filmed.retention.look()
    assert (clips(filmed), filmed.retention.problem) == (before, "")


def test_beyond_the_quota_the_oldest_clips_go_but_not_the_pinned_ones(filmed: World) -> None:
    before = len(clips(filmed))
    limit(filmed, size_of(filmed) - 1)
    filmed.retention.look()
    assert len(clips(filmed)) == before - 1
    assert not list(filmed.layout.output.glob("checkpoints/2000-*/*/clips/worst-*"))
    limit(filmed, 1)
    filmed.retention.look()
    kept = {path.split("/")[1].split("-")[0] for path in clips(filmed)}
    assert kept == {"1000", "4000"}, "the best, which is the first to clear, and the final one"
    assert all(len(replays(filmed, step)) == 4 for step in (1000, 2000, 3000, 4000))
    assert "observer archive" in filmed.retention.problem


def test_replays_go_when_an_archive_holds_them_and_while_it_does(filmed: World) -> None:
    file = archive(filmed)
    file.rename(file.with_name("moved away"))
    limit(filmed, 1)
    filmed.retention.look()
    assert len(replays(filmed, 2000)) == 4
    file.with_name("moved away").rename(file)
    filmed.clock.advance(60.0)
    filmed.retention.look()
    assert [len(replays(filmed, step)) for step in (1000, 2000, 3000, 4000)] == [4, 0, 0, 4]
    gone = dropped.missing(filmed.layout.output, filmed.layout.dropped)
    assert {told.archive for told in gone.values() if told.kind == "replays"} == {str(file)}


def test_replays_that_are_still_to_be_filmed_stay(filmed: World) -> None:
    filmed.drop_step(1500)
    filmed.settle()
    filmed.work()
    archive(filmed)
    limit(filmed, 1)
    filmed.retention.look()
    assert len(replays(filmed, 1500)) == 4


def test_a_quota_that_cannot_be_kept_is_said_once_and_left_when_there_is_room(filmed: World) -> None:
    limit(filmed, 1)
    with capture_logs() as logs:
        filmed.retention.look()
        filmed.clock.advance(60.0)
        filmed.retention.look()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["room.missed"]
    assert "disk.quota_gib" in filmed.retention.problem
    for path in filmed.layout.output.rglob("*"):
        if path.suffix in {".mp4", ".replay", ".png", ".json", ".csv"}:
            path.unlink()
    filmed.retention._limits = replace(filmed.retention._limits, quota=10 * GIB)
    filmed.clock.advance(60.0)
    filmed.retention.look()
    assert filmed.retention.problem == ""


def test_a_disk_with_less_than_the_floor_is_a_state_that_is_said_and_left(filmed: World) -> None:
    free = os.statvfs(filmed.layout.output).f_bavail * os.statvfs(filmed.layout.output).f_frsize / GIB
    filmed.room = RoomSettings(free_floor_gib=2 * free)
    filmed.start()
    filmed.retention.look()
    assert "disk.free_floor_gib" in filmed.retention.problem
    assert not filmed.retention.may_take_in
    assert {path.split("/")[1].split("-")[0] for path in clips(filmed)} == {"1000", "4000"}


def test_a_new_database_takes_what_was_dropped_for_dropped(filmed: World) -> None:
    archive(filmed)
    limit(filmed, 1)
    filmed.retention.look()
    filmed.store.__exit__(None, None, None)
    for name in ("observer.db", "observer.db-wal", "observer.db-shm"):
        (filmed.layout.output / name).unlink(missing_ok=True)
    with filmed.store:
        taken = Rebuilding(store=filmed.store, layout=filmed.layout, clock=filmed.clock).take_in_results(
            filmed.products().render_spec
        )
        assert taken == 4
        assert filmed.store.unfinished() == 0, "nothing is filmed again only to be dropped again"


@dataclass
class Elsewhere:
    """What is the user's, with links to it from inside the output folder."""

    folder: Path

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@pytest.mark.parametrize("place", ["clips", "evaluation", "checkpoints"])
def test_nothing_behind_a_link_is_ever_dropped(filmed: World, place: str) -> None:
    filmed.reasons = ()
    folder = next(filmed.layout.output.glob("checkpoints/2000-*/*"))
    moved = {"clips": folder / "clips", "evaluation": folder, "checkpoints": filmed.layout.output / "checkpoints"}[
        place
    ]
    users = Elsewhere(filmed.layout.output.parent / "users")
    users.folder.mkdir()
    moved.rename(users.folder / "own")
    moved.symlink_to(users.folder / "own")
    before = users.files()
    archive(filmed)
    limit(filmed, 1)
    filmed.retention.look()
    assert users.files() == before


@pytest.mark.parametrize("place", ["snapshots", "jobs", "asked"])
def test_nothing_behind_a_link_is_swept_away(world: World, place: str) -> None:
    users = Elsewhere(world.layout.output.parent / "users")
    (users.folder / "000001.1").mkdir(parents=True)
    (users.folder / "000001.1" / "request.json").write_bytes(b"x")
    (users.folder / f"{'a' * 64}.zip").write_bytes(b"a model")
    (users.folder / ".torn.1.tmp").write_bytes(b"x")
    for path in users.folder.rglob("*"):
        os.utime(path, (0, 0))
    before = users.files()
    world.layout.work.mkdir(parents=True, exist_ok=True)
    (world.layout.work / place).symlink_to(users.folder)
    world.clock.advance(10**6)
    world.upkeep.sweep()
    assert users.files() == before


@pytest.fixture
def passed_over(world: World) -> World:
    """Five checkpoints came at once, one of them is played, four are skipped, and their copies take too much room."""
    world.backlog_limit = 1
    world.start()
    for step in (1000, 2000, 3000, 4000, 5000):
        world.drop_step(step)
        world.settle()
    world.work()
    world.room = RoomSettings(skipped_gib=0.0)
    world.start()
    world.settle()
    world.retention.look()
    world.upkeep.sweep()
    return world


def states(world: World) -> dict[int, str]:
    return {job.checkpoint.step: job.state.value for job in world.store.jobs()}


def test_copies_of_skipped_checkpoints_are_dropped_past_their_limit_with_a_word_of_it(passed_over: World) -> None:
    assert list(passed_over.layout.snapshots.glob("*.zip")) == []
    lines = [json.loads(line) for line in passed_over.layout.dropped.read_text(encoding="utf-8").splitlines()]
    assert [(line["kind"], line["step"]) for line in lines] == [("snapshot", step) for step in (1000, 2000, 3000, 4000)]
    assert len(passed_over.store.copies.dropped()) == 4
    assert set(states(passed_over).values()) == {"done", "skipped"}


def test_one_that_is_asked_for_later_is_copied_again_from_the_watched_folder(passed_over: World) -> None:
    asked = passed_over.store.requests.ask(CommandKind.RETRY, Retry(step=2000), now=passed_over.clock.now())
    assert asked
    told = passed_over.store.requests.retriable(Retry(step=2000))
    assert (told.jobs, told.copyless) == ([], [(2000, "m_2000_steps.zip")])
    passed_over.commands.obey()
    assert not passed_over.dispatch.start_one(), "there is nothing yet to play it from"
    passed_over.settle()
    assert states(passed_over)[2000] == JobState.WAITING
    passed_over.retention.look()
    passed_over.work()
    assert states(passed_over)[2000] == "done"


def test_one_whose_file_is_gone_waits_until_it_lies_there_again(passed_over: World) -> None:
    file = passed_over.watch / "m_3000_steps.zip"
    kept = file.rename(passed_over.watch.parent / "kept.zip")
    passed_over.store.requests.ask(CommandKind.RETRY, Retry(step=3000), now=passed_over.clock.now())
    passed_over.commands.obey()
    passed_over.settle()
    assert states(passed_over)[3000] == "skipped"
    kept.rename(file)
    passed_over.settle()
    passed_over.work()
    assert states(passed_over)[3000] == "done"
