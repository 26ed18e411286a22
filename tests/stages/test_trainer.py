"""A real log, a clock that tests move, and workers that come and go."""

from pathlib import Path

from fakes.clock import FakeClock
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from observer.adapters.traininglog import TrainingLog
from observer.stages.trainer import FIND_SECONDS, LOOK_SECONDS, Trainer


def append(path: Path, *, moment: float, step: int) -> None:
    value = summary_pb2.Summary.Value(tag="time/fps", simple_value=700.0)
    event = event_pb2.Event(wall_time=moment, step=step, summary=summary_pb2.Summary(value=[value]))
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        RecordWriter(file).write(event.SerializeToString())


def test_training_beside_workers_is_told_from_training_alone(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "PPO_1" / "events.out.tfevents.1"
    trainer = Trainer(TrainingLog([tmp_path]), clock=clock)
    step = 0
    for turn in range(14):
        trainer.note(is_busy=turn < 7)
        step += 800 if turn <= 7 else 1000
        append(path, moment=clock.now(), step=step)
        trainer.look()
        clock.advance(LOOK_SECONDS)
    assert trainer.speed is not None
    assert (trainer.speed.evaluating_points, trainer.speed.idle_points) == (7, 6)
    assert trainer.speed.slowdown == 1.25


def test_a_log_that_comes_later_is_found(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "PPO_1" / "events.out.tfevents.1"
    trainer = Trainer(TrainingLog([tmp_path]), clock=clock)
    trainer.look()
    assert trainer.speed is None
    append(path, moment=clock.now(), step=1)
    append(path, moment=clock.now() + 10, step=1001)
    clock.advance(FIND_SECONDS)
    trainer.look()
    assert trainer.speed is not None
    assert (trainer.speed.idle, trainer.speed.evaluating) == (100.0, None)
