from collections.abc import Iterator

import pytest
from fakes import booted
from fakes.booted import Booted
from fakes.service import INSIDE, Service


@pytest.fixture(scope="session")
def machine_with_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    if reason := booted.obstacle():
        pytest.skip(reason)
    site = tmp_path_factory.mktemp("site")
    with Booted(tmp_path_factory.mktemp("boot"), {}, binds={site: INSIDE}) as machine:
        service = Service(machine, site)
        service.begin_anew()
        service.install("--apply")
        yield service


@pytest.fixture
def service(machine_with_service: Service) -> Service:
    """Installed, not started."""
    machine_with_service.begin_anew()
    return machine_with_service
