"""Real runs of the real worker, shared between the tests that look at them."""

from pathlib import Path

import pytest
from fakes import jobs

from observer.core.layout import JobFiles


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    """The longest trained of the demo's checkpoints."""
    return jobs.demo_checkpoints()[-1]


@pytest.fixture(scope="session")
def jobs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="session")
def played(jobs_folder: Path, checkpoint: Path) -> JobFiles:
    """Four short games in two lanes."""
    return jobs.play(jobs.job(jobs_folder / "000001.1", checkpoint, jobs.plan_of(range(4))))
