import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.world import World
from fakes.zips import zip_of
from structlog.testing import capture_logs

from observer.adapters.store import Store
from observer.core.models import Evaluation, JobKind, JobState
from observer.stages.rebuilding import Rebuilding


@pytest.fixture
def evaluated(world: World) -> World:
    """Two checkpoints are evaluated and filmed, one waits."""
    world.reasons = ("best", "worst")
    world.start()
    for step in (1000, 2000):
        world.drop_step(step)
    world.settle()
    for _ in range(4):
        world.clock.advance(60.0)
        world.work()
    world.drop_step(500)
    world.settle()
    assert world.store.unfinished() == 1
    return world


@contextmanager
def lost_database(world: World) -> Iterator[None]:
    """The database is gone; what a daemon finds on disk comes into a new one."""
    world.store.__exit__(None, None, None)
    world.layout.database.rename(world.layout.output / "old.db")
    world.store = Store(world.layout.database)
    with world.store:
        world.start()
        yield


def rebuild(world: World) -> int:
    rebuilding = Rebuilding(store=world.store, layout=world.layout, clock=world.clock)
    taken = rebuilding.take_in_results(world.products().render_spec)
    return taken + rebuilding.take_in_snapshots(world.planned(world.environment).to_queue, trust="data")


def told(evaluations: list[Evaluation]) -> list[tuple[object, ...]]:
    return [(e.checkpoint.digest, e.plan_digest, e.directory, e.finished_at, e.clips) for e in evaluations]


def test_results_clips_and_waiting_checkpoints_are_found_again(evaluated: World) -> None:
    before = evaluated.store.evaluations()
    (evaluated.watch / "m_500_steps.zip").unlink()
    with lost_database(evaluated):
        assert rebuild(evaluated) == 3
        assert told(evaluated.store.evaluations()) == told(before)
        assert evaluated.store.counts(JobKind.EVALUATE)[JobState.DONE] == 2
        assert evaluated.store.counts(JobKind.RENDER) == dict.fromkeys(JobState, 0)
        evaluated.settle()
        evaluated.work()
        assert sorted(e.checkpoint.step for e in evaluated.store.evaluations()) == [500, 1000, 2000]


def test_what_the_database_knows_stays_as_it_is(evaluated: World) -> None:
    before = told(evaluated.store.evaluations())
    assert (
        Rebuilding(store=evaluated.store, layout=evaluated.layout, clock=evaluated.clock).take_in_results(
            evaluated.products().render_spec
        )
        == 0
    )
    assert told(evaluated.store.evaluations()) == before


def test_clips_that_are_not_whole_are_filmed_again(evaluated: World) -> None:
    (folder, *_) = sorted(evaluated.layout.output.glob("checkpoints/*/*/clips"))
    next(folder.glob("*.mp4")).unlink()
    with lost_database(evaluated):
        rebuild(evaluated)
        assert evaluated.store.counts(JobKind.RENDER)[JobState.WAITING] == 1


@pytest.mark.parametrize("harm", ["torn", "moved", "without a replay", "another game"])
def test_a_result_that_does_not_hold_is_left_and_said_and_its_checkpoint_is_played_again(
    evaluated: World, harm: str
) -> None:
    (result, *_) = sorted(evaluated.layout.output.glob("checkpoints/1000-*/*/result.json"))
    replay = next((result.parent / "replays").iterdir())
    if harm == "torn":
        result.write_bytes(result.read_bytes()[:-10])
    elif harm == "moved":
        result.parent.rename(result.parent.with_name("elsewhere"))
    elif harm == "without a replay":
        replay.unlink()
    else:
        replay.write_bytes(b"another")
    with lost_database(evaluated), capture_logs() as logs:
        rebuild(evaluated)
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["evidence.refused"]
        assert [e.checkpoint.step for e in evaluated.store.evaluations()] == [2000]
        evaluated.settle()
        assert {job.checkpoint.step for job in evaluated.store.jobs(JobState.WAITING)} == {500, 1000}


def test_a_result_that_the_database_lost_again_is_not_played_twice(evaluated: World) -> None:
    """The write-ahead log was deleted: the database is whole, and older than the result."""
    (job,) = [job for job in evaluated.store.jobs() if job.checkpoint.step == 500]
    evaluated.work()
    connection = evaluated.store._connection
    for table in ("episode", "clip"):
        connection.execute(f"DELETE FROM {table} WHERE evaluation = 3")  # noqa: S608 -- our own words
    connection.execute("DELETE FROM evaluation WHERE id = 3")
    connection.execute("UPDATE job SET state = 'waiting', attempt = 0 WHERE id = ?", (job.id,))
    assert rebuild(evaluated) == 1
    assert evaluated.store.job(job.id).state is JobState.DONE


def test_a_copy_that_is_damaged_is_left_out(world: World) -> None:
    world.layout.snapshots.mkdir(parents=True)
    (world.layout.snapshots / f"{'0' * 64}.zip").write_bytes(zip_of(1))
    (world.layout.snapshots / f"{'1' * 64}.zip").write_bytes(b"torn")
    assert rebuild(world) == 0
    assert world.store.jobs() == []


def test_what_clips_show_lies_beside_them(evaluated: World) -> None:
    for path in evaluated.layout.output.glob("checkpoints/*/*/clips/clips.json"):
        told_ = json.loads(path.read_text(encoding="utf-8"))
        assert {Path(clip["video"]).suffix for clip in told_["clips"]} == {".mp4"}
        assert {clip["highlight"]["reason"] for clip in told_["clips"]} == {"best", "worst"}
