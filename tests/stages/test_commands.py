import os

import pytest
from fakes.world import World
from fakes.zips import zip_of
from structlog.testing import capture_logs

from env.options import EnvironmentOptions
from observer.adapters.recognition import checkpoint_of
from observer.adapters.store import FactName
from observer.core.asking import Argument, CommandKind, EvaluateNow, Retry
from observer.core.models import Digest, JobId, JobState


def ask(world: World, kind: CommandKind, argument: Argument = None) -> None:
    world.store.requests.ask(kind, argument, now=world.clock.now())


def obey(world: World) -> list[str]:
    with capture_logs() as logs:
        world.commands.obey()
    return [entry["answer"] for entry in logs if entry["event"] == "command.done"]


def letter(world: World, step: int, *, environment: str | None = None) -> Digest:
    """Somebody lays a zip into the letter box and asks for it."""
    blob = zip_of(step)
    digest = checkpoint_of(blob, name="x.zip", trust="data", seen_at=0.0).digest
    world.letterbox.put(digest, blob)
    ask(world, CommandKind.EVALUATE, EvaluateNow(digest=digest, path=f"/else/{step}.zip", environment=environment))
    return digest


def states(world: World) -> dict[int, JobState]:
    return {job.checkpoint.step: job.state for job in world.store.jobs()}


@pytest.fixture
def crowded(world: World) -> World:
    """Steps 1 to 5 wait; a worker is free."""
    for step in range(1, 6):
        world.drop_step(step)
    world.settle()
    return world


def test_a_paused_run_starts_nothing_and_goes_on_where_it_was(crowded: World) -> None:
    ask(crowded, CommandKind.PAUSE)
    assert obey(crowded) == ["paused"]
    assert not crowded.dispatch.start_one()
    crowded.start()
    assert not crowded.dispatch.start_one()
    ask(crowded, CommandKind.RESUME)
    assert obey(crowded) == ["resumed"]
    assert crowded.dispatch.start_one()


def test_a_pause_puts_back_what_is_being_played_and_keeps_its_games(crowded: World) -> None:
    crowded.tell_workers(evaluate="crash")
    assert crowded.dispatch.start_one()
    folder = crowded.backend.started[0]
    ask(crowded, CommandKind.PAUSE)
    obey(crowded)
    crowded.dispatch.rest()
    assert crowded.backend.stopped == [folder]
    assert states(crowded)[5] is JobState.WAITING
    assert [job.failures for job in crowded.store.jobs()] == [0] * 5
    assert folder.is_dir()


def test_a_result_that_was_finished_before_the_pause_is_still_committed(crowded: World) -> None:
    assert crowded.dispatch.start_one()
    crowded.backend.work()
    ask(crowded, CommandKind.PAUSE)
    obey(crowded)
    crowded.collect()
    crowded.dispatch.rest()
    assert states(crowded)[5] is JobState.DONE


def test_files_are_taken_in_while_the_run_is_paused(world: World) -> None:
    ask(world, CommandKind.PAUSE)
    obey(world)
    world.drop_step(1)
    world.settle()
    assert states(world) == {1: JobState.WAITING}


def test_a_second_pause_keeps_the_time_of_the_first(world: World) -> None:
    for _ in range(2):
        ask(world, CommandKind.PAUSE)
        obey(world)
        world.clock.advance(60.0)
    paused = world.store.facts.get(FactName.PAUSED)
    assert paused is not None
    assert world.clock.now() - paused.since == 120.0


@pytest.mark.parametrize(
    "which", [Retry(step=1000), Retry(name="m_1000_steps.zip"), Retry(every="parked"), Retry(job=JobId(1))]
)
def test_a_parked_checkpoint_is_played_again(world: World, which: Retry) -> None:
    world.drop_step(1000)
    world.settle()
    world.tell_workers(evaluate="refuse")
    world.work()
    assert world.words() == {"m_1000_steps.zip": "space_mismatch"}
    world.tell_workers()
    ask(world, CommandKind.RETRY, which)
    assert obey(world) == ["1 jobs and 0 files again"]
    world.work()
    assert (states(world), world.words()) == ({1000: JobState.DONE}, {})


def test_a_parked_file_is_read_again(world: World) -> None:
    (world.watch / "m.zip").mkdir()
    world.settle()
    assert world.words() == {"m.zip": "not_a_file"}
    ask(world, CommandKind.RETRY, Retry(name="m.zip"))
    obey(world)
    assert world.words() == {}
    world.settle()
    assert world.words() == {"m.zip": "not_a_file"}


def test_what_was_passed_over_and_is_asked_for_is_not_passed_over_again(crowded: World) -> None:
    crowded.backlog_limit = 1
    crowded.start()
    crowded.work()
    assert sorted(step for step, state in states(crowded).items() if state is JobState.SKIPPED) == [1, 2, 3, 4]
    ask(crowded, CommandKind.RETRY, Retry(step=2))
    obey(crowded)
    crowded.work()
    assert states(crowded)[2] is JobState.DONE
    assert states(crowded)[1] is JobState.SKIPPED


def test_a_zip_from_elsewhere_goes_before_everything_that_waits(crowded: World) -> None:
    digest = letter(crowded, 3000)
    letter(crowded, 2)
    assert obey(crowded) == ["step 3000 is next", "step 2 is next"]
    assert crowded.layout.snapshot(digest).is_file()
    assert list(crowded.letterbox.folder.glob("*.zip")) == []
    crowded.work()
    crowded.work()
    assert {step for step, state in states(crowded).items() if state is JobState.DONE} == {2, 3000}


def test_a_zip_that_is_played_already_is_not_played_twice(world: World) -> None:
    world.drop_step(1)
    world.settle()
    world.work()
    letter(world, 1)
    obey(world)
    assert states(world) == {1: JobState.DONE}
    assert not world.dispatch.start_one()


def test_the_environment_beside_the_zip_counts(world: World) -> None:
    letter(world, 1, environment=EnvironmentOptions(frame_skip=2).to_json())
    obey(world)
    (job,) = world.store.jobs()
    assert job.plan.environment.frame_skip == 2


def test_a_request_that_cannot_be_done_is_crossed_off_with_the_reason_and_the_next_is_done(world: World) -> None:
    world.letterbox.put(Digest("0" * 64), b"another zip")
    for digest in ("0" * 64, "1" * 64):
        ask(world, CommandKind.EVALUATE, EvaluateNow(digest=Digest(digest), path="/else/m.zip"))
    letter(world, 1, environment="{")
    letter(world, 2)
    answers = obey(world)
    assert ["damaged" in answers[0], "is gone" in answers[1], "not JSON" in answers[2]] == [True] * 3
    assert states(world) == {2: JobState.WAITING}
    assert world.store.requests.waiting() == []


def test_a_request_is_done_by_the_daemon_that_comes_next(world: World) -> None:
    letter(world, 1)
    world.start()
    obey(world)
    assert states(world) == {1: JobState.WAITING}
    assert obey(world) == []


def test_a_full_disk_delays_a_request_and_loses_none(world: World) -> None:
    letter(world, 1)
    blocker = world.layout.work / "snapshots"
    blocker.write_text("in the way")
    with pytest.raises(OSError, match="snapshots"):
        world.commands.obey()
    blocker.unlink()
    obey(world)
    assert states(world) == {1: JobState.WAITING}


def test_a_zip_that_nobody_asked_about_is_cleared_away_after_an_hour(world: World) -> None:
    world.letterbox.put(Digest("0" * 64), b"litter")
    kept = letter(world, 1)
    now = world.clock.now()
    for path in world.letterbox.folder.glob("*.zip"):
        os.utime(path, (now, now))
    world.upkeep.sweep()
    assert len(list(world.letterbox.folder.glob("*.zip"))) == 2
    world.clock.advance(3601.0)
    world.upkeep.sweep()
    assert [path.stem for path in world.letterbox.folder.glob("*.zip")] == [kept]


def test_a_request_survives_as_it_was_asked(world: World) -> None:
    for argument in (Retry(every="skipped"), Retry(name='a"b\n.zip'), EvaluateNow(digest=Digest("0"), path="/ä")):
        kind = CommandKind.RETRY if isinstance(argument, Retry) else CommandKind.EVALUATE
        ask(world, kind, argument)
        assert world.store.requests.waiting()[-1].argument == argument
