from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import injection
from fakes.site import Site
from fakes.world import World


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.store:
        yield world


@pytest.fixture(scope="session")
def injects() -> None:
    """Skips where no process may be traced."""
    if problem := injection.obstacle():
        pytest.skip(problem)
