from pathlib import Path

import pytest
from fakes.evaluations import SampleRun, make_plan
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from observer.adapters.writers.tensorboard import TensorBoard


@pytest.fixture
def writer(tmp_path: Path) -> TensorBoard:
    return TensorBoard(tmp_path / "tensorboard")


def run_folder(writer: TensorBoard) -> Path:
    (folder,) = writer.folder.iterdir()
    return folder


def steps(reader: EventAccumulator, tag: str = "eval/win_rate") -> list[int]:
    return [point.step for point in reader.Scalars(tag)]


def freshly_read(writer: TensorBoard) -> EventAccumulator:
    reader = EventAccumulator(str(run_folder(writer)))
    reader.Reload()
    return reader


def test_a_run_without_results_has_an_empty_folder(sample: SampleRun, writer: TensorBoard) -> None:
    assert not writer.stands()
    writer.write(sample.publication())
    assert writer.stands()
    assert list(writer.folder.iterdir()) == []


def test_tensorboard_reads_the_figures_at_the_checkpoints_own_step(sample: SampleRun, writer: TensorBoard) -> None:
    evaluation = sample.add(1_000_000_000, skill=0.7)
    writer.write(sample.publication())
    reader, summary = freshly_read(writer), sample.result(evaluation).summary
    (point,) = reader.Scalars("eval/win_rate")
    assert (point.step, point.wall_time) == (1_000_000_000, evaluation.finished_at)
    assert point.value == pytest.approx(summary.win_rate.value)
    assert reader.Scalars("eval/win_rate_low")[0].value == pytest.approx(summary.win_rate.low)
    assert reader.Scalars("eval/timeout_rate")[0].value == pytest.approx(summary.timeouts / summary.episodes)
    assert set(reader.Tags()["scalars"]) == {
        "eval/win_rate",
        "eval/win_rate_low",
        "eval/win_rate_high",
        "eval/viruses_cleared_mean",
        "eval/episode_length_mean",
        "eval/total_reward_mean",
        "eval/max_combo_mean",
        "eval/loss_rate",
        "eval/draw_rate",
        "eval/topped_out_rate",
        "eval/timeout_rate",
    }


def test_an_open_reader_sees_what_is_added(sample: SampleRun, writer: TensorBoard) -> None:
    sample.add(0)
    writer.write(sample.publication())
    reader = freshly_read(writer)
    for step in (100, 200):
        sample.add(step)
        writer.write(sample.publication())
    reader.Reload()
    assert steps(reader) == [0, 100, 200]
    assert len(list(run_folder(writer).iterdir())) == 1


def test_an_open_reader_sees_checkpoints_that_come_out_of_order_once_each(
    sample: SampleRun, writer: TensorBoard
) -> None:
    """A file that is rewritten is not read again, and a vanished one holds a reader up for ever."""
    for step in (0, 300):
        sample.add(step)
    writer.write(sample.publication())
    reader = freshly_read(writer)
    for step in (400, 200, 100):
        sample.add(step)
        writer.write(sample.publication())
    reader.Reload()
    assert steps(reader) == [0, 100, 200, 300, 400]
    assert steps(freshly_read(writer)) == [0, 100, 200, 300, 400]


def test_superseded_files_do_not_pile_up(sample: SampleRun, writer: TensorBoard) -> None:
    for step in range(8, 0, -1):
        sample.add(step)
        writer.write(sample.publication())
    assert len(list(run_folder(writer).iterdir())) <= 5
    assert steps(freshly_read(writer)) == list(range(1, 9))


def test_a_record_torn_by_a_crash_is_completed(sample: SampleRun, writer: TensorBoard) -> None:
    sample.add(1)
    sample.add(2)
    writer.write(sample.publication())
    (path,) = run_folder(writer).iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    writer.write(sample.publication())
    assert path.read_bytes() == whole


def test_a_deleted_folder_comes_back(sample: SampleRun, writer: TensorBoard) -> None:
    sample.add(1)
    writer.write(sample.publication())
    (path,) = run_folder(writer).iterdir()
    whole = path.read_bytes()
    path.unlink()
    path.parent.rmdir()
    writer.folder.rmdir()
    assert not writer.stands()
    writer.write(sample.publication())
    assert path.read_bytes() == whole


def test_every_scenario_and_plan_is_a_run_of_its_own(sample: SampleRun, writer: TensorBoard) -> None:
    sample.add(1, plan=make_plan(level=0))
    sample.add(1, plan=make_plan(level=5))
    writer.write(sample.publication())
    runs = EventMultiplexer().AddRunsFromDirectory(str(writer.folder)).Reload().Runs()
    assert sorted(name.rsplit("-", 1)[0] for name in runs) == ["1p-level0-med", "1p-level5-med"]


def test_files_of_others_in_the_folder_are_left_alone(sample: SampleRun, writer: TensorBoard) -> None:
    sample.add(2)
    writer.write(sample.publication())
    foreign = run_folder(writer) / "events.out.tfevents.1.trainer"
    foreign.write_bytes(b"theirs")
    sample.add(1)
    writer.write(sample.publication())
    assert foreign.read_bytes() == b"theirs"
