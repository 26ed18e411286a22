"""Jobs of the whole run go the way of all others: claimed, worked at, put back where that fails, and committed once."""

from pathlib import Path

import pytest
from fakes.evaluations import digest_of, make_plan
from fakes.world import World

from observer.adapters import jobfiles
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles
from observer.core.models import Checkpoint, Highlight, JobKind, JobState, RenderRequest, RenderResult
from observer.core.runjob import RunJob


class Trailer:
    """A stage that has one game filmed for the whole run."""

    def __init__(self, world: World) -> None:
        self.world = world
        (world.layout.output / "7.replay").write_bytes(b"game")

    def request(self, job: RunJob) -> RenderRequest:
        return RenderRequest(
            checkpoint=Checkpoint(digest=digest_of("x"), step=job.step, name="x", size=1, seen_at=0.0),
            plan=make_plan(),
            rom="/roms/game.nes",
            replays=str(self.world.layout.output),
            highlights=(Highlight(seed=int(job.detail), reason="best"),),
        )

    def commit(self, job: RunJob, files: JobFiles) -> None:
        result = jobfiles.read(RenderResult, files.result)
        if result.clips[0].highlight.seed != int(job.detail):
            raise ResultInvalid("another game")
        self.world.store.of_run.commit(job, result.clips[0].video, problem=None, now=self.world.clock.now())


@pytest.fixture
def wanted(world: World) -> World:
    world.of_run[JobKind.TIMELAPSE] = Trailer(world)
    world.store.of_run.want(JobKind.TIMELAPSE, "trailer", "7", now=1.0, step=3)
    return world


def state(world: World) -> str:
    return world.store.of_run.newest(JobKind.TIMELAPSE)["trailer"].state.value


def test_what_its_worker_made_is_committed_by_the_stage_that_wanted_it(wanted: World) -> None:
    wanted.work()
    assert wanted.store.of_run.results(JobKind.TIMELAPSE) == {"trailer": "best-7.mp4"}
    assert not list(Path(wanted.layout.jobs).iterdir())
    assert not wanted.dispatch.start_one()


def test_a_worker_that_fails_is_tried_again_and_then_given_up(wanted: World) -> None:
    wanted.tell_workers(render="crash")
    wanted.work()
    assert state(wanted) == "waiting"
    wanted.clock.advance(100.0)
    wanted.work()
    assert state(wanted) == "parked"
    assert wanted.store.counts(JobKind.TIMELAPSE)[JobState.PARKED] == 1


def test_a_worker_that_ran_when_the_daemon_died_is_taken_up(wanted: World) -> None:
    assert wanted.dispatch.start_one()
    wanted.backend.work()
    wanted.start()
    wanted.dispatch.recover()
    wanted.collect()
    assert state(wanted) == "done"


def test_a_paused_run_stops_it_and_goes_on_later(wanted: World) -> None:
    assert wanted.dispatch.start_one()
    wanted.dispatch.stop_all()
    assert state(wanted) == "waiting"
    wanted.work()
    assert state(wanted) == "done"
