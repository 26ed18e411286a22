"""Reference players in the queue: whatever becomes of them, no checkpoint waits for it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.evaluations import digest_of, make_plan
from fakes.world import World

from observer.adapters import jobfiles
from observer.core.models import EvaluationPlan, EvaluationRequest, JobKind, JobState
from observer.core.plan import Planned, plan_digest
from observer.stages.references import References, ReferenceSettings
from observer.stages.status import standing


def begin(world: World) -> References:
    """What a daemon makes of them when it starts."""
    settings = ReferenceSettings(
        rom=Path("/roms/game.nes"), rom_sha256=world.rom_sha256, players=("random", "scripted")
    )
    world.of_run[JobKind.REFERENCE] = found = References(
        settings=settings, store=world.store, layout=world.layout, clock=world.clock
    )
    world.start()
    return found


@pytest.fixture
def references(world: World) -> References:
    """One checkpoint is evaluated; nobody was ordered yet."""
    found = begin(world)
    world.drop_step(1000)
    world.settle()
    world.work()
    return found


def states(world: World) -> dict[str, str]:
    return {subject[65:]: job.state.value for subject, job in world.store.of_run.newest(JobKind.REFERENCE).items()}


def request(world: World) -> EvaluationRequest:
    return jobfiles.read(EvaluationRequest, world.backend.started[-1] / "request.json")


def test_they_play_behind_every_checkpoint_that_waits(world: World, references: References) -> None:
    references.refresh()
    world.drop_step(2000)
    world.settle()
    for _ in range(3):
        world.work()
        references.refresh()
    orders = [path.name for path in world.backend.started]
    assert states(world) == {"random": "done", "scripted": "done"}
    assert orders == ["000001.1", "000004.1", "000003.1", "000002.1"]


def test_a_result_whose_evidence_is_gone_gives_them_up_and_holds_up_no_checkpoint(
    world: World, references: References
) -> None:
    shutil.rmtree(world.layout.output / "checkpoints")
    references.refresh()
    while world.dispatch.start_one():
        assert world.backend.running == 0
    assert world.store.running() == []
    assert world.store.unfinished() == 0
    world.drop_step(2000)
    world.settle()
    world.work()
    assert world.store.counts()[JobState.DONE] == 2


def test_what_was_played_on_another_rom_is_not_measured_on_this_one(world: World, references: References) -> None:
    world.rom_sha256 = digest_of("another rom")
    references = begin(world)
    references.refresh()
    assert states(world) == {}
    assert world.store.unfinished() == 0


def test_those_that_wait_for_another_rom_are_put_aside_until_it_is_back(world: World, references: References) -> None:
    references.refresh()
    rom = world.rom_sha256
    world.store.cartridges.keep_to(digest_of("another rom"), now=2.0)
    assert states(world) == {"random": "parked", "scripted": "parked"}
    world.store.cartridges.keep_to(rom, now=3.0)
    assert states(world) == {"random": "waiting", "scripted": "waiting"}


def test_they_meet_the_checkpoint_that_the_plan_has_as_opponent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rival = digest_of("rival")
    plan: EvaluationPlan = replace(make_plan(episodes=2), opponent_sha256=rival)
    monkeypatch.setattr(world, "planned", lambda _environment: Planned(plans=(plan,)))
    references = begin(world)
    world.drop_step(1000)
    world.settle()
    world.work()
    references.refresh()
    assert world.dispatch.start_one()
    assert request(world).player is not None
    assert request(world).opponent == str(world.layout.opponent(rival))


def test_what_they_came_to_is_found_again_without_a_database(world: World, references: References) -> None:
    references.refresh()
    world.work()
    world.work()
    for job in world.store.of_run.newest(JobKind.REFERENCE).values():
        assert job.state is JobState.DONE
    told = dict(world.store.of_run.results(JobKind.REFERENCE))
    with world.store._session.transaction(people_see_it=False) as connection:
        connection.execute("DELETE FROM job WHERE kind = 'reference'")
    begin(world).refresh()
    assert states(world) == {"random": "done", "scripted": "done"}
    assert dict(world.store.of_run.results(JobKind.REFERENCE)) == told
    assert not world.dispatch.start_one()


def test_one_that_fails_is_given_up_and_the_other_plays(world: World, references: References) -> None:
    references.refresh()
    world.tell_workers(evaluate_0="crash_at_once")
    world.work()
    world.tell_workers()
    world.work()
    world.clock.advance(1000.0)
    world.tell_workers(evaluate_0="crash_at_once")
    world.work()
    assert sorted(states(world).values()) == ["done", "parked"]
    assert world.store.parked() == []
    (problem,) = standing(world.layout, now=0.0).problems
    assert problem.what == "references"
    assert "2 attempts in a row brought nothing" in problem.sentence
    assert plan_digest(make_plan(episodes=4)) in next(iter(world.store.of_run.results(JobKind.REFERENCE)))
