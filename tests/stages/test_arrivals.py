"""Every way in which a checkpoint, its folder and what lies beside it come, go and come back."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from fakes.world import World
from fakes.zips import zip_of
from structlog.testing import capture_logs

from observer.adapters.checkpoint_folder import companion_name
from observer.core.models import JobState

STATISTICS = b"statistics"


def written(folder: Path, elsewhere: Path, name: str) -> None:
    (folder / name).write_bytes(zip_of(7))


def renamed(folder: Path, elsewhere: Path, name: str) -> None:
    (elsewhere / "tmp").write_bytes(zip_of(7))
    (elsewhere / "tmp").rename(folder / name)


def renamed_within(folder: Path, elsewhere: Path, name: str) -> None:
    (folder / ".part").write_bytes(zip_of(7))
    (folder / ".part").rename(folder / name)


def linked(folder: Path, elsewhere: Path, name: str) -> None:
    (elsewhere / "kept.zip").write_bytes(zip_of(7))
    (folder / name).hardlink_to(elsewhere / "kept.zip")


def symlinked(folder: Path, elsewhere: Path, name: str) -> None:
    (elsewhere / "kept.zip").write_bytes(zip_of(7))
    (folder / name).symlink_to(elsewhere / "kept.zip")


def copied_with_its_date(folder: Path, elsewhere: Path, name: str) -> None:
    (elsewhere / "old.zip").write_bytes(zip_of(7))
    os.utime(elsewhere / "old.zip", (1.0, 1.0))
    shutil.copy2(elsewhere / "old.zip", folder / name)


@pytest.mark.parametrize(
    "arrive", [written, renamed, renamed_within, linked, symlinked, copied_with_its_date], ids=lambda way: way.__name__
)
def test_however_a_file_arrives_it_is_taken_in_once(world: World, tmp_path: Path, arrive: object) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert callable(arrive)
    arrive(world.watch, elsewhere, "m_7_steps.zip")
    world.settle()
    world.settle()
    assert world.steps() == [7]
    assert world.intake.is_idle


def test_a_file_that_is_copied_slowly_is_read_when_it_is_whole(world: World) -> None:
    whole = zip_of(7)
    with (world.watch / "m.zip").open("wb", buffering=0) as file:
        for start in range(0, len(whole), 97):
            file.write(whole[start : start + 97])
            world.clock.advance(1.0)
            world.intake.scan()
            assert world.steps() == []
    world.settle()
    assert (world.steps(), world.words()) == ([7], {})


def test_a_file_that_is_moved_away_and_back_is_the_same_checkpoint(world: World, tmp_path: Path) -> None:
    path = world.drop_step(7)
    world.settle()
    path.rename(tmp_path / "away.zip")
    world.settle()
    (tmp_path / "away.zip").rename(path)
    world.settle()
    assert world.steps() == [7]
    assert world.intake.is_idle


def test_what_network_file_systems_leave_behind_is_no_checkpoint(world: World) -> None:
    for name in (".nfs000000000123", ".nfs0000.zip", "._m_7_steps.zip", "m_7_steps.zip.part"):
        world.drop(name, zip_of(7))
    world.settle()
    assert world.steps() == []
    assert world.intake.is_idle


def test_a_folder_that_is_renamed_and_made_anew_is_watched_on(world: World, tmp_path: Path) -> None:
    world.drop_step(1)
    world.settle()
    world.watch.rename(tmp_path / "renamed")
    with capture_logs() as logs:
        world.intake.scan()
        world.watch.mkdir()
        world.drop_step(2)
        world.settle()
    assert [entry["event"] for entry in logs if entry["event"].startswith("folder")] == [
        "folder.missed",
        "folder.found",
    ]
    assert world.steps() == [1, 2]


def test_a_link_that_leads_elsewhere_tomorrow_is_followed(world: World, tmp_path: Path) -> None:
    for step in (1, 2):
        (tmp_path / f"run-{step}").mkdir()
        (tmp_path / f"run-{step}" / "m.zip").write_bytes(zip_of(step))
    world.watch.rmdir()
    world.watch.symlink_to(tmp_path / "run-1")
    world.settle()
    world.watch.unlink()
    world.watch.symlink_to(tmp_path / "run-2")
    world.settle()
    assert world.steps() == [1, 2]


def test_a_folder_on_a_network_is_found_out_and_given_more_time(world: World) -> None:
    world.is_remote = True
    world.start()
    world.drop_step(7)
    with capture_logs() as logs:
        world.intake.scan()
    (told,) = [entry for entry in logs if entry["event"] == "folder.remote"]
    assert told["settle_seconds"] == 10.0
    world.clock.advance(9.9)
    world.intake.scan()
    assert world.steps() == []
    world.clock.advance(0.2)
    world.intake.scan()
    assert world.steps() == [7]


def test_a_parked_file_that_is_deleted_is_no_longer_listed(world: World) -> None:
    path = world.drop("m.zip", b"")
    (world.watch / "n.zip").mkdir()
    for _ in range(12):
        world.clock.advance(60.0)
        world.intake.scan()
    assert world.words() == {"m.zip": "damaged", "n.zip": "not_a_file"}
    path.unlink()
    world.intake.scan()
    assert world.words() == {"n.zip": "not_a_file"}
    shutil.rmtree(world.watch)
    world.intake.scan()
    assert world.words() == {"n.zip": "not_a_file"}


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("rl_model_1000_steps.zip", "rl_model_vecnormalize_1000_steps.pkl"),
        ("a_7_steps_9_steps.zip", "a_7_steps_vecnormalize_9_steps.pkl"),
        ("best_model.zip", "best_model_vecnormalize.pkl"),
        ("_steps.zip", "_steps_vecnormalize.pkl"),
    ],
)
def test_statistics_are_named_as_sb3_names_them(name: str, beside: str) -> None:
    assert companion_name(name) == beside


def recorded(world: World) -> list[tuple[str, str]]:
    rows = world.store._connection.execute("SELECT name, digest FROM companion").fetchall()
    return [(row[0], row[1]) for row in rows]


def copy_of(world: World) -> Path:
    return world.layout.companion(world.store.jobs()[0].checkpoint.digest, "vecnormalize")


def test_statistics_beside_a_checkpoint_are_copied_and_recorded_with_it(world: World) -> None:
    world.drop_step(1000)
    world.drop("m_vecnormalize_1000_steps.pkl", STATISTICS)
    world.drop("m_vecnormalize_2000_steps.pkl", b"another's")
    world.settle()
    assert recorded(world) == [("m_vecnormalize_1000_steps.pkl", hashlib.sha256(STATISTICS).hexdigest())]
    for path in world.watch.iterdir():
        path.unlink()
    world.upkeep.sweep()
    assert copy_of(world).read_bytes() == STATISTICS
    world.work()
    world.upkeep.sweep()
    assert not copy_of(world).exists()


def test_a_checkpoint_waits_for_statistics_that_are_still_being_written(world: World) -> None:
    world.drop_step(1000)
    world.intake.scan()
    for size in range(1, 5):
        world.clock.advance(1.9)
        world.drop("m_vecnormalize_1000_steps.pkl", STATISTICS[:size])
        world.intake.scan()
        assert world.steps() == []
    world.settle()
    assert world.steps() == [1000]
    assert copy_of(world).read_bytes() == STATISTICS[:4]


def test_statistics_that_come_late_are_paired_and_it_is_said_what_was_played_without_them(world: World) -> None:
    world.drop_step(1000)
    world.settle()
    world.work()
    world.drop("m_vecnormalize_1000_steps.pkl", STATISTICS)
    with capture_logs() as logs:
        world.settle()
        world.settle()
    (told,) = [entry for entry in logs if entry["event"] == "checkpoint.paired"]
    assert told["log_level"] == "warning"
    assert len(recorded(world)) == 1
    assert [job.state for job in world.store.jobs()] == [JobState.DONE]


def test_statistics_that_cannot_be_read_stop_no_checkpoint(world: World) -> None:
    world.drop_step(1000)
    (world.watch / "m_vecnormalize_1000_steps.pkl").mkdir()
    with capture_logs() as logs:
        world.settle()
    assert world.steps() == [1000]
    assert recorded(world) == []
    assert "companion.refused" in [entry["event"] for entry in logs]


def test_hundreds_of_files_at_once_are_all_taken_in_and_each_is_read_once(world: World) -> None:
    for step in range(500):
        world.drop(f"m_{step}_steps.zip", zip_of(step))
    world.intake.scan()
    world.clock.advance(2.1)
    scans = 0
    while not world.intake.is_idle:
        world.intake.scan()
        scans += 1
    assert scans <= 500 // 64 + 2
    assert sorted(world.steps()) == list(range(500))


def test_what_was_refused_for_want_of_statistics_is_played_when_they_come(world: World) -> None:
    world.drop_step(1000)
    world.settle()
    (job,) = world.store.jobs()
    assert world.dispatch.start_one()
    (claimed,) = world.store.jobs()
    world.store.park_job(claimed, word="vecnormalize_missing", sentence="They are not there.", now=world.clock.now())
    assert [job.state for job in world.store.jobs()] == [JobState.PARKED]
    world.drop("m_vecnormalize_1000_steps.pkl", STATISTICS)
    world.settle()
    world.settle()
    assert [job.state for job in world.store.jobs()] == [JobState.WAITING]
    assert job.id == world.store.jobs()[0].id
