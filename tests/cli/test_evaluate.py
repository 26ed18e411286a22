"""`observer evaluate` as a script uses it, `verify` of what it kept, and its refusals."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import jobs
from fakes.checkpoints import members_of, with_member, write, zipped
from fakes.command import Command

from env import replay as replays
from env.options import EnvironmentOptions
from observer.adapters import confinement, jobfiles
from observer.core.layout import JobFiles
from observer.core.models import EvaluationResult

CONFIG = "evaluation: {lanes: 3, frame_limit: 700}\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Three games of a demo checkpoint, asked for from an unrelated folder; what was said and what was kept."""
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "observer.cli", "evaluate", str(checkpoint), "--episodes", "3", "--json"]
    process = subprocess.Popen(
        [*command, "--output", "deep/kept"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with jobs.coming_forward(process.pid):
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err), folder / "deep" / "kept"


Kept = tuple[subprocess.CompletedProcess[str], Path]


@pytest.mark.timeout(300)
def test_one_json_object_is_all_that_is_printed(kept: Kept, checkpoint: Path) -> None:
    done, _ = kept
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed["schema"] == "training-run-observer/result/1"
    assert printed["checkpoint"]["name"] == checkpoint.name
    assert [game["seed"] for game in printed["episodes"]] == [0, 1, 2]
    assert printed["plan"]["environment"]["actions"] == "placement", "environment.json beside the zip wins"


@pytest.mark.timeout(300)
def test_the_folder_keeps_what_was_printed_and_every_replay(kept: Kept) -> None:
    done, folder = kept
    assert (folder / "result.json").read_text(encoding="utf-8") == done.stdout
    assert jobfiles.read(EvaluationResult, folder / "result.json").summary.episodes == 3
    assert sorted(path.name for path in (folder / "replays").iterdir()) == ["0.replay", "1.replay", "2.replay"]


@pytest.mark.timeout(300)
def test_its_worker_was_confined_like_any_other(kept: Kept) -> None:
    held = jobfiles.read(EvaluationResult, kept[1] / "result.json").provenance.confinement
    assert held.startswith(f"landlock {confinement.support().abi}" if confinement.support().abi else "no landlock")
    assert not JobFiles(kept[1]).temporary.exists()


@pytest.mark.timeout(300)
def test_verify_says_that_all_match(kept: Kept, observer: Command) -> None:
    said = observer("verify", kept[1])
    assert (said.code, said.out, said.err) == (0, "3 of 3 replays match\n", "")


@pytest.mark.timeout(300)
def test_verify_names_the_replay_that_was_tampered_with(kept: Kept, observer: Command, tmp_path: Path) -> None:
    shutil.copytree(kept[1] / "replays", tmp_path / "replays")
    path = tmp_path / "replays" / "1.replay"
    replay = replays.read(path)
    path.write_bytes(replays.to_bytes(replace(replay, inputs=replay.inputs[::-1])))
    said = observer("verify", tmp_path / "replays", "--json")
    answer = json.loads(said.out)
    assert (said.code, answer["replays"], list(answer["problems"])) == (1, 3, [str(path)])
    assert "diverges between frames" in answer["problems"][str(path)]


@pytest.mark.timeout(300)
def test_verify_names_a_sound_replay_that_its_result_does_not_rest_on(
    kept: Kept, observer: Command, tmp_path: Path
) -> None:
    shutil.copytree(kept[1], tmp_path / "kept")
    path = tmp_path / "kept" / "replays" / "1.replay"
    replays.write(replace(replays.read(path), metadata={"checkpoint_sha256": "of a better one"}), path)
    said = observer("verify", tmp_path / "kept")
    assert (said.code, said.out) == (1, "2 of 3 replays match\n")
    (line,) = said.err.splitlines()
    assert line.startswith(f"{path}: It is a sound replay, but not the one that result.json")


def refused(observer: Command, blob: bytes, folder: Path) -> tuple[int, str]:
    """Exit code and word of a refusal; everything that a person sees is one line."""
    path = folder / "agent.zip"
    path.write_bytes(blob)
    shutil.copyfile(jobs.sidecar(), folder / "environment.json")
    said = observer("evaluate", path, "--json", "--output", folder / "kept")
    assert said.out == ""
    assert not (folder / "kept").exists(), "the next try wants the same folder"
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    return said.code, said.err.partition(":")[0]


def test_a_zip_that_ends_early_may_be_tried_again(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    assert refused(observer, checkpoint.read_bytes()[:-100], tmp_path) == (75, "incomplete")


def test_what_is_no_zip_may_still_become_one(observer: Command, tmp_path: Path) -> None:
    assert refused(observer, b"words", tmp_path) == (75, "not_a_zip")


def test_a_whole_zip_without_weights_is_not_from_sb3(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    members = {name: part for name, part in members_of(checkpoint.read_bytes()).items() if name != "policy.pth"}
    assert refused(observer, zipped(members), tmp_path) == (1, "not_sb3")


def test_a_foreign_member_is_refused(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    assert refused(observer, with_member(checkpoint.read_bytes(), "../x", b""), tmp_path) == (1, "unexpected_member")


def test_broken_data_is_refused(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    assert refused(observer, with_member(checkpoint.read_bytes(), "data", b"{"), tmp_path) == (1, "bad_data")


@pytest.mark.timeout(300)
def test_a_refusal_of_the_worker_is_the_same_line(observer: Command, tmp_path: Path) -> None:
    assert refused(observer, write("mlp with arguments").blob, tmp_path) == (1, "space_mismatch")


@pytest.mark.timeout(300)
def test_every_scenario_is_played_and_one_that_does_not_fit_is_a_line(
    observer: Command, checkpoint: Path, tmp_path: Path
) -> None:
    scenarios = "[{level: 1, frame_limit: 60}, {mode: vs_cpu}]"
    (tmp_path / "config.yaml").write_text(f"evaluation: {{episodes: 1, scenarios: {scenarios}}}\n", encoding="utf-8")
    agent = tmp_path / "agent.zip"
    shutil.copyfile(checkpoint, agent)
    trained_on = EnvironmentOptions(observation="planes", actions="placement")  # with a rival twice as many planes
    (tmp_path / "environment.json").write_text(trained_on.to_json(), encoding="utf-8")
    said = observer("evaluate", agent, "-c", tmp_path / "config.yaml", "--json", "--output", tmp_path / "kept")
    told = json.loads(said.out)
    assert said.code == 1
    assert list(told["results"]) == ["1p-level1-med"]
    assert told["results"]["1p-level1-med"]["plan"]["frame_limit"] == 60
    (sentence,) = told["refused"].values()
    assert sentence.startswith("space_mismatch: ")
    assert said.err.splitlines()[-1] == f"vs_cpu-level0-med: {sentence}"
    (folder,) = (tmp_path / "kept").glob("1p-level1-med-*")
    assert (folder / "result.json").is_file()


def test_the_likeliest_and_drawn_actions_are_two_results(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    settings = "{episodes: 1, frame_limit: 300, policy: both}"
    (tmp_path / "config.yaml").write_text(f"evaluation: {settings}\n", encoding="utf-8")
    said = observer("evaluate", checkpoint, "-c", tmp_path / "config.yaml", "--json")
    told = json.loads(said.out)["results"]
    assert list(told) == ["1p-level0-med", "1p-level0-med-stochastic"]
    assert [one["plan"]["policy_mode"] for one in told.values()] == ["deterministic", "stochastic"]
    first, second = (one["episodes"][0]["replay_sha256"] for one in told.values())
    assert first != second


def test_a_file_that_is_not_there_is_named(observer: Command) -> None:
    said = observer("evaluate", "none.zip")
    assert (said.code, said.err) == (1, "gone: none.zip is not there, or no longer.\n")


def test_a_folder_that_exists_is_not_written_into(observer: Command, checkpoint: Path, tmp_path: Path) -> None:
    said = observer("evaluate", checkpoint, "--output", tmp_path)
    assert said.code == 78
    assert "name a folder that does not exist yet" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_sidecar_that_cannot_be_read_is_named_with_its_key(
    observer: Command, checkpoint: Path, tmp_path: Path
) -> None:
    shutil.copyfile(checkpoint, tmp_path / "agent.zip")
    (tmp_path / "environment.json").write_text(
        '{"schema": "training-run-observer/environment/1", "frame_skip": 0}', encoding="utf-8"
    )
    said = observer("evaluate", tmp_path / "agent.zip", "--output", tmp_path / "kept")
    assert said.code == 78
    assert not (tmp_path / "kept").exists()
    assert "environment.json: frame_skip" in said.err
