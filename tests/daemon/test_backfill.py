"""`observer backfill` on a folder of a run that is over, with workers that play no game."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.site import ROOT, Site
from fakes.zips import zip_of

from observer.core.layout import RunLayout
from observer.stages.status import status

SCRIPT = ROOT / "tests" / "fakes" / "backfill.py"


def backfill(site: Site, folder: Path, *, every: int = 1, output: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(site.config), str(every), *([output] if output else [])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))},
        cwd=site.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture
def over(site: Site) -> Path:
    """Seven checkpoints of a run that is over."""
    folder = site.folder / "old" / "checkpoints"
    folder.mkdir(parents=True)
    for step in range(1, 8):
        (folder / f"m_{step}000_steps.zip").write_bytes(zip_of(1000 * step))
    return folder


def played(output: Path) -> list[int]:
    return sorted(int(path.name.partition("-")[0]) for path in output.glob("checkpoints/*"))


def test_every_third_is_played_then_the_rest_and_the_folder_stays_as_it_is(site: Site, over: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in over.iterdir()}
    output = site.folder / "backfill" / "old"
    said = backfill(site, over, every=3)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("3 played, 4 passed over, 0 could not be used\n")
    assert str(output / "report" / "index.html") in said.stdout
    assert played(output) == [1000, 4000, 7000]
    assert backfill(site, over).stdout.startswith("7 played, 0 passed over")
    assert played(output) == [step * 1000 for step in range(1, 8)]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in over.iterdir()} == before
    assert status(RunLayout(output))["evaluations"] == 7


def test_a_folder_that_is_watched_anyway_goes_into_its_runs_output(site: Site) -> None:
    site.drop(1000)
    said = backfill(site, site.watch)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("1 played, 0 passed over")
    assert played(site.layout.output) == [1000]


@pytest.mark.parametrize("folder", ["nowhere", "config.yaml"])
def test_what_is_no_folder_is_refused_in_one_line(site: Site, folder: str) -> None:
    said = backfill(site, site.folder / folder)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.count("\n") == 1
    assert "is not a folder that can be read" in said.stderr


def test_results_do_not_go_where_the_checkpoints_lie(site: Site, over: Path) -> None:
    said = backfill(site, over, output=str(over.parent))
    assert said.returncode == 1
    assert "holds the watched folder" in said.stderr
