from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest
from fakes.clock import FakeClock
from fakes.evaluations import SampleRun, make_plan
from structlog.testing import capture_logs

from observer.adapters.store import Store
from observer.adapters.writers import Publication, Writer
from observer.adapters.writers.metrics_csv import MetricsCsv
from observer.adapters.writers.report import Report
from observer.adapters.writers.tensorboard import TensorBoard
from observer.core.backlog import BacklogPolicy
from observer.core.layout import RunLayout
from observer.core.models import Job, ParkedFile
from observer.stages.publishing import Publishing


@dataclass
class Desk:
    """A run's store and output, and what publishes it."""

    sample: SampleRun
    store: Store
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def layout(self) -> RunLayout:
        return RunLayout(self.sample.output)

    def commit(self, step: int) -> PurePosixPath:
        """Admit, claim and commit one checkpoint; the folder of its evidence."""
        evaluation = self.sample.add(step)
        result = self.sample.result(evaluation)
        self.store.admit(evaluation.checkpoint, [make_plan()], path=f"{step}.zip", seen_as=str(step))
        job = self.store.choose_and_claim(BacklogPolicy(), now=evaluation.finished_at)
        assert isinstance(job, Job)
        self.store.commit_evaluation(
            job, result, directory=evaluation.directory, render=None, now=evaluation.finished_at
        )
        return evaluation.directory

    def publishing(self, *writers: Writer) -> Publishing:
        return Publishing(self.store, self.layout, writers, clock=self.clock)

    def all_writers(self) -> tuple[Writer, ...]:
        layout = self.layout
        return (
            MetricsCsv(layout.metrics),
            TensorBoard(layout.tensorboard),
            Report(path=layout.report, run="baseline"),
        )


@dataclass
class FullDisk:
    """A writer whose disk is full until it is not."""

    full: bool = True
    publications: list[Publication] = field(default_factory=list)
    tries: int = 0

    @property
    def name(self) -> str:
        return "full-disk"

    def stands(self) -> bool:
        return True

    def write(self, publication: Publication) -> None:
        self.tries += 1
        if self.full:
            raise OSError(28, "No space left on device")
        self.publications.append(publication)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "output").mkdir()
    with Store(tmp_path / "output" / "observer.db") as store:
        yield Desk(SampleRun(tmp_path / "output"), store)


def test_an_empty_run_has_its_table_its_folder_and_its_page(desk: Desk) -> None:
    publishing = desk.publishing(*desk.all_writers())
    assert publishing.is_behind
    publishing.flush()
    assert not publishing.is_behind
    assert "No checkpoint has been played yet" in desk.layout.report.read_text()


def test_a_committed_evaluation_reaches_every_writer_once(desk: Desk) -> None:
    publishing = desk.publishing(*desk.all_writers())
    desk.commit(1000)
    publishing.flush()
    assert len(desk.layout.metrics.read_text().splitlines()) == 21
    assert "1,000" in desk.layout.report.read_text()
    stamp = desk.layout.report.stat()
    publishing.flush()
    assert desk.layout.report.stat() == stamp


def test_a_restart_publishes_nothing_twice(desk: Desk) -> None:
    desk.commit(1000)
    desk.publishing(*desk.all_writers()).flush()
    stamp = desk.layout.metrics.stat()
    desk.commit(2000)
    desk.publishing(*desk.all_writers()).flush()
    assert desk.layout.metrics.stat() != stamp
    assert len(desk.layout.metrics.read_text().splitlines()) == 41


@pytest.mark.parametrize("name", ["metrics", "report"])
def test_a_projection_that_was_deleted_comes_back(desk: Desk, name: str) -> None:
    desk.commit(1000)
    publishing = desk.publishing(*desk.all_writers())
    publishing.flush()
    path: Path = getattr(desk.layout, name)
    whole = path.read_bytes()
    path.unlink()
    publishing.flush()
    assert path.read_bytes() == whole


def test_a_writer_that_fails_stops_no_other_and_is_tried_again_later(desk: Desk) -> None:
    broken = FullDisk()
    publishing = desk.publishing(broken, *desk.all_writers())
    desk.commit(1000)
    with capture_logs() as logs:
        publishing.flush()
        publishing.flush()
    assert [entry["writer"] for entry in logs if entry["event"] == "writer.failed"] == ["full-disk"]
    assert desk.layout.report.exists()
    assert publishing.is_behind
    broken.full = False
    desk.clock.advance(2.1)
    publishing.flush()
    assert [len(publication.evaluations) for publication in broken.publications] == [1]
    assert not publishing.is_behind


def test_a_writer_that_goes_on_failing_is_tried_less_and_less_often(desk: Desk) -> None:
    broken = FullDisk()
    publishing = desk.publishing(broken)
    desk.commit(1000)
    for _ in range(600):
        publishing.flush()
        desk.clock.advance(1)
    assert 5 <= broken.tries <= 10


def test_an_evaluation_whose_evidence_is_lost_is_said_once_and_the_others_are_shown(desk: Desk) -> None:
    lost = desk.commit(1000)
    (desk.sample.output / lost / "result.json").unlink()
    desk.commit(2000)
    publishing = desk.publishing(*desk.all_writers())
    with capture_logs() as logs:
        publishing.flush()
        desk.commit(3000)
        publishing.flush()
    assert [entry["folder"] for entry in logs if entry["event"] == "evidence.missing"] == [str(lost)]
    page = desk.layout.report.read_text()
    assert "2,000" in page
    assert "1,000" not in page


def test_parked_files_and_the_queue_are_on_the_page(desk: Desk) -> None:
    publishing = desk.publishing(*desk.all_writers())
    publishing.flush()
    parked = ParkedFile(path="odd.zip", word="not_a_zip", sentence="it begins like a PNG", seen_at=1.8e9)
    desk.store.park_file(parked, seen_as="1")
    evaluation = desk.sample.add(5)
    desk.store.admit(evaluation.checkpoint, [make_plan()], path="5.zip", seen_as="2")
    publishing.flush()
    page = desk.layout.report.read_text()
    assert "it begins like a PNG" in page
    assert "1 to play" in page
