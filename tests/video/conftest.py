from pathlib import Path

import pytest
from fakes import signal_rom

from env.emulator import Emulator

FRAMES = 360
TONES = (range(97, 130), range(200, 260))


@pytest.fixture(scope="session")
def rom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signal_rom.write_rom(tmp_path_factory.mktemp("rom") / "signal.nes")


@pytest.fixture(scope="session")
def recording(rom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """360 frames as Mednafen's recorder leaves them, with a tone at 97 to 129 and at 200 to 259."""
    path = tmp_path_factory.mktemp("recording") / "game.mov"
    with Emulator(rom, recording=path) as emulator:
        emulator.step(signal_rom.inputs(FRAMES, tones=TONES))
    return path
