"""The trainer, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from sb3_contrib import MaskablePPO

from env.game import EVALUATION_SEEDS
from env.options import EnvironmentOptions, Scenario
from env.sb3 import DrMarioVecEnv
from env.train import main, make_games

OTHER_ROM = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
OPTIONS = EnvironmentOptions(scenario=Scenario(level=1, speed="hi"), observation="relative", actions="placement")


def train(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "env.train", "--models", "models", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )


def test_a_run_against_a_rival_learns_from_both_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "--timesteps 32 --save-every 32 --lanes 2 --mode 2p --side 2 --opponent random --models"
    monkeypatch.setattr(sys, "argv", ["train", *words.split(), str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    options = EnvironmentOptions.from_json((tmp_path / "checkpoints" / "environment.json").read_text(), source="it")
    scenario = Scenario(mode="2p", side=2)
    assert options == EnvironmentOptions(scenario=scenario, actions="placement", opponent="random")
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


def test_a_folder_with_checkpoints_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "ppo_drmario_20_steps.zip").touch()
    run = train(tmp_path, "--timesteps", "64")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "holds checkpoints of another run, such as ppo_drmario_20_steps.zip" in run.stderr
    assert [path.name for path in folder.iterdir()] == ["ppo_drmario_20_steps.zip"]


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
    assert capsys.readouterr().err == sentence + "\n"
    assert not list(tmp_path.iterdir())
