"""Every command: what it prints, where, and how it ends; a known error is one line, never a traceback."""

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.command import Command
from fakes.evaluations import digest_of, make_plan

from env import replay as replays
from env.segment import SegmentWriter
from env.stand_in import stand_in_rom
from observer import __version__
from observer.adapters.store import Store
from observer.config import Config, parse
from observer.core.backlog import BacklogPolicy
from observer.core.models import Checkpoint

BAD = "queue: {max_failures: 0}\nruns: [{wacht: x}]\nevaluation: {lanes: many}\n"


def test_the_version_is_said(observer: Command) -> None:
    assert observer("--version", "plan").out == observer("--version").out
    assert observer("--version").out == f"training-run-observer {__version__}\n"


def test_help_lists_every_command(observer: Command) -> None:
    said = observer("--help")
    assert said.code == 0
    for command in ("run", "evaluate", "inspect", "verify", "status", "doctor", "report", "plan", "config"):
        assert command in said.out


@pytest.mark.parametrize(
    "arguments", [("play",), ("evaluate",), ("evaluate", "x.zip", "--episodes", "0"), ("plan", "--yaml")]
)
def test_wrong_usage_ends_with_2(observer: Command, arguments: tuple[str, ...]) -> None:
    said = observer(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err


@pytest.mark.parametrize(
    "command",
    [("run",), ("evaluate", "x.zip"), ("verify", "x"), ("status",), ("report",), ("plan",), ("config", "check")],
)
def test_every_problem_of_a_configuration_is_listed(
    observer: Command, command: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BAD, encoding="utf-8")
    said = observer(*command, "--config", path)
    assert (said.code, said.out) == (78, "")
    head, *problems = said.err.splitlines()
    assert head == f"{path}: 3 problem(s)"
    assert sorted(line.split(":")[0].strip() for line in problems) == [
        "evaluation.lanes",
        "queue.max_failures",
        "runs.0.wacht",
    ]


def test_a_configuration_that_is_not_there_is_named(observer: Command) -> None:
    said = observer("config", "check", "--config", "none.yaml")
    assert said.code == 78
    assert "none.yaml" in said.err


def test_a_missing_rom_is_named(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("environment: {rom: none.nes}\n", encoding="utf-8")
    said = observer("config", "check", "-c", tmp_path / "config.yaml")
    assert said.code == 78
    assert str(tmp_path / "none.nes") in said.err
    assert len(said.err.splitlines()) == 1


def test_a_configuration_that_can_be_used_is_said_to(observer: Command) -> None:
    said = observer("config", "check")
    assert said.out == "the configuration can be used; the ROM is Vial Rival, the stand-in game of this package\n"
    assert not said.err


def test_the_shown_configuration_can_be_read_again(observer: Command, tmp_path: Path) -> None:
    shown = observer("config", "show").out
    assert parse(shown, source="shown", folder=tmp_path) == Config.default()


def test_the_schema_knows_every_section(observer: Command) -> None:
    assert set(json.loads(observer("config", "schema").out)["properties"]) == set(Config.model_fields)


def test_what_is_piped_is_not_folded_to_some_width() -> None:
    command = [str(Path(sys.executable).with_name("observer")), "plan"]
    told = subprocess.run(command, env={**os.environ, "COLUMNS": "40"}, capture_output=True, text=True, check=True)
    assert max(map(len, told.stdout.splitlines())) > 64


def test_the_plan_names_its_seeds_and_identity(observer: Command) -> None:
    (shown,) = json.loads(observer("plan", "--json").out)["plans"]
    assert shown["seeds"] == list(range(100))
    assert len(shown["plan_sha256"]) == 64
    said = observer("plan").out
    assert shown["plan_sha256"] in said
    assert "0 to 99" in said


def test_each_scenario_has_a_plan_of_its_own(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("evaluation: {scenarios: [{level: 3}, {mode: vs_cpu}]}\n", encoding="utf-8")
    told = json.loads(observer("plan", "-c", tmp_path / "config.yaml", "--json").out)
    assert told["rom"].startswith("Vial Rival")
    assert [plan["environment"]["scenario"]["level"] for plan in told["plans"]] == [3, 0]
    said = observer("plan", "-c", tmp_path / "config.yaml").out
    assert said.index("1p-level3-med") < said.index("vs_cpu-level0-med")


def test_inspect_says_what_a_zip_holds(observer: Command, checkpoint: Path) -> None:
    held = json.loads(observer("inspect", checkpoint, "--json").out)
    assert held["algorithm"] == "MaskablePPO"
    assert held["action_space"] == "Discrete(32)"
    assert held["finite"] is True
    said = observer("inspect", checkpoint)
    assert f"{held['timesteps']:,}" in said.out
    lines = said.out.splitlines()
    for name, shape in held["weights"].items():
        assert any(f" {name} " in line and "x".join(map(str, shape)) in line for line in lines), name
    assert "- OS:" not in said.out


def test_inspect_refuses_in_one_line(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"words")
    said = observer("inspect", tmp_path / "x.zip")
    assert (said.code, said.out) == (75, "")
    assert said.err.startswith("not_a_zip: ")


def test_verify_without_replays_says_so(observer: Command, tmp_path: Path) -> None:
    said = observer("verify", tmp_path)
    assert (said.code, said.err) == (1, f"there is no replay in {tmp_path}\n")


@pytest.mark.parametrize("workers", ["1", "3"])
def test_verify_looks_into_the_depths_of_a_folder_and_names_each_bad_one(
    observer: Command, tmp_path: Path, workers: str
) -> None:
    games = stand_in_rom().parent / "games"
    for name in ("a", "b/c"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "0.replay").write_bytes((games / "two-players.replay").read_bytes())
        (tmp_path / "runs" / name / "1.replay").write_bytes((games / "two-players.replay").read_bytes()[:-5])
    said = observer("verify", tmp_path / "runs", "--workers", workers)
    assert (said.code, said.out) == (1, "2 of 4 replays match\n")
    assert [line.split(": ")[0] for line in said.err.splitlines()] == [
        str(tmp_path / "runs" / name / "1.replay") for name in ("a", "b/c")
    ]


def test_verify_looks_at_every_game_of_a_segment_and_says_where_it_is_cut(observer: Command, tmp_path: Path) -> None:
    game = replays.read(stand_in_rom().parent / "games" / "two-players.replay")
    path = tmp_path / "run-0-1.segment"
    with closing(SegmentWriter(path)) as writer:
        for number in range(2):
            writer.add(replace(game, metadata={"episode": number}))
        writer.add(replace(game, checks=(*game.checks[:-1], (game.frames, "0" * 16))))
    said = observer("verify", tmp_path)
    assert (said.code, said.out) == (1, "2 of 3 replays match\n")
    assert said.err.startswith(f"{path}, game 2: The replay diverges")
    path.write_bytes(path.read_bytes()[:-20])
    said = observer("verify", tmp_path)
    assert (said.code, said.out) == (1, "2 of 3 replays match\n")


@pytest.mark.parametrize("file_bytes", [0, 20])
def test_verify_does_not_call_a_segment_sound_that_has_no_whole_game(
    observer: Command, tmp_path: Path, file_bytes: int
) -> None:
    path = tmp_path / "run-0-1.segment"
    with closing(SegmentWriter(path)) as writer:
        writer.add(replays.read(stand_in_rom().parent / "games" / "two-players.replay"))
    path.write_bytes(path.read_bytes()[:file_bytes])
    said = observer("verify", tmp_path)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"there is no whole game in {tmp_path} yet: nothing was verified\n"


def test_verify_names_a_file_that_is_no_replay(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "x.replay").write_bytes(b"words")
    said = observer("verify", tmp_path)
    assert (said.code, said.out) == (1, "0 of 1 replays match\n")
    assert said.err.startswith(f"{tmp_path / 'x.replay'}: This is not a replay file")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_run_that_never_was_is_said_so(observer: Command, command: str) -> None:
    said = observer(command)
    assert (said.code, said.out) == (78, "")
    assert len(said.err.splitlines()) == 1
    assert not Path("observations").exists()


def test_status_without_a_daemon_says_that_nothing_is_played_and_names_the_other_runs(observer: Command) -> None:
    config = "runs: [{name: low, watch: a, output: seen}, {name: high, watch: b, output: other}]\n"
    Path("config.yaml").write_text(config, encoding="utf-8")
    Path("seen").mkdir()
    found = Checkpoint(digest=digest_of("1"), step=1, name="m_1.zip", size=9, seen_at=1.0)
    with Store(Path("seen/observer.db")) as store:
        store.admit(found, [make_plan(episodes=3)], path="/a/m_1.zip", seen_as="it")
        assert store.choose_and_claim(BacklogPolicy(backlog_limit=0), now=2.0)
    said = observer("status").out
    assert "not running" in said
    assert "nothing: `observer run` takes up again" in said
    assert "--run high" in said
    Path("config.yaml").write_text("runs: [{watch: a, output: seen}]\n", encoding="utf-8")
    assert "other runs" not in observer("status").out


@pytest.mark.parametrize("command", ["status", "report"])
def test_an_unknown_run_is_answered_with_the_known_ones(observer: Command, command: str) -> None:
    said = observer(command, "--run", "other")
    assert said.code == 1
    assert said.err == "there is no run named 'other' in the configuration; its runs are baseline\n"
