import os
import sys
from pathlib import Path

import pytest
from fakes import jobs
from fakes.command import Command, Said

from observer import cli


@pytest.fixture
def observer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The `observer` command, called from an empty folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["observer", *map(str, arguments)])
        try:
            with jobs.coming_forward(os.getpid()):
                cli.main()
        except SystemExit as end:
            code = end.code
        else:
            code = 0
        said = capsys.readouterr()
        assert isinstance(code, int | None)
        return Said(code or 0, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return jobs.demo_checkpoints()[-1]
