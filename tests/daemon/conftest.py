from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    try:
        yield site
    finally:
        site.kill_all()
