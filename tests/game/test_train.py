"""The trainer, run as a person runs it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from env import segment
from env.game import EVALUATION_SEEDS
from env.learning import Learning, newest
from env.options import ActionsName, EnvironmentOptions, OptionsError, Scenario
from env.sb3 import DrMarioVecEnv
from env.train import main, make_games
from env.train import train as learn

EPOCHS = 8
OTHER_ROM = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
OPTIONS = EnvironmentOptions(
    scenario=Scenario(level=1, speed="hi"), observation="relative", actions="placement", reward="shaped"
)


def train(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "env.train", "--models", "models", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def here(monkeypatch: pytest.MonkeyPatch, folder: Path, words: str) -> int | None:
    """Train in this process, which has torch already; the exit code."""
    monkeypatch.setattr(sys, "argv", ["train", "--models", str(folder), *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code is None or isinstance(ended.value.code, int)
    return ended.value.code


def test_a_run_against_a_rival_learns_from_both_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "--timesteps 32 --save-every 32 --lanes 2 --mode 2p --side 2 --opponent random"
    assert here(monkeypatch, tmp_path, words) == 0
    options = EnvironmentOptions.from_json((tmp_path / "checkpoints" / "environment.json").read_text(), source="it")
    scenario = Scenario(mode="2p", side=2)
    assert options == EnvironmentOptions(scenario=scenario, actions="placement", reward="shaped", opponent="random")
    model = MaskablePPO.load(tmp_path / "ppo_drmario_final.zip", device="cpu")
    assert (model.observation_space.shape, model.num_timesteps) == ((16, 8, 24), 32)


@pytest.fixture
def games() -> Iterator[DrMarioVecEnv]:
    games = make_games(2, OPTIONS)
    yield games
    games.close()


def test_a_run_drops_checkpoints_and_says_how_they_were_trained(tmp_path: Path) -> None:
    words = ("--timesteps", "256", "--save-every", "128", "--lanes", "4", "--level", "1", "--speed", "hi")
    run = train(tmp_path, *words)
    assert run.returncode == 0, run.stderr
    folder = tmp_path / "models" / "checkpoints"
    steps = {int(path.stem.split("_")[-2]) for path in folder.glob("ppo_drmario_*_steps.zip")}
    assert steps == {0, 128, 256}
    assert all(ZipFile(path).testzip() is None for path in folder.glob("*.zip"))
    text = (folder / "environment.json").read_text()
    assert EnvironmentOptions.from_json(text, source="environment.json") == OPTIONS
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".zip") == [
        "environment.json",
        "training.done",
    ]
    assert (tmp_path / "models" / "ppo_drmario_final.zip").is_file()
    recorded = [game for path in (tmp_path / "models" / "recordings").glob("*.segment") for game in segment.games(path)]
    assert recorded
    tables = [path.read_text().splitlines() for path in (tmp_path / "models" / "recordings").glob("*.csv")]
    assert sum(len(lines) - 1 for lines in tables) == len(recorded)


def test_a_folder_with_checkpoints_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "ppo_drmario_20_steps.zip").touch()
    run = train(tmp_path, "--timesteps", "64")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "holds checkpoints of another run, such as ppo_drmario_20_steps.zip" in run.stderr
    assert [path.name for path in folder.iterdir()] == ["ppo_drmario_20_steps.zip"]


def test_plain_ppo_learns_to_press_pads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "--timesteps 64 --save-every 64 --lanes 2 --algo ppo --actions pad --device cpu"
    assert here(monkeypatch, tmp_path, words) == 0
    beside = (tmp_path / "checkpoints" / "environment.json").read_text()
    assert EnvironmentOptions.from_json(beside, source="it") == EnvironmentOptions()
    model = PPO.load(tmp_path / "ppo_drmario_final.zip", device="cpu")
    assert (model.num_timesteps, model.gamma) == (64, 0.995)


def test_any_place_that_can_be_reached_is_learnt_with_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "--timesteps 32 --save-every 32 --lanes 2 --actions reach --device cpu"
    assert here(monkeypatch, tmp_path, words) == 0
    model = MaskablePPO.load(tmp_path / "ppo_drmario_final.zip", device="cpu")
    assert model.action_space == spaces.Discrete(512)
    assert (model.gamma, model.num_timesteps) == (0.95, 32)


def test_a_resumed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "--save-every 32 --lanes 2 --device cpu --timesteps"
    assert here(monkeypatch, tmp_path, f"{words} 64") == 0
    before = MaskablePPO.load(newest(tmp_path / "checkpoints"), device="cpu")
    assert here(monkeypatch, tmp_path, f"{words} 96 --resume") == 0
    after = MaskablePPO.load(tmp_path / "ppo_drmario_final.zip", device="cpu")
    assert (before.num_timesteps, after.num_timesteps) == (64, 96)
    assert updates_of(before) == EPOCHS  # SB3 saves a checkpoint before it learns from the rollout that ends there
    assert updates_of(after) == 2 * EPOCHS
    assert newest(tmp_path / "checkpoints").name == "ppo_drmario_96_steps.zip"
    assert (tmp_path / "checkpoints" / "training.done").is_file()


def updates_of(model: MaskablePPO) -> int:
    """Steps that the optimizer has counted."""
    return int(next(iter(model.policy.optimizer.state.values()))["step"])


def test_resuming_keeps_all_that_was_learnt_and_plays_other_games(games: DrMarioVecEnv, tmp_path: Path) -> None:
    learning = Learning(options=OPTIONS, log=tmp_path / "tensorboard", device="cpu", rollout=8)
    first = learning.begin(games)
    first.learn(8)
    first.save(tmp_path / "it.zip")
    drawn = games.get_attr("np_random")[0].bit_generator.state
    second = learning.resume(tmp_path / "it.zip", games)
    games.reset()
    assert second.num_timesteps == 8
    for name, value in first.policy.state_dict().items():
        assert torch.equal(value, second.policy.state_dict()[name]), name
    kept, found = (model.policy.optimizer.state_dict() for model in (first, second))
    assert kept["param_groups"] == found["param_groups"]
    for number, moments in kept["state"].items():
        assert all(torch.equal(value, found["state"][number][name]) for name, value in moments.items())
    assert games.get_attr("np_random")[0].bit_generator.state != drawn


@pytest.mark.parametrize("asked", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_run_that_is_told_to_stop_leaves_a_checkpoint_to_go_on_from(tmp_path: Path, asked: signal.Signals) -> None:
    command = [sys.executable, "-m", "env.train", "--save-every", "100000", "--lanes", "2", "--device", "cpu"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "learning, into models\n"
        os.killpg(run.pid, asked)  # as a terminal does: the emulators are not to hear it
        said, errors = run.communicate(timeout=150)
    assert run.returncode == 128 + asked, errors
    folder = tmp_path / "models" / "checkpoints"
    last = newest(folder)
    assert f"stopped; models/checkpoints/{last.name} is saved, and the same command with --resume goes on" in said
    assert last.name == f"ppo_drmario_{MaskablePPO.load(last, device='cpu').num_timesteps}_steps.zip"
    assert not (folder / "training.done").exists()


def test_what_is_resumed_is_the_newest_whole_checkpoint(tmp_path: Path) -> None:
    whole = Path(__file__).parents[2] / "docs" / "demo" / "checkpoints" / "ppo_drmario_0_steps.zip"
    for steps in (0, 9_000, 20_000):
        shutil.copy(whole, tmp_path / f"ppo_drmario_{steps}_steps.zip")
    (tmp_path / "ppo_drmario_100000_steps.zip").write_bytes(whole.read_bytes()[:-9])
    (tmp_path / "notes.zip").touch()
    assert newest(tmp_path).name == "ppo_drmario_20000_steps.zip"


def test_a_run_is_resumed_on_the_game_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[2] / "docs" / "demo" / "checkpoints" / "ppo_drmario_0_steps.zip", folder)
    with pytest.raises(OptionsError, match=r"holds no environment\.json"):
        resumed(tmp_path)
    (folder / "environment.json").write_text(OPTIONS.to_json())
    with pytest.raises(OptionsError, match=r"that run has scenario .*'level': 1, 'speed': 'hi'.*; give it the options"):
        resumed(tmp_path)


def resumed(models: Path) -> None:
    learn(models=models, resume=True)


def test_training_never_plays_a_game_of_the_evaluation(games: DrMarioVecEnv) -> None:
    chance, seeds = np.random.default_rng(0), []
    games.seed(0)
    games.reset()
    for _ in range(60):
        masks = games.env_method("action_masks")
        _, _, _, infos = games.step(np.array([chance.choice(np.flatnonzero(mask)) for mask in masks]))
        seeds += [int(info["seed"]) for info in infos if info]
    assert len(seeds) > 1
    assert all(seed >= EVALUATION_SEEDS == 3277 for seed in seeds)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--speed", "fast"), 2, "speed: 'fast' is not a speed of the game; choose low, med or hi"),
        (("--mode", "3p"), 2, "mode: '3p' is not a mode of the game; choose 1p, 2p or vs_cpu"),
        (("--opponent", "random"), 2, "opponent: random plays in mode 2p alone; leave it out in mode 1p"),
        (("--level", "21"), 2, "level: 21 is not a level of the game; choose 0 to 20"),
        (("--lanes", "0"), 2, "lanes: 0 is not a number of emulators from 1 to 64"),
        (("--timesteps", "0"), 2, "timesteps: 0 is not a number of steps; choose 1 or more"),
        (("--save-every", "0"), 2, "save-every: 0 is not a number of steps; choose 1 or more"),
        (("--algo", "dqn"), 2, "algo: 'dqn' is not known; choose maskable_ppo or ppo"),
        (("--actions", "fly"), 2, f"actions: 'fly' is not known; choose {' or '.join(get_args(ActionsName))}"),
        (("--device", "abacus"), 2, "device: 'abacus' is not here; choose auto or cpu"),
        (
            ("--resume",),
            2,
            "resume: {models}/checkpoints holds no checkpoint to go on from; leave --resume out to begin",
        ),
        (("--lanes", "65"), 2, "lanes: 65 is not a number of emulators from 1 to 64"),
        (
            ("--rom", str(OTHER_ROM)),
            1,
            "Select on the title screen does not lead to mode 1p; is this ROM Dr. Mario?",
        ),
        (("--rom", "[missing].nes"), 1, "There is no ROM at [missing].nes: check the path."),
    ],
)
def test_what_a_run_cannot_use_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--models", str(tmp_path / "models"), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err == sentence.format(models=tmp_path / "models") + "\n"
    assert not list(tmp_path.iterdir())
