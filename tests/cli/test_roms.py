"""What the commands say of a ROM: its name, a warning where it is not recognised, a reason where it is refused."""

import json
from pathlib import Path

import pytest
from fakes import jobs
from fakes.command import Command

from env.stand_in import stand_in_rom

ECHO_ROM = jobs.ROOT / "tests" / "data" / "rom" / "echo.nes"


@pytest.fixture
def unknown_rom(tmp_path: Path) -> Path:
    """The stand-in game with another tile: sound, and in no table."""
    path = tmp_path / "mine.nes"
    data = stand_in_rom().read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 0xFF]))
    return path


@pytest.fixture
def config(tmp_path: Path, unknown_rom: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(f"environment: {{rom: {unknown_rom}}}\n", encoding="utf-8")
    return path


def test_inspect_names_the_stand_in_game(observer: Command) -> None:
    told = json.loads(observer("inspect", stand_in_rom(), "--json").out)
    assert told["game"].startswith("Vial Rival")
    assert told["warning"] == ""
    assert told["program_bytes"] + told["graphics_bytes"] + 16 == stand_in_rom().stat().st_size


def test_a_rom_that_is_not_recognised_is_used_with_one_warning(
    observer: Command, config: Path, unknown_rom: Path
) -> None:
    for command in (("inspect", unknown_rom), ("config", "check", "-c", config), ("plan", "-c", config)):
        said = observer(*command)
        assert said.code == 0
        assert "an unknown ROM with the game of Dr. Mario" in said.out
        (line,) = said.err.splitlines()
        assert str(unknown_rom) in line


@pytest.mark.timeout(300)
def test_its_results_name_it(observer: Command, config: Path, checkpoint: Path) -> None:
    config.write_text(f"{config.read_text()}evaluation: {{frame_limit: 60}}\n", encoding="utf-8")
    said = observer("evaluate", checkpoint, "-c", config, "--episodes", "1", "--json")
    assert json.loads(said.out)["provenance"]["rom_name"].startswith("an unknown ROM")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["config check", "evaluate", "run", "inspect"])
def test_a_rom_of_another_game_is_refused_before_anything_is_done(
    observer: Command, config: Path, checkpoint: Path, tmp_path: Path, command: str
) -> None:
    config.write_text(f"runs: [{{output: {tmp_path / 'out'}}}]\nenvironment: {{rom: {ECHO_ROM}}}\n", encoding="utf-8")
    arguments: dict[str, list[str | Path]] = {
        "config check": ["-c", config],
        "evaluate": [checkpoint, "-c", config, "--output", tmp_path / "kept"],
        "run": ["-c", config],
        "inspect": [ECHO_ROM],
    }
    said = observer(*command.split(), *arguments[command])
    assert (said.code, said.out) == (78, "")
    (line,) = said.err.splitlines()
    assert line.startswith(f"{ECHO_ROM} is not Dr. Mario: ")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "kept").exists()
