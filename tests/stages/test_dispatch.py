import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.world import World
from structlog.testing import capture_logs

from observer.adapters import jobfiles
from observer.adapters.backends import Exit
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles
from observer.core.models import (
    EvaluationRequest,
    EvaluationResult,
    Job,
    JobKind,
    JobState,
    Progress,
    RenderRequest,
    RenderResult,
)
from observer.core.plan import plan_digest


@pytest.fixture
def admitted(world: World) -> World:
    """A checkpoint of 1000 steps waits."""
    world.drop_step(1000)
    world.settle()
    return world


def only_job(world: World) -> Job:
    (job,) = world.store.jobs()
    return job


def evidence(world: World) -> Path:
    job = world.store.jobs()[0]
    return world.layout.evaluation(job.checkpoint, job.plan.scenario.name, plan_digest(job.plan))


def test_a_worker_is_given_everything_in_its_request(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    (folder,) = admitted.backend.started
    request = jobfiles.read(EvaluationRequest, JobFiles(folder).request)
    assert request.checkpoint == only_job(admitted).checkpoint
    assert Path(request.snapshot).is_file()
    assert request.rom == "/roms/game.nes"
    assert request.resume_from == ()


def test_a_result_is_moved_to_where_it_stays_and_committed(admitted: World) -> None:
    admitted.work()
    assert only_job(admitted).state is JobState.DONE
    (evaluation,) = admitted.store.evaluations()
    folder = admitted.layout.output / evaluation.directory
    assert folder == evidence(admitted)
    assert jobfiles.read(EvaluationResult, folder / "result.json").summary.episodes == 4
    assert sorted(path.name for path in (folder / "replays").iterdir()) == [f"{seed}.replay" for seed in range(4)]
    assert (folder / "episodes.csv").read_text(encoding="utf-8").count("\n") == 5
    assert list(admitted.layout.jobs.iterdir()) == []


def test_no_more_workers_are_started_than_there_is_room_for(world: World) -> None:
    for step in (1, 2, 3):
        world.drop_step(step)
    world.settle()
    world.backend.slots = 2
    assert [world.dispatch.start_one() for _ in range(3)] == [True, True, False]
    assert world.backend.running == 2


def test_a_crash_is_tried_again_after_a_wait_and_only_missing_games_are_played(admitted: World) -> None:
    admitted.tell_workers(evaluate="crash")
    admitted.work()
    assert not admitted.dispatch.start_one()
    admitted.clock.advance(10.1)
    admitted.tell_workers()
    assert admitted.dispatch.start_one()
    job, folder = only_job(admitted), admitted.backend.started[-1]
    assert (job.attempt, job.failures) == (2, 0)
    assert job.error is not None
    assert "told to crash" in job.error
    request = jobfiles.read(EvaluationRequest, JobFiles(folder).request)
    assert request.resume_from == (str(admitted.backend.started[0]),)
    admitted.backend.work()
    assert [game.seed for game in jobfiles.read_episodes(JobFiles(folder).episodes)] == [2, 3]
    admitted.collect()
    assert only_job(admitted).state is JobState.DONE


def test_failures_without_a_new_game_park_the_job_and_the_next_one_runs(world: World) -> None:
    world.drop_step(1000)
    world.drop_step(900)
    world.settle()
    world.tell_workers(evaluate_1000="crash_at_once")
    with capture_logs() as logs:
        for _ in range(4):
            world.work()
            world.clock.advance(61.0)
    assert [entry["event"] for entry in logs if "retried" in entry["event"]] == ["job.retried"] * 2
    assert world.words() == {"m_1000_steps.zip": "crashed"}
    assert world.store.counts()[JobState.DONE] == 1


def test_failures_that_bring_new_games_are_not_counted(world: World) -> None:
    world.episodes = 9
    world.drop_step(1000)
    world.settle()
    world.tell_workers(evaluate="crash")
    for _ in range(5):
        world.work()
        world.clock.advance(61.0)
    assert only_job(world).state is JobState.DONE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_from_outside_counts_nothing(admitted: World, number: signal.Signals) -> None:
    with capture_logs() as logs:
        for _ in range(5):
            assert admitted.dispatch.start_one()
            admitted.backend.end(-number)
            admitted.collect()
            admitted.clock.advance(61.0)
    assert (only_job(admitted).state, only_job(admitted).failures) == (JobState.WAITING, 0)
    reasons = {entry["reason"] for entry in logs if entry["event"] == "job.returned"}
    assert reasons == {f"its worker was ended from outside ({number.name})"}


def test_kills_from_outside_are_left_more_and_more_time_to_pass(admitted: World) -> None:
    """Whoever kills each worker would otherwise be fed one after the other."""
    waits = []
    for _ in range(4):
        assert admitted.dispatch.start_one()
        admitted.backend.end(-signal.SIGKILL)
        admitted.collect()
        waits.append(only_job(admitted).not_before - admitted.clock.now())
        admitted.clock.advance(61.0)
    assert waits == [10.0, 60.0, 60.0, 60.0]
    admitted.work()
    assert only_job(admitted).state is JobState.DONE


def test_a_kill_after_new_games_begins_to_count_anew(world: World) -> None:
    world.episodes = 9
    world.drop_step(1000)
    world.settle()
    world.tell_workers(evaluate="crash")
    waits = []
    for _ in range(3):
        assert world.dispatch.start_one()
        world.backend.work()
        world.backend.replace_exit(-signal.SIGKILL)
        world.collect()
        waits.append(only_job(world).not_before - world.clock.now())
        world.clock.advance(61.0)
    assert waits == [10.0] * 3


def test_a_machine_without_memory_charges_nobody_and_says_so(admitted: World) -> None:
    with capture_logs() as logs:
        for _ in range(5):
            assert admitted.dispatch.start_one()
            admitted.backend.end(-signal.SIGKILL, memory_short="machine")
            admitted.collect()
            admitted.clock.advance(61.0)
    assert (only_job(admitted).state, only_job(admitted).failures) == (JobState.WAITING, 0)
    reasons = {entry["reason"] for entry in logs if entry["event"] == "job.returned"}
    assert reasons == {"the machine ran out of memory"}


def test_a_checkpoint_that_needs_more_memory_than_we_are_given_is_parked(admitted: World) -> None:
    for _ in range(3):
        assert admitted.dispatch.start_one()
        admitted.backend.end(-signal.SIGKILL, memory_short="ours")
        admitted.collect()
        admitted.clock.advance(61.0)
    (parked,) = admitted.store.parked()
    assert parked.word == "out_of_memory"
    assert "raise MemoryMax, or lower workers.count or evaluation.lanes" in parked.sentence


def test_a_segmentation_fault_is_a_failure(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.backend.end(-signal.SIGSEGV)
    admitted.collect()
    assert only_job(admitted).failures == 1


def test_a_refused_checkpoint_is_parked_with_the_workers_word(admitted: World) -> None:
    admitted.tell_workers(evaluate="refuse")
    admitted.work()
    (parked,) = admitted.store.parked()
    assert (parked.word, parked.sentence) == (
        "space_mismatch",
        "1p-level0-med: the spaces are not those of the game",
    )


def test_a_missing_emulator_makes_everything_wait_and_charges_nobody(world: World) -> None:
    for step in (1, 2):
        world.drop_step(step)
    world.settle()
    world.tell_workers(evaluate="setup")
    with capture_logs() as logs:
        for _ in range(3):
            world.work()
            assert not world.dispatch.start_one()
            world.clock.advance(60.1)
    missed = [entry for entry in logs if entry["event"] == "setup.missed"]
    assert [entry["problem"] for entry in missed] == ["mednafen is not installed"]
    assert {job.state for job in world.store.jobs()} == {JobState.WAITING}
    assert [job.failures for job in world.store.jobs()] == [0, 0]
    world.tell_workers()
    world.work()
    world.work()
    assert world.store.counts()[JobState.DONE] == 2


def test_without_an_encoder_statistics_go_on_and_clips_are_made_later(world: World) -> None:
    world.reasons = ("best",)
    world.start()
    for step in (1, 2):
        world.drop_step(step)
    world.settle()
    world.tell_workers(render="no encoder")
    with capture_logs() as logs:
        for _ in range(4):
            world.work()
    assert world.store.counts()[JobState.DONE] == 2
    assert [job.failures for job in world.store.jobs(JobState.WAITING)] == [0, 0]
    assert world.store.totals.unavailable() == "install PyAV's own wheel"
    assert world.store.unfinished() == 0, "nobody waits for them"
    assert {entry["event"] for entry in logs} >= {"clip.put_off", "job.committed"}
    world.tell_workers()
    world.clock.advance(600.1)
    for _ in range(2):
        world.work()
    assert world.store.counts(JobKind.RENDER)[JobState.DONE] == 2
    assert world.store.totals.unavailable() == ""


def test_a_worker_that_could_not_even_say_why_it_misses_something_points_at_the_disk(admitted: World) -> None:
    with capture_logs() as logs:
        assert admitted.dispatch.start_one()
        admitted.backend.end(ExitCode.SETUP)
        admitted.collect()
    (missed,) = [entry for entry in logs if entry["event"] == "setup.missed"]
    assert "is the disk full?" in missed["problem"]
    assert only_job(admitted).failures == 0


def test_a_machine_that_gives_no_process_makes_everything_wait(admitted: World) -> None:
    admitted.backend.is_full = True
    assert not admitted.dispatch.start_one()
    assert (only_job(admitted).state, only_job(admitted).failures) == (JobState.WAITING, 0)
    admitted.backend.is_full = False
    admitted.clock.advance(60.1)
    admitted.work()
    assert only_job(admitted).state is JobState.DONE


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [("garbage", "schema"), ("another_game", "not the one that the result names"), ("trap", "is not a file")],
)
def test_a_result_that_does_not_hold_is_parked_and_not_published(
    admitted: World, behaviour: str, sentence: str
) -> None:
    admitted.tell_workers(evaluate=behaviour)
    admitted.work()
    (parked,) = admitted.store.parked()
    assert parked.word == "result_invalid"
    assert sentence in parked.sentence
    assert admitted.store.evaluations() == []
    assert not evidence(admitted).exists()


def test_a_result_of_another_plan_is_refused(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.backend.work()
    path = JobFiles(admitted.backend.started[0]).result
    path.write_text(path.read_text(encoding="utf-8").replace('"level": 0', '"level": 3'), encoding="utf-8")
    admitted.collect()
    assert admitted.words() == {"m_1000_steps.zip": "result_invalid"}


def test_a_start_finds_a_whole_result_of_a_dead_daemon_and_adopts_it(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.backend.work()
    admitted.start()
    admitted.dispatch.recover()
    admitted.dispatch.collect()
    job = only_job(admitted)
    assert (job.state, job.attempt) == (JobState.DONE, 1)
    assert len(admitted.store.evaluations()) == 1


def test_a_start_returns_what_was_running_and_counts_nothing(admitted: World) -> None:
    admitted.tell_workers(evaluate="crash")
    assert admitted.dispatch.start_one()
    admitted.backend.work()
    admitted.start()
    admitted.dispatch.recover()
    job = only_job(admitted)
    assert (job.state, job.failures) == (JobState.WAITING, 0)
    admitted.tell_workers()
    admitted.work()
    assert only_job(admitted).state is JobState.DONE


def test_a_death_between_moving_and_committing_loses_nothing(admitted: World) -> None:
    """The evidence is in its place, the commit never came: the job directory still has all of it."""
    assert admitted.dispatch.start_one()
    admitted.backend.work()
    admitted.store._connection.execute(
        "CREATE TRIGGER die BEFORE INSERT ON evaluation BEGIN SELECT RAISE(FAIL, 'x'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        admitted.collect()
    assert evidence(admitted).exists()
    assert only_job(admitted).state is JobState.RUNNING
    admitted.store._connection.execute("DROP TRIGGER die")
    admitted.start()
    admitted.dispatch.recover()
    admitted.dispatch.collect()
    assert only_job(admitted).state is JobState.DONE
    assert len(list((evidence(admitted) / "replays").iterdir())) == 4


def test_a_commit_that_failed_is_tried_again_by_the_next_turn(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.backend.work()
    (admitted.layout.output / "checkpoints").write_text("in the way")
    with pytest.raises(OSError, match="checkpoints"):
        admitted.collect()
    (admitted.layout.output / "checkpoints").unlink()
    admitted.collect()
    assert only_job(admitted).state is JobState.DONE


def test_a_result_that_cannot_be_committed_yet_does_not_hold_up_the_next_one(world: World) -> None:
    world.backend.slots = 2
    for step in (1000, 900):
        world.drop_step(step)
    world.settle()
    for _ in range(2):
        assert world.dispatch.start_one()
    world.backend.work()
    world.backend.work()
    first = next(job for job in world.store.jobs() if job.checkpoint.step == 1000)
    in_the_way = world.layout.evaluation(first.checkpoint, first.plan.scenario.name, plan_digest(first.plan)).parent
    in_the_way.parent.mkdir()
    in_the_way.write_text("in the way")
    with pytest.raises(OSError, match="1000-"):
        world.collect()
    with pytest.raises(OSError, match="1000-"):
        world.collect()
    assert [evaluation.checkpoint.step for evaluation in world.store.evaluations()] == [900]
    in_the_way.unlink()
    world.collect()
    assert world.store.counts()[JobState.DONE] == 2


def test_a_stall_that_cannot_be_recorded_yet_is_recorded_by_the_next_turn(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.backend.cpu[admitted.backend.started[0]] = 301.0
    admitted.store._connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON job BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        admitted.dispatch.stop_stalled()
    admitted.store._connection.execute("DROP TRIGGER full")
    admitted.collect()
    job = only_job(admitted)
    assert (job.state, job.failures) == (JobState.WAITING, 1)
    assert job.error is not None
    assert "no progress in 301 s" in job.error


def test_workers_of_other_runs_are_not_touched(admitted: World, tmp_path: Path) -> None:
    admitted.dispatch.note([Exit(job_dir=tmp_path, code=0)])
    admitted.dispatch.collect()
    assert only_job(admitted).state is JobState.WAITING


def test_a_stop_kills_the_workers_and_puts_their_jobs_back(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.dispatch.stop_all()
    assert admitted.backend.stopped == admitted.backend.started
    job = only_job(admitted)
    assert (job.state, job.failures, job.not_before) == (JobState.WAITING, 0, 0.0)


def advance(world: World, seconds: float) -> None:
    for _ in range(int(seconds / 30)):
        world.clock.advance(30.0)
        world.dispatch.stop_stalled()


def test_a_worker_that_burns_time_without_a_frame_is_stopped(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    (folder,) = admitted.backend.started
    admitted.backend.cpu[folder] = 299.0
    admitted.dispatch.stop_stalled()
    assert admitted.backend.stopped == []
    admitted.backend.cpu[folder] = 301.0
    admitted.dispatch.stop_stalled()
    assert admitted.backend.stopped == [folder]
    job = only_job(admitted)
    assert job.failures == 1
    assert job.error == "the worker made no progress in 301 s and was stopped"


def test_a_worker_that_waits_for_ever_is_stopped(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    advance(admitted, 1790)
    assert admitted.backend.stopped == []
    advance(admitted, 60)
    assert admitted.backend.stopped == admitted.backend.started


def test_a_worker_that_gets_on_may_take_its_time(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    (folder,) = admitted.backend.started
    for frames in range(1, 20):
        progress = Progress(done=0, total=4, frames=frames, cpu_seconds=0.0)
        jobfiles.write(JobFiles(folder).progress, progress)
        admitted.backend.cpu[folder] = 250.0 * frames
        advance(admitted, 1500)
    assert admitted.backend.stopped == []


def test_an_hour_of_sleep_of_the_machine_is_no_stall(admitted: World) -> None:
    assert admitted.dispatch.start_one()
    admitted.dispatch.stop_stalled()
    admitted.clock.advance(3600.0)
    admitted.dispatch.stop_stalled()
    assert admitted.backend.stopped == []


@pytest.fixture
def evaluated(world: World) -> World:
    """A checkpoint is evaluated; its rendering waits."""
    world.reasons = ("best", "worst")
    world.start()
    world.drop_step(1000)
    world.settle()
    world.work()
    return world


def test_clips_are_made_after_the_result_and_listed_with_it(evaluated: World) -> None:
    assert evaluated.store.evaluations()[0].clips == ()
    assert evaluated.dispatch.start_one()
    request = jobfiles.read(RenderRequest, JobFiles(evaluated.backend.started[-1]).request)
    assert Path(request.replays) == evidence(evaluated) / "replays"
    evaluated.backend.work()
    evaluated.collect()
    clips = evaluated.store.evaluations()[0].clips
    assert [clip.highlight.reason for clip in clips] == ["best", "worst"]
    for clip in clips:
        assert (evidence(evaluated) / "clips" / clip.video).is_file()
        assert (evidence(evaluated) / "clips" / clip.poster).is_file()
    assert evaluated.store.unfinished() == 0


def test_a_rendering_that_fails_twice_is_given_up_and_the_result_stands(evaluated: World) -> None:
    evaluated.tell_workers(render="crash")
    evaluated.work()
    evaluated.clock.advance(61.0)
    evaluated.work()
    assert evaluated.store.counts(JobKind.RENDER)[JobState.PARKED] == 1
    assert len(evaluated.store.evaluations()) == 1
    assert evaluated.store.unfinished() == 0


def test_clips_that_could_not_be_made_are_tried_once_more_before_the_others_are_listed(evaluated: World) -> None:
    for attempt in (1, 2):
        assert evaluated.store.counts(JobKind.RENDER)[JobState.DONE] == 0
        assert evaluated.dispatch.start_one()
        files = JobFiles(evaluated.backend.started[-1])
        evaluated.backend.work()
        told = jobfiles.read(RenderResult, files.result)
        jobfiles.write(
            files.result, replace(told, clips=told.clips[:1], problems={"worst": f"the disk is full {attempt}"})
        )
        evaluated.collect()
        evaluated.clock.advance(61.0)
    (evaluation,) = evaluated.store.evaluations()
    assert [clip.highlight.reason for clip in evaluation.clips] == ["best"]
    assert evaluated.store.counts(JobKind.RENDER)[JobState.DONE] == 1


def test_a_clip_that_is_not_there_is_refused_and_does_not_wait_for_ever(evaluated: World) -> None:
    assert evaluated.dispatch.start_one()
    files = JobFiles(evaluated.backend.started[-1])
    evaluated.backend.work()
    (files.clips / "best-0.mp4").unlink()
    evaluated.collect()
    assert evaluated.store.evaluations()[0].clips == ()
    assert evaluated.store.counts(JobKind.RENDER)[JobState.PARKED] == 1


def test_a_clip_named_outside_its_folder_is_refused(evaluated: World) -> None:
    assert evaluated.dispatch.start_one()
    files = JobFiles(evaluated.backend.started[-1])
    evaluated.backend.work()
    text = files.result.read_text(encoding="utf-8")
    files.result.write_text(text.replace('"best-0.mp4"', '"../../best-0.mp4"'), encoding="utf-8")
    evaluated.collect()
    assert evaluated.store.evaluations()[0].clips == ()
    assert evaluated.store.counts(JobKind.RENDER)[JobState.PARKED] == 1
