from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.store:
        yield world
