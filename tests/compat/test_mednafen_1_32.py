"""Mednafen 1.32, as Debian 13 has it: the same games, frame by frame, and the same driver."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from env import replay as replays
from env import savestate
from env.boot import StartStates
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.options import Scenario
from env.play import drive
from env.process import mednafen_version
from env.stand_in import golden_games, stand_in_rom

ROOT = Path(__file__).parents[2]
ECHO_ROM = ROOT / "tests" / "data" / "rom" / "echo.nes"
FRAMES = 10_000

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


def mmc1(folder: Path) -> Path:
    """The small cartridge on the board that Dr. Mario has."""
    data = bytearray(ECHO_ROM.read_bytes())
    data[6] = 0x10
    path = folder / "mmc1.nes"
    path.write_bytes(data)
    return path


def trajectory(rom: Path, state: bytes, inputs: bytes) -> list[str]:
    """The RAM every 200 frames, and the machine at the end."""
    with Emulator(rom) as emulator:
        emulator.load_state(state)
        found = []
        for start in range(0, len(inputs), 400):
            emulator.step(inputs[start : start + 400])
            found.append(replays.ram_hash(emulator.read_ram()))
        end = emulator.save_state()
        sections = savestate.sections(end)
        variables = [end[place] for names in sections.values() for place in names.values()]
        return [*found, replays.ram_hash(b"".join(variables))]


@pytest.mark.usefixtures("in_its_place")
def test_it_is_the_other_one() -> None:
    assert mednafen_version().startswith("mednafen 1.32")


@pytest.mark.usefixtures("in_its_place")
@pytest.mark.parametrize("path", golden_games(), ids=lambda path: str(path.stem))
def test_the_golden_games_match(path: Path) -> None:
    with Emulator(stand_in_rom()) as emulator:
        replays.verify(replays.read(path), emulator)


@pytest.mark.parametrize("board", ["NROM", "MMC1"])
def test_a_state_of_one_goes_on_in_the_other_to_the_same_end(
    other_mednafen: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, board: str
) -> None:
    rom = ECHO_ROM if board == "NROM" else mmc1(tmp_path)
    with Emulator(rom) as emulator:
        emulator.step(bytes(2 * 120))
        state = emulator.save_state()
    inputs = np.random.Generator(np.random.Philox(7)).integers(0, 256, 2 * FRAMES, np.uint8).tobytes()
    here = trajectory(rom, state, inputs)
    monkeypatch.setenv("PATH", str(other_mednafen), prepend=":")
    assert trajectory(rom, state, inputs) == here


def test_a_game_begins_in_the_same_state(other_mednafen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start states are kept by ROM, scenario and seed: which Mednafen made them may not matter."""
    made = []
    for folder in ("", str(other_mednafen)):
        if folder:
            monkeypatch.setenv("PATH", folder, prepend=":")
        starts = StartStates(Cartridge.read(stand_in_rom()))
        with Emulator(stand_in_rom()) as emulator:
            state = drive(emulator, starts.begin(emulator, Scenario(level=3), seed=5))
        made.append({name: state[place] for name, place in savestate.sections(state)["CPU"].items()})
    assert made[0] == made[1]


@pytest.mark.usefixtures("in_its_place")
def test_ram_is_read_from_memory_and_the_second_emulator_need_not_search() -> None:
    for _ in range(2):
        with Emulator(ECHO_ROM) as emulator:
            emulator.step(bytes(2 * 60))
            assert emulator.read_ram() == savestate.ram(emulator.save_state())
            assert emulator._ram_address is not None


@pytest.mark.usefixtures("in_its_place")
def test_the_tests_of_emulator_replays_and_films_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/env", "tests/video"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
