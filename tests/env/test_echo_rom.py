import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.skipif(shutil.which("ca65") is None, reason="cc65 is not installed")
def test_the_test_cartridge_is_its_source(echo_rom: Path, tmp_path: Path) -> None:
    folder, code, built = echo_rom.parent, tmp_path / "echo.o", tmp_path / "echo.nes"
    subprocess.run(["ca65", str(folder / "echo.s"), "-o", str(code)], check=True)
    subprocess.run(["ld65", "-C", str(folder / "echo.cfg"), str(code), "-o", str(built)], check=True)
    assert built.read_bytes() == echo_rom.read_bytes()
