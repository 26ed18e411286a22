"""A real Mednafen on a small cartridge of our own, whose RAM hangs on every input."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from env.emulator import Emulator


@pytest.fixture(scope="session")
def echo_rom() -> Path:
    return Path(__file__).parents[1] / "data" / "rom" / "echo.nes"


@pytest.fixture
def emulator(echo_rom: Path) -> Iterator[Emulator]:
    with Emulator(echo_rom) as running:
        running.step(bytes(2 * 120))
        yield running


@pytest.fixture(scope="session")
def echo_state(echo_rom: Path) -> bytes:
    with Emulator(echo_rom) as running:
        running.step(bytes(2 * 120))
        return running.save_state()
