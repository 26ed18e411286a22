"""A complete training run: MaskablePPO on `placement`, with checkpoints as SB3's own callback drops them.

The set-up is the one that goes from no clears to most games cleared at level 0 in about two hours on two cores.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, CheckpointCallback
from stable_baselines3.common.vec_env import VecMonitor

from env.drmario import DrMarioVectorEnv, start_states
from env.errors import EnvError
from env.game import EVALUATION_SEEDS, GAME_SEEDS
from env.lane import GameSettings
from env.network import ColumnPolicy
from env.options import ENVIRONMENT_FILE, TRAINING_DONE_FILE, EnvironmentOptions, OptionsError
from env.sb3 import DrMarioVecEnv

#: Games that stall end here: more capsules than this are never needed to learn level 0.
CAPSULE_LIMIT: Final = 100
FRAME_LIMIT: Final = 20_000
ROLLOUT: Final = 1_024
MOST_LANES: Final = 64

HYPERPARAMETERS: Final[dict[str, Any]] = {
    "learning_rate": 5e-4,
    "batch_size": 128,
    "n_epochs": 8,
    "gamma": 0.95,
    "gae_lambda": 0.9,
    "clip_range": 0.2,
    "ent_coef": 0.003,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}


class EpisodeMetrics(BaseCallback):
    """Adds what this game is about to SB3's own log: viruses cleared and clears, over the last hundred games."""

    def __init__(self) -> None:
        super().__init__()
        self._viruses: list[float] = []
        self._wins: list[float] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "outcome" in info:
                self._viruses = [*self._viruses[-99:], float(info["viruses_cleared"])]
                self._wins = [*self._wins[-99:], float(info["won"])]
        return True

    def _on_rollout_end(self) -> None:
        if self._wins:
            self.logger.record("rollout/viruses_cleared", sum(self._viruses) / len(self._viruses))
            self.logger.record("rollout/win_rate", sum(self._wins) / len(self._wins))


def make_games(lanes: int, options: EnvironmentOptions, *, rom: Path | None = None) -> DrMarioVecEnv:
    """The training environment: seeds that evaluation never plays, games that stall cut short.

    Raises:
        RomError, BootError: the game cannot be played; said before anything is trained.
    """
    settings = GameSettings(options=options, frame_limit=FRAME_LIMIT, capsule_limit=CAPSULE_LIMIT, record=False)
    starts = start_states(rom)
    starts.prepare(options.scenario)
    games = DrMarioVectorEnv(
        lanes,
        starts,
        settings,
        game_seeds=range(EVALUATION_SEEDS, GAME_SEEDS),
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    return DrMarioVecEnv(games)


def train(  # noqa: PLR0913 -- each is an option of the command line
    timesteps: Annotated[int, typer.Option(help="Agent steps in all; with placement, one is one capsule.")] = 300_000,
    *,
    models: Annotated[Path, typer.Option(help="Folder for checkpoints/ and the final model.")] = Path("models"),
    save_every: Annotated[int, typer.Option(help="Agent steps between checkpoints.")] = 20_000,
    lanes: Annotated[int, typer.Option(help="Emulators at once.")] = 8,
    level: Annotated[int, typer.Option(help="0 to 20.")] = 0,
    speed: Annotated[str, typer.Option(help="low, med or hi.")] = "med",
    mode: Annotated[str, typer.Option(help="1p, 2p or vs_cpu.")] = "1p",
    side: Annotated[int, typer.Option(help="Which player learns; 2 with --mode 2p alone.")] = 1,
    opponent: Annotated[str, typer.Option(help="Who plays the other side of --mode 2p: noop or random.")] = "noop",
    rom: Annotated[Path | None, typer.Option(help="A Dr. Mario ROM; left out, the stand-in game.")] = None,
    seed: Annotated[int, typer.Option(help="Of the training itself.")] = 0,
) -> None:
    """Train MaskablePPO to place capsules, dropping checkpoints as it goes."""
    checkpoints = models / "checkpoints"
    _refuse_old_run(checkpoints)
    _check({"timesteps": timesteps, "save-every": save_every}, lanes=lanes)
    options = _options({"mode": mode, "level": level, "speed": speed, "side": side}, opponent=opponent)
    torch.set_num_threads(1)  # two emulators' worth of work waits for the cores that more threads would take
    games = VecMonitor(make_games(lanes, options, rom=rom))
    _write_options(options, checkpoints)
    try:
        model = MaskablePPO(
            ColumnPolicy, games, n_steps=max(2, min(ROLLOUT, timesteps) // lanes), seed=seed, verbose=1,
            tensorboard_log=str(models / "tensorboard"), **HYPERPARAMETERS,
        )  # fmt: skip
        save = CheckpointCallback(max(1, save_every // lanes), str(checkpoints), name_prefix="ppo_drmario")
        model.save(checkpoints / "ppo_drmario_0_steps.zip")
        model.learn(timesteps, callback=CallbackList([save, EpisodeMetrics()]))
        model.save(models / "ppo_drmario_final.zip")
        (checkpoints / TRAINING_DONE_FILE).touch()
    finally:
        games.close()


def _options(scenario: Mapping[str, Any], *, opponent: str) -> EnvironmentOptions:
    """Colours relative to the capsule are learnt faster from, and leave no room for a second field."""
    observation = "relative" if scenario["mode"] == "1p" else "planes"
    chosen = {"scenario": scenario, "observation": observation, "actions": "placement", "opponent": opponent}
    return EnvironmentOptions.from_mapping(chosen)


def _check(steps: Mapping[str, int], *, lanes: int) -> None:
    for name, number in steps.items():
        if number < 1:
            raise OptionsError(f"{name}: {number} is not a number of steps; choose 1 or more")
    if lanes not in range(1, MOST_LANES + 1):
        raise OptionsError(f"lanes: {lanes} is not a number of emulators from 1 to {MOST_LANES}")


def _refuse_old_run(folder: Path) -> None:
    """Checkpoints of two trainings in one folder cannot be told apart afterwards."""
    old = next(iter(sorted(folder.glob("*.zip"))), None)
    if old is not None:
        raise OptionsError(f"models: {folder} holds checkpoints of another run, such as {old.name}; name a new folder")


def _write_options(options: EnvironmentOptions, folder: Path) -> None:
    """Whole or not at all: an observer may read the folder at any time."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{ENVIRONMENT_FILE}"
    partial.write_text(options.to_json())
    partial.replace(folder / ENVIRONMENT_FILE)
    (folder / TRAINING_DONE_FILE).unlink(missing_ok=True)


def main() -> None:
    """`python -m env.train`: a known error is one line, not a traceback."""
    try:
        typer.run(train)
    except EnvError as error:
        typer.secho(str(error), fg="red", err=True)
        raise SystemExit(2 if isinstance(error, OptionsError) else 1) from error


if __name__ == "__main__":
    main()
