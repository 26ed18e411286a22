from pathlib import Path

import pytest
from fakes.world import World
from structlog.testing import capture_logs

from env.options import TRAINING_DONE_FILE
from observer.adapters.store import FactName
from observer.adapters.writers.report import Report
from observer.stages.publishing import Publishing


def look(world: World) -> tuple[str, bool, list[str]]:
    """Why training has ended, whether the report is final, and what was logged."""
    with capture_logs() as logs:
        world.ending.look(is_all_done=world.intake.is_idle and not world.store.unfinished())
    ended, final = (world.store.facts.get(name) for name in (FactName.ENDED, FactName.FINAL))
    return ("" if ended is None else ended.value, final is not None, [entry["event"] for entry in logs])


@pytest.fixture
def played(world: World) -> World:
    world.drop_step(1000)
    world.settle()
    world.work()
    return world


def page(world: World, folder: Path) -> str:
    report = Report(path=folder / "index.html", run="low")
    Publishing(world.store, world.layout, [report], clock=world.clock).flush()
    return report.path.read_text(encoding="utf-8")


def test_training_goes_on_while_checkpoints_come(played: World, tmp_path: Path) -> None:
    played.clock.advance(23 * 3600.0)
    assert look(played) == ("", False, [])
    assert "Training has ended" not in page(played, tmp_path)


def test_a_day_without_a_new_checkpoint_ends_it(played: World, tmp_path: Path) -> None:
    played.clock.advance(24 * 3600.0)
    reason = "no new checkpoint for 24 hours"
    assert look(played) == (reason, True, ["training.ended", "run.completed"])
    assert look(played) == (reason, True, [])
    told = page(played, tmp_path)
    assert f"Final report. Training has ended: {reason}. 1 played, 0 passed over, 0 could not be used." in told
    assert "The best: step 1,000 won 50" in told


def test_a_trainer_says_so_itself_and_the_report_waits_for_what_is_still_to_play(world: World, tmp_path: Path) -> None:
    world.drop_step(1000)
    world.drop(TRAINING_DONE_FILE, b"")
    world.settle()
    reason = "training.done lies beside the checkpoints"
    assert look(world) == (reason, False, ["training.ended"])
    assert f"Training has ended: {reason}. 1 still to play." in page(world, tmp_path)
    world.work()
    assert look(world) == (reason, True, ["run.completed"])


def test_a_checkpoint_that_comes_later_reopens_the_run(played: World, tmp_path: Path) -> None:
    played.drop(TRAINING_DONE_FILE, b"")
    look(played)
    played.drop_step(2000)
    played.settle()
    assert look(played)[1:] == (False, ["run.reopened"])
    (played.watch / TRAINING_DONE_FILE).unlink()
    assert look(played) == ("", False, ["run.reopened"])
    played.work()
    assert look(played) == ("", False, [])
    assert "Training has ended" not in page(played, tmp_path)


def test_an_end_is_known_to_the_daemon_that_comes_next_and_outlives_the_folder(played: World) -> None:
    played.drop(TRAINING_DONE_FILE, b"")
    ended = look(played)[0]
    for path in played.watch.iterdir():
        path.unlink()
    played.watch.rmdir()
    played.start()
    played.settle()
    assert look(played) == (ended, True, [])


def test_a_run_without_a_checkpoint_has_not_ended(world: World) -> None:
    world.drop(TRAINING_DONE_FILE, b"")
    world.settle()
    assert look(world) == ("", False, [])
