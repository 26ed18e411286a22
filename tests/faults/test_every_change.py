"""Every single change on disk of a checkpoint's whole way, made to fail or to be the last: in the end all is as it should be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.injection import CHANGES, SETTLING, TAKING_ROOM
from fakes.site import ROOT
from fakes.travel import DONE, NEVER_DONE, REFUSED

#: how it fails -> the calls that can, and what strace is told
WAYS = {
    "killed": (CHANGES, "signal=KILL:when={n}"),
    "without room": (TAKING_ROOM, "error=ENOSPC:when={n}"),
    "without room from then on": (TAKING_ROOM, "error=ENOSPC:when={n}+"),
    "on a disk that fails": (SETTLING, "error=EIO:when={n}"),
}
KILLED = -9
SAMPLES = 4


def travels(folder: Path, rule: str, changes: Sequence[str]) -> Iterator[Any]:
    """What came of each travel."""
    command = [sys.executable, str(ROOT / "tests" / "fakes" / "travel.py"), str(folder), rule, *changes]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as driver:
        assert driver.stdout is not None
        yield from map(json.loads, driver.stdout)


@pytest.fixture(scope="module")
def undisturbed(injects: None, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 -- JSON values
    (found,) = travels(tmp_path_factory.mktemp("undisturbed"), "", [])
    assert sum(found["changes"].values()) > 200
    assert found["litter"] == []
    assert found["jobs"] == [["evaluate", "done", 2], ["render", "done", 3]]
    return found


def changes_of(undisturbed: Any, how: str) -> list[str]:  # noqa: ANN401 -- JSON values
    numbers = {call: range(1, undisturbed["changes"].get(call, 0) + 1) for call in WAYS[how][0].split(",")}
    return [f"{call}:{number}" for call in numbers for number in numbers[call]]


def check(how: str, folder: Path, changes: Sequence[str], undisturbed: Any) -> None:  # noqa: ANN401 -- JSON values
    came = list(zip(changes, travels(folder, WAYS[how][1], changes), strict=True))
    same = ("evidence", "report", "jobs", "litter")
    wrong = {
        change: [found["first"], found["second"], [key for key in same if found[key] != undisturbed[key]]]
        for change, found in came
        if found["second"] != DONE or any(found[key] != undisturbed[key] for key in same)
    }
    assert wrong == {}
    assert {found["first"] for _, found in came} <= {DONE, REFUSED, KILLED, NEVER_DONE}


@pytest.mark.parametrize("how", WAYS)
def test_a_checkpoint_arrives_whatever_change_on_its_way_fails(how: str, undisturbed: Any, tmp_path: Path) -> None:  # noqa: ANN401
    changes = changes_of(undisturbed, how)
    check(how, tmp_path, changes[:: len(changes) // SAMPLES], undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", WAYS)
def test_it_does_so_for_every_one_of_them(how: str, undisturbed: Any, tmp_path: Path) -> None:  # noqa: ANN401
    check(how, tmp_path, changes_of(undisturbed, how), undisturbed)
