from pathlib import Path

import pytest
from fakes import jobs


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return jobs.demo_checkpoints()[-1]
