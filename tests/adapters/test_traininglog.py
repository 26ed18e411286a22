"""The trainer's log as SB3 really writes it, read while it grows."""

import itertools
import os
from pathlib import Path

import pytest
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat

from observer.adapters.traininglog import TrainingLog


class Training:
    """A trainer's logger, such as SB3 sets one up."""

    def __init__(self, folder: Path) -> None:
        self.logger = Logger(str(folder), [TensorBoardOutputFormat(str(folder))])

    def log(self, *steps: int) -> None:
        for step in steps:
            self.logger.record("rollout/ep_rew_mean", 0.5)
            self.logger.record("time/fps", 700)
            self.logger.dump(step)


def steps_of(log: TrainingLog) -> list[int]:
    return [point.step for point in log.read()]


def event_file(folder: Path) -> Path:
    (path,) = folder.rglob("*tfevents*")
    return path


def test_points_come_as_the_trainer_writes_them(tmp_path: Path) -> None:
    log = TrainingLog([tmp_path])
    assert log.find() is None
    assert steps_of(log) == []
    training = Training(tmp_path / "tensorboard" / "PPO_1")
    training.log(2048, 4096)
    assert log.find() == event_file(tmp_path)
    assert steps_of(log) == [2048, 4096]
    training.log(6144)
    assert steps_of(log) == [2048, 4096, 6144]
    first, second, _ = log.read()
    assert 0 <= second.moment - first.moment < 60
    training.logger.close()


def test_a_record_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    training = Training(tmp_path / "a")
    training.log(1, 2, 3)
    training.logger.close()
    whole = event_file(tmp_path).read_bytes()
    growing = tmp_path / "b" / "events.out.tfevents.1"
    growing.parent.mkdir()
    growing.touch()
    log = TrainingLog([growing.parent])
    log.find()
    found = []
    for end in range(len(whole) + 1):
        growing.write_bytes(whole[:end])
        found.append(steps_of(log))
    assert found[-1] == [1, 2, 3]
    assert all(len(now) - len(before) in {0, 1} for before, now in itertools.pairwise(found))


@pytest.mark.parametrize("rubbish", [b"words" * 20, b"\xff" * 64, (5).to_bytes(8, "little") + b"....wrong...." * 3])
def test_a_file_that_makes_no_sense_gives_no_points_and_no_error(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(rubbish)
    log = TrainingLog([tmp_path])
    log.find()
    assert steps_of(log) == []


def test_a_training_that_begins_anew_is_followed_into_its_new_file(tmp_path: Path) -> None:
    first = Training(tmp_path / "PPO_1")
    first.log(1000)
    first.logger.close()
    os.utime(event_file(tmp_path), (1.0, 1.0))
    log = TrainingLog([tmp_path])
    log.find()
    assert steps_of(log) == [1000]
    second = Training(tmp_path / "PPO_2")
    second.log(10, 20)
    assert steps_of(log) == [1000]
    log.find()
    assert steps_of(log) == [10, 20]
    second.logger.close()


def test_our_own_events_and_what_was_excluded_are_no_training(tmp_path: Path) -> None:
    training = Training(tmp_path / "observations" / "tensorboard")
    training.log(1)
    training.logger.close()
    (tmp_path / "events.out.tfevents.0000000001.observer").write_bytes(event_file(tmp_path).read_bytes())
    assert TrainingLog([tmp_path], without=[tmp_path / "observations"]).find() is None
    assert TrainingLog([tmp_path]).find() is not None


def test_a_log_that_is_taken_away_ends_no_daemon(tmp_path: Path) -> None:
    training = Training(tmp_path / "PPO_1")
    training.log(1)
    training.logger.close()
    log = TrainingLog([tmp_path])
    log.find()
    event_file(tmp_path).unlink()
    assert steps_of(log) == []
    assert log.find() is None
