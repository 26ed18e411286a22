from collections.abc import Iterator

import pytest
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
