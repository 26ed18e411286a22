"""Every single change on disk of a checkpoint's whole way, made to fail or to be the last: in the end all is as it should be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.injection import CHANGES, SETTLING, TAKING_ROOM
from fakes.site import ROOT
from fakes.travel import DONE, NEVER_DONE, REFUSED

RULES = {
    "killed": f"{CHANGES}:signal=KILL:when={{n}}",
    "without room": f"{TAKING_ROOM}:error=ENOSPC:when={{n}}",
    "without room from then on": f"{TAKING_ROOM}:error=ENOSPC:when={{n}}+",
    "on a disk that fails": f"{SETTLING}:error=EIO:when={{n}}",
}
KILLED = -9
SAMPLES = 6


def travels(folder: Path, rule: str, numbers: range) -> Iterator[tuple[int, Any]]:
    """What came of each travel."""
    command = [sys.executable, str(ROOT / "tests" / "fakes" / "travel.py"), str(folder), rule, *map(str, numbers)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as driver:
        assert driver.stdout is not None
        yield from zip(numbers, map(json.loads, driver.stdout), strict=True)


@pytest.fixture(scope="module")
def undisturbed(injects: None, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 -- JSON values
    ((_, found),) = travels(tmp_path_factory.mktemp("undisturbed"), "", range(1))
    assert found["changes"] > 200
    assert found["litter"] == []
    assert found["jobs"] == [["evaluate", "done", 2], ["render", "done", 2]]
    return found


def check(how: str, folder: Path, numbers: range, undisturbed: dict[str, Any]) -> None:
    firsts = set()
    for number, found in travels(folder, RULES[how], numbers):
        firsts.add(found["first"])
        wrong = [key for key in ("evidence", "report", "jobs", "litter") if found[key] != undisturbed[key]]
        assert (found["second"], wrong) == (DONE, []), f"{how} at change {number}: {found}"
    assert firsts <= {DONE, REFUSED, KILLED, NEVER_DONE}


@pytest.mark.parametrize("how", sorted(RULES))
def test_a_checkpoint_arrives_whatever_change_on_its_way_fails(how: str, undisturbed: Any, tmp_path: Path) -> None:  # noqa: ANN401
    total = undisturbed["changes"]
    check(how, tmp_path, range(total // SAMPLES // 2, total, total // SAMPLES), undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", sorted(RULES))
def test_it_does_so_for_every_one_of_them(how: str, undisturbed: Any, tmp_path: Path) -> None:  # noqa: ANN401
    check(how, tmp_path, range(1, undisturbed["changes"] + 1), undisturbed)
