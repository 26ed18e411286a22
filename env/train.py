"""A complete training run: an agent learns, and drops checkpoints as SB3's own callback does.

Owns the command line and the folder of a run; what learns is in `env.learning`. Refuses to mix two runs in one folder.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import torch
import typer
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.callbacks import CallbackList, CheckpointCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecMonitor

from env.drmario import DrMarioVectorEnv, start_states
from env.errors import EnvError
from env.game import EVALUATION_SEEDS, GAME_SEEDS
from env.lane import GameSettings
from env.learning import CAPSULE_ACTIONS, ROLLOUT, Learning, newest
from env.options import ENVIRONMENT_FILE, TRAINING_DONE_FILE, EnvironmentOptions, OptionsError
from env.progress import Progress, Stop
from env.sb3 import DrMarioVecEnv
from env.wrappers import MetricsLogger, ReplayRecorder

#: Games that stall end here: more capsules than this are never needed to learn level 0.
CAPSULE_LIMIT: Final = 100
FRAME_LIMIT: Final = 20_000
MOST_LANES: Final = 64
NAME: Final = "ppo_drmario"


def make_games(
    lanes: int, options: EnvironmentOptions, *, rom: Path | None = None, recordings: Path | None = None
) -> DrMarioVecEnv:
    """The training environment: seeds that evaluation never plays, games that stall cut short.

    Args:
        lanes: emulators at once.
        options: of the games.
        rom: None: the stand-in game.
        recordings: where every game is recorded, with its metrics; None: nowhere.

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
    if recordings is None:
        return DrMarioVecEnv(games)
    return DrMarioVecEnv(MetricsLogger(ReplayRecorder(games, recordings, run=NAME), recordings, run=NAME))


def train(  # noqa: PLR0913 -- each is an option of the command line
    timesteps: Annotated[int, typer.Option(help="Agent steps in all; with placement, one is one capsule.")] = 300_000,
    *,
    models: Annotated[
        Path, typer.Option(help="Folder for checkpoints/, recordings/, tensorboard/ and the final model.")
    ] = Path("models"),
    save_every: Annotated[int, typer.Option(help="Agent steps between checkpoints.")] = 20_000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's newest checkpoint.")] = False,
    algo: Annotated[str, typer.Option(help="maskable_ppo or ppo.")] = "maskable_ppo",
    actions: Annotated[str, typer.Option(help="placement, reach, pad, original or original_literal.")] = "placement",
    observation: Annotated[str | None, typer.Option(help="By default what suits the actions.")] = None,
    reward: Annotated[
        str | None, typer.Option(help="By default shaped where an action is a capsule, else clear.")
    ] = None,
    lanes: Annotated[int, typer.Option(help="Emulators at once.")] = 8,
    level: Annotated[int, typer.Option(help="0 to 20.")] = 0,
    speed: Annotated[str, typer.Option(help="low, med or hi.")] = "med",
    mode: Annotated[str, typer.Option(help="1p, 2p or vs_cpu.")] = "1p",
    side: Annotated[int, typer.Option(help="Which player learns; 2 with --mode 2p alone.")] = 1,
    opponent: Annotated[str, typer.Option(help="Who plays the other side of --mode 2p: noop or random.")] = "noop",
    rom: Annotated[Path | None, typer.Option(help="A Dr. Mario ROM; left out, the stand-in game.")] = None,
    record: Annotated[bool, typer.Option(help="Record every game below recordings/; a few hundred bytes each.")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the training itself.")] = 0,
) -> None:
    """Teach an agent the game, dropping checkpoints as it goes. Ctrl-C saves one more and ends."""
    _check({"timesteps": timesteps, "save-every": save_every}, lanes=lanes)
    scenario = {"mode": mode, "level": level, "speed": speed, "side": side}
    chosen = {"actions": actions, "observation": observation, "reward": reward, "opponent": opponent}
    learning = Learning(
        options=_options(scenario, chosen),
        log=models / "tensorboard",
        algorithm=algo,
        device=device,
        seed=seed,
        rollout=min(ROLLOUT, timesteps, save_every),  # or two checkpoints would be the same agent
    )
    checkpoints = models / "checkpoints"
    start = _to_resume(checkpoints, learning.options) if resume else None
    if start is None:
        _refuse_old_run(checkpoints)
    torch.set_num_threads(1)  # two emulators' worth of work waits for the cores that more threads would take
    games = VecMonitor(
        make_games(lanes, learning.options, rom=rom, recordings=models / "recordings" if record else None)
    )
    try:
        model = learning.begin(games) if start is None else learning.resume(start, games)
        _write_options(learning.options, checkpoints)
        _learn(model, models, timesteps=timesteps, save_every=save_every)
    finally:
        games.close()


def _learn(model: OnPolicyAlgorithm, models: Path, *, timesteps: int, save_every: int) -> None:
    """Learn up to a number of steps in all, or until a signal asks to stop: then a checkpoint is left to go on from."""
    checkpoints, stop = models / "checkpoints", Stop()
    save = CheckpointCallback(max(1, save_every // model.n_envs), str(checkpoints), name_prefix=NAME)
    before = model.num_timesteps
    if before >= timesteps:
        raise OptionsError(f"timesteps: the checkpoint has {before:,} steps already; ask for more")
    callbacks = CallbackList([save, Progress(timesteps, typer.echo), stop])
    with stop.listening():
        typer.echo(f"{f'going on from step {before:,}' if before else 'learning'}, into {models}")
        if not before:
            model.save(checkpoints / f"{NAME}_0_steps.zip")
        model.learn(timesteps - before, callbacks, reset_num_timesteps=not before)
    if stop.signal is not None:
        last = checkpoints / f"{NAME}_{model.num_timesteps}_steps.zip"
        model.save(last)
        typer.echo(f"stopped; {last} is saved, and the same command with --resume goes on from it")
        raise typer.Exit(128 + stop.signal)
    model.save(models / f"{NAME}_final.zip")
    (checkpoints / TRAINING_DONE_FILE).touch()
    typer.echo(f"done: {models / f'{NAME}_final.zip'}")


def _options(scenario: Mapping[str, Any], chosen: Mapping[str, str | None]) -> EnvironmentOptions:
    """Colours relative to the capsule are learnt faster from, and leave no room for a second field."""
    is_capsule = chosen["actions"] in CAPSULE_ACTIONS
    suited = {
        "observation": "relative" if is_capsule and scenario["mode"] == "1p" else "planes",
        "reward": "shaped" if is_capsule else "clear",
    }
    given = {key: value for key, value in chosen.items() if value is not None}
    return EnvironmentOptions.from_mapping({"scenario": scenario, **suited, **given})


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
        raise OptionsError(
            f"models: {folder} holds checkpoints of another run, such as {old.name}; "
            "name a new folder, or go on with that run by --resume"
        )


def _to_resume(folder: Path, options: EnvironmentOptions) -> Path:
    """The checkpoint to go on from, if it was trained on the same game."""
    checkpoint, beside = newest(folder), folder / ENVIRONMENT_FILE
    if not beside.is_file():
        raise OptionsError(f"resume: {folder} holds no {ENVIRONMENT_FILE}; it was not written by this trainer")
    before = asdict(EnvironmentOptions.from_json(beside.read_text(), source=str(beside)))
    now = asdict(options)
    others = [f"{key} {before[key]!r}, not {now[key]!r}" for key in now if before[key] != now[key]]
    if others:
        raise OptionsError(f"resume: that run has {'; '.join(others)}; give it the options that it began with")
    return checkpoint


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
