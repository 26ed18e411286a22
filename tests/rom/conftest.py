from collections.abc import Callable, Iterator

import pytest
from models import fidelity
from models.arena import Arena, make_arena
from models.fidelity import Fact
from models.machine import CARTRIDGE, Machine

from env.emulator import Emulator


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        machine.boot()
        yield machine


@pytest.fixture
def at_title() -> Iterator[Machine]:
    """A machine of its own, just switched on."""
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        machine.wait_for({0x46: 0, 0x741: 0})
        yield machine


@pytest.fixture(scope="module")
def arena(machine: Machine) -> Arena:
    return make_arena(machine)


@pytest.fixture(scope="session")
def table() -> frozenset[str]:
    return frozenset(fidelity.PAGE.read_text("utf-8").splitlines())


@pytest.fixture
def fact(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], table: frozenset[str]
) -> Iterator[Fact]:
    test = f"{request.path.name}::{request.function.__name__}"
    missing = []

    def state(sentence: str, *, documented: object, measured: object) -> None:
        line = fidelity.row(sentence, documented, measured, test=test)
        record_property(fidelity.PROPERTY, f"{request.module.TOPIC}\n{line}")
        assert measured == documented, sentence
        if line not in table:
            missing.append(line)

    yield state
    assert missing == [], f"{fidelity.PAGE.name} is not current: PYTHONPATH=tests python -m models.fidelity writes it"
