"""What doctor says of a machine that can work, and of one that cannot."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.command import Command
from fakes.json_schema import problems

from observer import doctor
from observer.adapters import machine
from observer.adapters.lock import FolderLock
from observer.config import Config, parse
from observer.core.diagnosis import Finding, Level
from observer.core.errors import ConfigError
from observer.core.layout import RunLayout

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "schemas" / "doctor.schema.json"


def config_of(folder: Path, **run: str) -> Config:
    return parse(json.dumps({"runs": [{"name": "low", **run}]}), source="config.yaml", folder=folder)


def folders(config: Config) -> Mapping[str, Finding]:
    return {finding.what: finding for finding in doctor._folders(config.runs[0], config.disk)}


def test_a_disk_below_the_floor_is_a_problem_that_names_it(tmp_path: Path) -> None:
    floor = parse("disk: {free_floor_gib: 1000000}", source="config.yaml", folder=tmp_path)
    found = folders(floor)["baseline: disk"]
    assert (found.level, "disk.free_floor_gib" in found.advice) == (Level.PROBLEM, True)


@pytest.mark.timeout(300)
def test_a_machine_that_can_work_is_told_so_and_left_as_it_was(observer: Command) -> None:
    Path("models/checkpoints").mkdir(parents=True)
    said = observer("doctor", "--json")
    told = json.loads(said.out)
    assert problems(json.loads(SCHEMA.read_text(encoding="utf-8")), told) == []
    found = {finding["what"]: finding for finding in told["findings"]}
    assert said.code == 0, said.out
    for what in ("packages", "emulator", "configuration", "golden games", "encoder", "ROM", "evaluation"):
        assert found[what]["level"] == "ok", found[what]
    assert "played twice, the same in every input" in found["evaluation"]["sentence"]
    assert sorted(path.name for path in Path().rglob("*")) == ["checkpoints", "models"]


def test_every_problem_of_the_configuration_is_a_line_and_the_machine_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    def wrong() -> Config:
        raise ConfigError("config.yaml", ["queue: wrong", "clipz: not known"])

    found = list(doctor.diagnose(wrong))
    assert [one.sentence for one in found if one.what == "configuration"] == ["queue: wrong", "clipz: not known"]
    assert {"packages", "priority", "golden games", "encoder"} <= {one.what for one in found}
    assert "evaluation" not in {one.what for one in found}


def test_a_folder_that_is_not_there_yet_is_a_warning_and_is_not_made(tmp_path: Path) -> None:
    found = folders(config_of(tmp_path))
    assert found["low: watch"].level is Level.WARNING
    assert found["low: output"].level is Level.OK
    assert list(tmp_path.iterdir()) == []


def test_a_running_daemon_is_named(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with FolderLock(RunLayout(config.runs[0].output).lock):
        assert f"process {os.getpid()}" in folders(config)["low: output"].sentence


def test_a_sidecar_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    config.runs[0].watch.mkdir(parents=True)
    (config.runs[0].watch / "environment.json").write_text("words", encoding="utf-8")
    (problem,) = [
        one
        for one in doctor._told("low", lambda: doctor._folders(config.runs[0], config.disk))
        if one.level is Level.PROBLEM
    ]
    assert "environment.json" in problem.sentence


def test_an_output_that_is_no_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words", encoding="utf-8")
    found = folders(config_of(tmp_path, output="file"))
    assert found["low: output"].level is Level.PROBLEM
    assert str(tmp_path / "file") in found["low: output"].sentence


def test_a_rom_that_cannot_be_used_is_a_problem_and_not_the_end(tmp_path: Path) -> None:
    config = parse(json.dumps({"environment": {"rom": "none.nes"}}), source="config.yaml", folder=tmp_path)
    (problem,) = doctor._told("evaluation", lambda: doctor._evaluation(config, tmp_path))
    assert problem.level is Level.PROBLEM
    assert "none.nes" in problem.sentence


def test_games_that_differ_are_a_problem() -> None:
    answers: list[list[Any]] = [[1], [2]]
    assert doctor._played_twice(answers.pop).level is Level.PROBLEM


def test_file_systems_are_told_apart(tmp_path: Path) -> None:
    assert machine.file_system(Path("/proc/self")) == "proc"
    assert not machine.is_on_network(tmp_path / "not" / "there")
    assert machine.try_folder(tmp_path) == ""
    assert machine.try_events(tmp_path) == ""
    assert machine.try_events(tmp_path / "none") != ""
    assert list(tmp_path.iterdir()) == []


def test_without_an_emulator_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("mednafen", path="/usr/games"):
        pytest.skip("it is installed where every PATH reaches it")
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = doctor._told("emulator", doctor._emulator)
    assert "apt install mednafen" in problem.sentence
