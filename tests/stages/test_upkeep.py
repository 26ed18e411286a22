from pathlib import Path

from fakes.world import World

from observer.core.models import Digest, JobState
from observer.stages.status import status


def snapshots(world: World) -> list[Path]:
    return list((world.layout.work / "snapshots").glob("*.zip"))


def test_what_an_unfinished_job_needs_stays(world: World) -> None:
    world.drop_step(1)
    world.drop_step(2)
    world.settle()
    world.tell_workers(evaluate_2="crash")
    world.work()
    world.work()
    world.upkeep.sweep()
    assert len(snapshots(world)) == 1
    assert [path.name for path in world.layout.jobs.iterdir()] == ["000001.1"]


def test_leftovers_of_finished_jobs_go(world: World) -> None:
    world.drop_step(1)
    world.settle()
    world.work()
    (world.layout.jobs / "000001.1" / "replays").mkdir(parents=True)
    (world.layout.jobs / "000077.1").mkdir()
    world.layout.snapshot(Digest("f" * 64)).write_bytes(b"nobody's")
    world.upkeep.sweep()
    assert snapshots(world) == []
    assert list(world.layout.jobs.iterdir()) == []


def test_an_empty_output_folder_is_no_problem(world: World) -> None:
    world.upkeep.sweep()


def test_the_status_tells_what_runs_what_is_parked_and_what_came_last(world: World) -> None:
    for step in (1, 2, 3):
        world.drop_step(step)
    world.drop("bad.zip", b"PK\x03\x04" * 100)
    world.settle()
    world.tell_workers(evaluate_3="refuse")
    world.work()
    world.work()
    assert world.dispatch.start_one()
    found = status(world.layout)
    assert found["queue"] == {"waiting": 0, "running": 1, "done": 1, "parked": 1, "skipped": 0}
    (running,) = found["running"]
    assert (running["kind"], running["step"], running["done"], running["total"]) == ("evaluate", 1, 0, 4)
    assert found["parked"][0]["word"] == "space_mismatch"
    assert (found["last_result"]["step"], found["last_result"]["episodes"]) == (2, 4)
    assert found["daemon"] is None
    assert world.store.counts()[JobState.RUNNING] == 1
