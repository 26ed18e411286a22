import os
import subprocess
import sys
from pathlib import Path

ROM = Path(__file__).parents[2] / "env" / "rom"


def build(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) if path is None else {"PATH": path}
    command = [sys.executable, str(ROM / "build.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_committed_cartridge_is_what_its_source_builds(tmp_path: Path) -> None:
    output = tmp_path / "game.nes"
    done = build("--output", str(output))
    assert done.returncode == 0, done.stderr
    assert output.read_bytes() == (ROM / "vial-rival.nes").read_bytes()


def test_the_cartridge_is_a_cnrom_board_with_four_banks_of_tiles() -> None:
    image = (ROM / "vial-rival.nes").read_bytes()
    assert image[:16] == b"NES\x1a" + bytes([2, 4, 0x30]) + bytes(9)
    assert len(image) == 16 + 32768 + 4 * 8192


def test_without_the_assembler_one_line_names_its_package(tmp_path: Path) -> None:
    done = build("--output", str(tmp_path / "game.nes"), path=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "ca65 is not installed: apt-get install cc65\n"
