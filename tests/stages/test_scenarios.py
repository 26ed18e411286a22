"""Several scenarios for every checkpoint: a job and a result each, and one that cannot be played stops no other."""

from collections.abc import Iterator

import pytest
from fakes.evaluations import digest_of
from fakes.world import World
from structlog.testing import capture_logs

from env.options import Scenario
from observer.core.backlog import BacklogPolicy
from observer.core.models import Job, JobKind, JobState
from observer.core.plan import plan_digest

EASY, HARD, RIVAL = Scenario(), Scenario(level=15, speed="hi"), Scenario(mode="vs_cpu")


@pytest.fixture
def matrix(world: World) -> World:
    world.scenarios = (EASY, HARD, RIVAL)
    return world


def played(world: World) -> list[str]:
    return [evaluation.scenario for evaluation in world.store.evaluations()]


def claims(world: World) -> Iterator[Job]:
    """What is played, in its order."""
    while job := world.store.choose_and_claim(BacklogPolicy(), now=world.clock.now()):
        assert isinstance(job, Job)
        yield job


def test_a_checkpoint_has_a_job_and_a_folder_for_each_scenario(matrix: World) -> None:
    matrix.drop_step(1000)
    matrix.settle()
    for _ in matrix.scenarios:
        matrix.work()
    assert played(matrix) == [scenario.name for scenario in matrix.scenarios]
    folders = {evaluation.directory for evaluation in matrix.store.evaluations()}
    assert len({folder.parent for folder in folders}) == 1
    assert {folder.name.rpartition("-")[0] for folder in folders} == {scenario.name for scenario in matrix.scenarios}


def test_the_scenarios_are_played_and_listed_in_their_order(matrix: World) -> None:
    for step in (1000, 2000):
        matrix.drop_step(step)
        matrix.settle()
    claimed = list(claims(matrix))
    assert tuple(job.plan.scenario for job in claimed) == 2 * matrix.scenarios
    assert matrix.store.plans() == [plan_digest(job.plan) for job in claimed[:3]]


def test_the_newest_checkpoint_plays_all_its_scenarios_before_an_older_one(matrix: World) -> None:
    for step in (1000, 2000):
        matrix.drop_step(step)
    matrix.settle()
    steps = [job.checkpoint.step for job in claims(matrix)]
    assert steps == [2000] * 3 + [1000] * 3


def test_the_backlog_counts_checkpoints_and_not_their_scenarios(matrix: World) -> None:
    for step in (1000, 2000, 3000):
        matrix.drop_step(step)
    matrix.settle()
    policy = BacklogPolicy(backlog_limit=2, keep_every=0)
    assert matrix.store.choose_and_claim(policy, now=matrix.clock.now())
    skipped = matrix.store.jobs(JobState.SKIPPED)
    assert {job.checkpoint.step for job in skipped} == {1000}
    assert len(skipped) == 3


def test_a_scenario_that_is_refused_parks_its_job_alone_and_says_which(matrix: World) -> None:
    matrix.drop_step(1000)
    matrix.settle()
    matrix.work()
    matrix.tell_workers(evaluate="refuse")
    matrix.work()
    matrix.tell_workers()
    matrix.work()
    assert played(matrix) == [EASY.name, RIVAL.name]
    (parked,) = matrix.store.parked()
    assert parked.sentence.startswith(f"{HARD.name}: ")
    assert matrix.store.counts(JobKind.EVALUATE)[JobState.PARKED] == 1
    assert matrix.store.copies.wanted(), "it can be asked for again"


def test_a_scenario_that_the_environment_cannot_be_in_is_told_once(world: World) -> None:
    world.refused = {"2p-level0-med": "observation: relative is of the one-player game"}
    for step in (1000, 2000):
        world.drop_step(step)
    with capture_logs() as logs:
        world.settle()
        world.settle()
    (told,) = [entry for entry in logs if entry["event"] == "scenario.refused"]
    assert told["scenario"] == "2p-level0-med"
    assert sorted(world.steps()) == [1000, 2000]


def test_a_scenario_that_is_added_later_is_played_for_what_lies_there(world: World) -> None:
    world.drop_step(1000)
    world.settle()
    world.work()
    world.scenarios = (EASY, HARD)
    world.start()
    world.settle()
    world.work()
    assert played(world) == [EASY.name, HARD.name]


def test_what_was_planned_for_another_rom_holds_nothing_when_it_is_asked_for_again(world: World) -> None:
    world.drop_step(1000)
    world.settle()
    world.rom_sha256 = digest_of("another ROM")
    world.start()
    assert world.dispatch.start_one()
    assert world.backend.running == 0
    (parked,) = world.store.parked()
    assert parked.word == "other_rom"
    assert world.dispatch.start_one() is False, "there is nothing else to do, and nothing is held"
