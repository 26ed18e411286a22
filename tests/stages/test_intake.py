import json
import os
import socket
import stat
from pathlib import Path

import pytest
from fakes.world import World
from fakes.zips import zip_of
from structlog.testing import capture_logs

from env.options import EnvironmentOptions
from observer.adapters.recognition import checkpoint_of, step_in_name
from observer.core.models import JobState
from observer.stages.intake import READS_PER_SCAN


def test_a_checkpoint_is_admitted_when_it_has_settled(world: World) -> None:
    path = world.drop_step(5000)
    world.intake.scan()
    world.clock.advance(1.9)
    world.intake.scan()
    assert world.steps() == []
    world.clock.advance(0.2)
    world.intake.scan()
    (job,) = world.store.jobs()
    assert (job.checkpoint.step, job.checkpoint.name, job.checkpoint.size) == (5000, path.name, path.stat().st_size)
    assert world.layout.snapshot(job.checkpoint.digest).read_bytes() == path.read_bytes()
    assert world.intake.is_idle


def test_a_file_that_keeps_changing_is_not_read(world: World) -> None:
    path = world.drop("m.zip", b"PK")
    whole = zip_of(1)
    for size in range(0, len(whole), 200):
        path.write_bytes(whole[:size])
        world.intake.scan()
        world.clock.advance(1.5)
    path.write_bytes(whole)
    world.settle()
    assert world.steps() == [1]


def test_a_half_written_file_waits_and_is_admitted_when_it_is_whole(world: World) -> None:
    whole = zip_of(1)
    path = world.drop("m.zip", whole[:-30])
    world.settle()
    assert world.steps() == []
    assert world.words() == {}
    assert not world.intake.is_idle
    path.write_bytes(whole)
    world.settle()
    assert world.steps() == [1]


def test_a_half_written_file_is_damaged_after_ten_unchanged_minutes(world: World) -> None:
    path = world.drop("m.zip", zip_of(1)[:-30])
    for _ in range(9 * 60):
        world.clock.advance(1.0)
        world.intake.scan()
    assert world.words() == {}
    for _ in range(2 * 60):
        world.clock.advance(1.0)
        world.intake.scan()
    assert world.words() == {"m.zip": "damaged"}
    (parked,) = world.store.parked()
    assert "has not changed for 10 minutes" in parked.sentence
    path.write_bytes(zip_of(1))
    world.settle()
    assert world.steps() == [1]
    assert world.words() == {}


def test_a_file_that_waits_is_told_of_once(world: World) -> None:
    world.drop("m.zip", b"hello")
    with capture_logs() as logs:
        for _ in range(60):
            world.clock.advance(1.0)
            world.intake.scan()
    (told,) = [entry for entry in logs if entry["log_level"] == "info"]
    assert (told["event"], told["name"], told["word"]) == ("checkpoint.awaited", "m.zip", "not_a_zip")
    assert "does not begin as a zip" in told["sentence"]
    world.drop("m.zip", b"hello, still not")
    with capture_logs() as logs:
        world.settle()
    assert [entry["event"] for entry in logs if entry["log_level"] == "info"] == ["checkpoint.awaited"]


def test_who_asks_hears_what_is_waited_for(world: World) -> None:
    assert world.intake.problem == ""
    world.drop("m.zip", b"hello")
    world.drop("n.zip", b"hello")
    world.intake.scan()
    assert world.intake.problem == "", "it may be settling"
    world.settle()
    assert world.intake.problem == (
        "m.zip: checkpoint: it does not begin as a zip does. It is looked at again, and parked 10 minutes after its last "
        "change. And 1 more wait."
    )
    world.drop("m.zip", zip_of(1))
    world.drop("n.zip", zip_of(2))
    world.settle()
    assert (sorted(world.steps()), world.intake.problem) == ([1, 2], "")


def test_an_incomplete_file_is_looked_at_less_and_less_often(world: World) -> None:
    world.drop("m.zip", b"not yet")
    waits = []
    for _ in range(8):
        world.intake.scan()
        assert world.intake.next_look is not None
        wait = world.intake.next_look - world.clock.monotonic()
        waits.append(round(wait))
        world.clock.advance(wait)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_file_deleted_before_it_was_read_is_forgotten(world: World) -> None:
    path = world.drop_step(1)
    world.intake.scan()
    path.unlink()
    world.settle()
    assert (world.steps(), world.words(), world.intake.is_idle) == ([], {}, True)


def test_the_same_content_under_two_names_is_one_checkpoint(world: World) -> None:
    world.drop("a.zip", zip_of(1))
    world.drop("b.zip", zip_of(1))
    world.settle()
    assert world.steps() == [1]


def test_the_same_name_with_new_content_is_a_second_checkpoint(world: World) -> None:
    world.drop("best_model.zip", zip_of(1))
    world.settle()
    world.drop("best_model.zip", zip_of(2))
    world.settle()
    assert world.steps() == [1, 2]
    assert len({job.checkpoint.digest for job in world.store.jobs()}) == 2


def test_a_file_moved_over_the_old_one_is_a_second_checkpoint(world: World) -> None:
    world.drop("best_model.zip", zip_of(1))
    world.settle()
    (world.watch / ".tmp").write_bytes(zip_of(2))
    (world.watch / ".tmp").replace(world.watch / "best_model.zip")
    world.settle()
    assert world.steps() == [1, 2]


def test_the_trainer_may_delete_its_file_once_it_is_admitted(world: World) -> None:
    path = world.drop_step(1)
    world.settle()
    path.unlink()
    world.settle()
    (job,) = world.store.jobs()
    assert world.layout.snapshot(job.checkpoint.digest).exists()


def test_one_bad_file_stops_no_other(world: World) -> None:
    world.drop("a.zip", b"")
    world.drop("b.zip", zip_of(1, without="policy.pth"))
    world.drop_step(2)
    world.settle()
    assert world.steps() == [2]
    assert world.words() == {"b.zip": "not_sb3"}


def test_a_parked_file_is_not_read_again_by_the_next_daemon(world: World) -> None:
    world.drop("b.zip", zip_of(1, without="policy.pth"))
    world.settle()
    world.start()
    world.intake.scan()
    assert world.intake.is_idle


def test_what_is_known_is_not_read_again_by_the_next_daemon(world: World) -> None:
    path = world.drop_step(1)
    world.settle()
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns - 1)
    world.start()
    world.intake.scan()
    assert world.intake.is_idle
    os.utime(path, ns=times)  # it looks different, and holds the same
    with capture_logs() as logs:
        world.settle()
    assert [entry["event"] for entry in logs] == ["checkpoint.recognised"]
    assert world.steps() == [1]


def test_another_plan_evaluates_known_checkpoints_anew(world: World) -> None:
    world.drop_step(1)
    world.settle()
    world.episodes += 1
    world.start()
    world.settle()
    assert world.steps() == [1, 1]


def test_a_checkpoint_that_is_planned_anew_before_it_was_played_is_played_by_the_new_plan_alone(world: World) -> None:
    """The trainer wrote its environment.json after the first zip."""
    world.drop_step(1)
    world.settle()
    (world.watch / "environment.json").write_text(EnvironmentOptions(frame_skip=2).to_json(), encoding="utf-8")
    world.settle()
    world.settle()
    states = [(job.plan.environment.frame_skip, job.state) for job in world.store.jobs()]
    assert states == [(4, JobState.SKIPPED), (2, JobState.WAITING)]
    (world.watch / "environment.json").write_text(EnvironmentOptions().to_json(), encoding="utf-8")
    world.settle()
    world.settle()
    states = [(job.plan.environment.frame_skip, job.state) for job in world.store.jobs()]
    assert states == [(4, JobState.WAITING), (2, JobState.SKIPPED)]


def test_a_missing_folder_is_waited_for_and_said_once(world: World) -> None:
    world.watch.rmdir()
    with capture_logs() as logs:
        for _ in range(3):
            world.intake.scan()
    assert [entry["event"] for entry in logs] == ["folder.missed"]
    assert world.intake.is_idle
    assert world.intake.problem == f"{world.watch}: No such file or directory. It is looked for again and again."
    world.watch.mkdir()
    world.drop_step(1)
    world.settle()
    assert (world.steps(), world.intake.problem) == ([1], "")


def test_a_folder_that_is_a_link_is_followed(world: World, tmp_path: Path) -> None:
    world.watch.rename(tmp_path / "elsewhere")
    world.watch.symlink_to(tmp_path / "elsewhere")
    world.drop_step(1)
    world.settle()
    assert world.steps() == [1]


def test_what_is_no_file_is_parked_and_never_opened(world: World) -> None:
    (world.watch / "folder.zip").mkdir()
    os.mkfifo(world.watch / "fifo.zip")
    (world.watch / "loop.zip").symlink_to(world.watch / "loop.zip")
    (world.watch / "nowhere.zip").symlink_to(world.watch / "not-there")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(world.watch / "socket.zip"))
        world.settle()
    assert world.words() == {
        "folder.zip": "not_a_file",
        "fifo.zip": "not_a_file",
        "loop.zip": "unreadable",
        "socket.zip": "not_a_file",
    }
    assert world.intake.is_idle


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_parked_in_the_end_and_tried_when_it_may(world: World) -> None:
    path = world.drop_step(1)
    path.chmod(0)
    for _ in range(12):
        world.clock.advance(60.0)
        world.intake.scan()
    assert world.words() == {path.name: "permission"}
    path.chmod(stat.S_IRUSR)
    world.settle()
    assert world.steps() == [1]


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.zip", b"-rf.zip", b"a\nb.zip", b"=cmd.zip", b"'; drop table job; --.zip", b"x" * 251 + b".zip"],
    ids=["no UTF-8", "option", "newline", "formula", "quotes", "255 bytes"],
)
def test_names_that_came_from_outside_do_no_harm(world: World, name: bytes) -> None:
    world.drop(os.fsdecode(name), zip_of(1))
    world.settle()
    (job,) = world.store.jobs()
    job.checkpoint.name.encode()
    assert world.layout.evaluation(job.checkpoint, "s", job.checkpoint.digest).is_relative_to(world.layout.output)


def test_other_files_and_hidden_ones_are_no_checkpoints(world: World) -> None:
    for name in (".m.zip.tmp", ".hidden.zip", "m_vecnormalize_1_steps.pkl", "notes.txt"):
        world.drop(name, zip_of(1))
    world.settle()
    assert world.intake.is_idle
    assert world.store.seen_files() == {}


def test_the_step_is_that_of_the_zip_and_of_the_name_only_without_one(world: World) -> None:
    world.drop("m_7_steps.zip", zip_of(5))
    world.drop("m_9_steps.zip", zip_of(None))
    world.settle()
    assert sorted(world.steps()) == [5, 9]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("ppo_20000_steps.zip", 20000),
        ("dqn2_500_steps_seed7.zip", 500),
        ("model-12.zip", 12),
        ("best_model.zip", 0),
        ("9" * 200 + ".zip", int("9" * 5)),
    ],
)
def test_steps_in_names(name: str, step: int) -> None:
    assert step_in_name(name) == step


def test_the_environment_beside_the_checkpoints_wins(world: World) -> None:
    options = EnvironmentOptions(observation="relative", actions="placement")
    (world.watch / "environment.json").write_text(options.to_json(), encoding="utf-8")
    world.drop_step(1)
    world.settle()
    (job,) = world.store.jobs()
    assert job.plan.environment == options


def test_a_bad_environment_parks_its_checkpoints_until_the_file_changes(world: World) -> None:
    sidecar = world.watch / "environment.json"
    sidecar.write_text(EnvironmentOptions().to_json().replace("planes", "plains"), encoding="utf-8")
    world.drop_step(1)
    world.settle()
    (parked,) = world.store.parked()
    assert (parked.word, world.steps()) == ("bad_environment", [])
    assert "observation: 'plains' is not known" in parked.sentence
    world.start()
    world.settle()
    assert world.words() == {"m_1_steps.zip": "bad_environment"}
    sidecar.write_text(EnvironmentOptions().to_json(), encoding="utf-8")
    world.settle()
    world.settle()
    assert (world.words(), world.steps()) == ({}, [1])


@pytest.mark.parametrize("text", ["", "{", "[" * 60000, "[]", json.dumps({"schema": "x"}), "\x00\xff"])
def test_no_text_beside_the_checkpoints_stops_the_daemon(world: World, text: str) -> None:
    (world.watch / "environment.json").write_text(text, encoding="latin-1")
    world.drop_step(1)
    world.settle()
    assert world.words() == {"m_1_steps.zip": "bad_environment"}


def test_an_environment_that_is_being_written_is_waited_for(world: World) -> None:
    world.drop_step(1)
    text = EnvironmentOptions(frame_skip=2).to_json()
    world.intake.scan()
    world.clock.advance(1.9)
    (world.watch / "environment.json").write_text(text[:20], encoding="utf-8")
    world.intake.scan()
    world.clock.advance(1.9)
    (world.watch / "environment.json").write_text(text, encoding="utf-8")
    world.settle()
    assert [job.plan.environment.frame_skip for job in world.store.jobs()] == [2]


def test_an_environment_that_disappears_still_counts(world: World) -> None:
    (world.watch / "environment.json").write_text(EnvironmentOptions(frame_skip=2).to_json(), encoding="utf-8")
    world.drop_step(1)
    world.settle()
    (world.watch / "environment.json").unlink()
    world.drop_step(2)
    world.settle()
    assert [job.plan.environment.frame_skip for job in world.store.jobs()] == [2, 2]


def test_a_full_disk_delays_a_checkpoint_and_loses_none(world: World) -> None:
    world.drop_step(1)
    world.layout.work.mkdir(parents=True, exist_ok=True)
    blocker = world.layout.work / "snapshots"
    blocker.write_text("in the way")
    with capture_logs() as logs:
        world.settle()
    assert world.steps() == []
    (delayed,) = [entry for entry in logs if entry["event"] == "checkpoint.delayed"]
    assert delayed["problem"].startswith("no copy of it can be kept in the output folder: ")
    blocker.unlink()
    world.clock.advance(60.0)
    world.intake.scan()
    assert world.steps() == [1]


def test_many_files_at_once_are_read_a_few_in_a_scan(world: World) -> None:
    for step in range(READS_PER_SCAN + 5):
        world.drop(f"m_{step}_steps.zip", zip_of(step))
    world.intake.scan()
    world.clock.advance(2.1)
    world.intake.scan()
    assert len(world.steps()) == READS_PER_SCAN
    assert world.intake.next_look is not None
    assert world.intake.next_look <= world.clock.monotonic()
    world.intake.scan()
    assert len(world.steps()) == READS_PER_SCAN + 5


def test_a_finished_checkpoint_is_not_copied_again(world: World) -> None:
    world.drop("a.zip", zip_of(1))
    world.settle()
    world.work()
    world.upkeep.sweep()
    world.drop("b.zip", zip_of(1))
    world.settle()
    (job,) = world.store.jobs(JobState.DONE)
    assert not world.layout.snapshot(job.checkpoint.digest).exists()


def test_an_unreadable_class_is_parked_unless_unpickling_is_allowed(world: World) -> None:
    world.drop("m_7_steps.zip", zip_of(1, without="policy_class"))
    world.settle()
    assert world.words() == {"m_7_steps.zip": "bad_data"}
    world.trust = "unpickle"
    world.start()
    os.utime(world.watch / "m_7_steps.zip", (1.0, 1.0))
    world.settle()
    assert world.steps() == [7]


def test_the_zips_own_step_counts_whether_or_not_it_may_run_code() -> None:
    for trust in ("data", "unpickle"):
        found = checkpoint_of(zip_of(5000), name="ppo_9_steps.zip", trust=trust, seen_at=1.0)
        assert (found.step, found.name) == (5000, "ppo_9_steps.zip")
