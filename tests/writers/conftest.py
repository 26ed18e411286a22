from pathlib import Path

import pytest
from fakes.evaluations import SampleRun


@pytest.fixture
def sample(tmp_path: Path) -> SampleRun:
    return SampleRun(tmp_path)
