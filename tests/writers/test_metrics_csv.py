import csv
from pathlib import Path

import pytest
from fakes.evaluations import SampleRun, make_plan

from observer.adapters.writers.metrics_csv import MetricsCsv
from observer.core.clock import iso


@pytest.fixture
def writer(tmp_path: Path) -> MetricsCsv:
    return MetricsCsv(tmp_path / "metrics.csv")


def rows(writer: MetricsCsv) -> list[dict[str, str]]:
    with writer.path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_without_results_has_a_table_of_headings(sample: SampleRun, writer: MetricsCsv) -> None:
    assert not writer.stands()
    writer.write(sample.publication())
    assert writer.path.read_text() == (
        "timestamp,episode,timestep,viruses_cleared,max_combo,topped_out,episode_length,total_reward,"
        "outcome,seed,capsules,frames,checkpoint,scenario,plan\n"
    )
    assert writer.stands()


def test_every_episode_of_every_evaluation_has_its_row(sample: SampleRun, writer: MetricsCsv) -> None:
    first, second = sample.add(1000), sample.add(2000)
    writer.write(sample.publication())
    found = rows(writer)
    games = [*sample.result(first).episodes, *sample.result(second).episodes]
    assert [float(row["total_reward"]) for row in found] == [game.total_reward for game in games]
    assert [row["topped_out"] for row in found] == [str(game.topped_out) for game in games]
    assert {(row["timestep"], row["timestamp"]) for row in found} == {
        ("1000", iso(first.finished_at)),
        ("2000", iso(second.finished_at)),
    }
    assert [int(row["episode"]) for row in found] == [*range(20), *range(20)]


def test_new_evaluations_are_added_and_the_earlier_ones_not_read_again(sample: SampleRun, writer: MetricsCsv) -> None:
    first = sample.add(1000)
    writer.write(sample.publication())
    before = writer.path.read_text()
    publication_of_both = (sample.add(2000), sample.publication())[1]
    (sample.output / first.directory / "result.json").unlink()
    writer.write(publication_of_both)
    assert writer.path.read_text().startswith(before)
    assert len(rows(writer)) == 40


def test_nothing_new_leaves_the_file_alone(sample: SampleRun, writer: MetricsCsv) -> None:
    sample.add(1000)
    writer.write(sample.publication())
    before = writer.path.stat().st_mtime_ns, writer.path.stat().st_ino
    writer.write(sample.publication())
    assert (writer.path.stat().st_mtime_ns, writer.path.stat().st_ino) == before


@pytest.mark.parametrize("damage", ["", "timestamp,oops\n", "no table at all", "half", "foreign rows", "\udcff binary"])
def test_a_file_that_was_deleted_or_does_not_fit_comes_back_whole(
    sample: SampleRun, writer: MetricsCsv, damage: str
) -> None:
    sample.add(1000)
    sample.add(2000)
    writer.write(sample.publication())
    whole = writer.path.read_bytes()
    damaged = {"half": whole[: len(whole) // 2], "foreign rows": whole + b"1,2,3\n"}
    writer.path.write_bytes(damaged.get(damage, damage.encode(errors="surrogateescape")))
    writer.write(sample.publication())
    assert writer.path.read_bytes() == whole
    writer.path.unlink()
    writer.write(sample.publication())
    assert writer.path.read_bytes() == whole


def test_a_hostile_checkpoint_name_is_in_no_cell(sample: SampleRun, writer: MetricsCsv) -> None:
    sample.add(1000, name="=HYPERLINK(1).zip", plan=make_plan(level=3))
    writer.write(sample.publication())
    assert "HYPERLINK" not in writer.path.read_text()


def test_a_disk_that_refuses_leaves_what_was_there(sample: SampleRun, writer: MetricsCsv) -> None:
    sample.add(1000)
    writer.write(sample.publication())
    whole = writer.path.read_bytes()
    sample.add(2000)
    blocked = MetricsCsv(writer.path / "below-a-file.csv")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        blocked.write(sample.publication())
    assert writer.path.read_bytes() == whole
