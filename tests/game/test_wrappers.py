"""What a training process records: the very games that were played, whatever they were played in."""

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from env import replay as replays
from env import segment
from env.boot import StartStates
from env.drmario import DrMarioEnv, DrMarioVectorEnv
from env.emulator import Emulator
from env.errors import EnvError
from env.lane import GameSettings
from env.recordings import COLUMNS, SegmentName
from env.replay import Replay
from env.sb3 import DrMarioVecEnv
from env.wrappers import MetricsLogger, ReplayRecorder, Single

MakeSettings = Callable[..., GameSettings]
SEEDS = (4000, 4001, 4002)


@pytest.fixture(scope="session")
def quick(make_settings: MakeSettings) -> GameSettings:
    """Games of `pad` that end after some hundred frames."""
    return make_settings("pad", frame_limit=400, record=False)


def play(env: Single, seeds: Sequence[int] = SEEDS) -> list[dict[str, Any]]:
    """A game a seed, with actions that depend on the seed alone; the records."""
    records = []
    for seed in seeds:
        env.reset(seed=seed)
        choices, is_over = np.random.default_rng(seed), False
        while not is_over:
            _, _, terminated, truncated, info = env.step(choices.integers(6))
            is_over = terminated or truncated
        records.append(info)
    return records


def recorded(folder: Path) -> dict[str, list[Replay]]:
    """File -> its games."""
    return {path.name: list(segment.games(path)) for path in sorted(folder.glob("*.segment"))}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def played(
    starts: StartStates, quick: GameSettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """Three games in one environment with both wrappers: the folder, and what the agent was told."""
    folder = tmp_path_factory.mktemp("played")
    env = MetricsLogger(ReplayRecorder(DrMarioEnv(starts, quick), folder, run="a"), folder, run="a")
    records = play(env)
    env.close()
    return folder, records


def test_every_game_is_recorded_and_played_again_it_is_the_same_game(
    played: tuple[Path, list[dict[str, Any]]], starts: StartStates
) -> None:
    games = recorded(played[0])["a-0-0.segment"]
    assert [game.seed for game in games] == list(SEEDS)
    with Emulator(starts.cartridge.path) as emulator:
        for game in games:
            replays.verify(game, emulator)


def test_what_was_told_of_a_game_is_recorded_with_it_and_the_agent_is_told_no_more(
    played: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, records = played
    games = recorded(folder)["a-0-0.segment"]
    for number, (game, record) in enumerate(zip(games, records, strict=True)):
        assert game.record.items() >= record.items()
        assert game.metadata["episode"] == number
        assert "replay" not in record
    assert [game.metadata["timestep"] for game in games] == list(
        np.cumsum([record["episode_length"] for record in records])
    )


def test_the_table_has_a_row_for_each_game(played: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, records = played
    table = rows(folder / "a-0.csv")
    assert list(table[0]) == list(COLUMNS)
    assert [int(row["episode"]) for row in table] == [0, 1, 2]
    for row, record in zip(table, records, strict=True):
        for column in COLUMNS[3:]:
            assert row[column] == str(record[column])
        assert row["timestamp"].endswith("Z")
    assert int(table[-1]["timestep"]) == sum(record["episode_length"] for record in records)


def test_a_vector_records_the_games_that_single_environments_record(
    played: tuple[Path, list[dict[str, Any]]],
    starts: StartStates,
    quick: GameSettings,
    tmp_path: Path,
) -> None:
    games = ReplayRecorder(DrMarioVectorEnv(len(SEEDS), starts, quick), tmp_path, run="a")
    games.unwrapped.reset(seed=list(SEEDS))  # type: ignore[arg-type]
    choices = [np.random.default_rng(seed) for seed in SEEDS]
    over = np.zeros(len(SEEDS), np.bool_)
    while not over.all():
        _, _, terminated, truncated, _ = games.step(np.array([choice.integers(6) for choice in choices]))
        over |= terminated | truncated
    games.close()
    found = recorded(tmp_path)
    assert list(found) == ["a-0-0.segment", "a-1-0.segment", "a-2-0.segment"]
    alone = recorded(played[0])["a-0-0.segment"]
    for (together,), single in zip(found.values(), alone, strict=True):
        assert (together.inputs, together.start_state, together.checks) == (
            single.inputs,
            single.start_state,
            single.checks,
        )


def test_training_goes_on_in_files_of_its_own_and_counts_on(
    starts: StartStates, quick: GameSettings, tmp_path: Path
) -> None:
    for _ in range(2):
        env = MetricsLogger(ReplayRecorder(DrMarioEnv(starts, quick), tmp_path, workers=4), tmp_path, workers=4)
        play(env, SEEDS[:2])
        env.close()
    found = recorded(tmp_path)
    assert [len(games) for games in found.values()] == [2, 2]
    told = [game.metadata for games in found.values() for game in games]
    assert [metadata["episode"] for metadata in told] == [0, 1, 2, 3]
    table = rows(tmp_path / "run-0.csv")
    assert [int(row["episode"]) for row in table] == [0, 1, 2, 3]
    assert [int(row["timestep"]) for row in table] == [metadata["timestep"] for metadata in told]
    assert int(table[-1]["timestep"]) == 4 * sum(int(row["episode_length"]) for row in table)


def test_a_torn_line_is_cut_off_and_whole_ones_stay(starts: StartStates, quick: GameSettings, tmp_path: Path) -> None:
    whole = ",".join(COLUMNS) + "\n2026-01-02T03:04:05Z,7,900,1,0,True,99,0.5\n"
    (tmp_path / "run-0.csv").write_text(whole + "2026-01-02T03:04:06Z,8,9")
    env = MetricsLogger(DrMarioEnv(starts, quick), tmp_path)
    play(env, SEEDS[:1])
    env.close()
    assert (tmp_path / "run-0.csv").read_text().startswith(whole)
    assert [row["episode"] for row in rows(tmp_path / "run-0.csv")] == ["7", "8"]
    assert int(rows(tmp_path / "run-0.csv")[-1]["timestep"]) > 900


def test_two_that_share_a_number_write_files_of_their_own(
    starts: StartStates, quick: GameSettings, tmp_path: Path
) -> None:
    envs = [MetricsLogger(ReplayRecorder(DrMarioEnv(starts, quick), tmp_path), tmp_path) for _ in range(2)]
    for env in envs:
        play(env, SEEDS[:1])
    for env in envs:
        env.close()
    assert {name: len(games) for name, games in recorded(tmp_path).items()} == {
        "run-0-0.segment": 1,
        "run-0-1.segment": 1,
    }
    assert [len(rows(tmp_path / f"run-{number}.csv")) for number in range(2)] == [1, 1]


KILLED = """
import sys
from pathlib import Path
from env.drmario import DrMarioEnv, start_states
from env.lane import GameSettings
from env.wrappers import MetricsLogger, ReplayRecorder

folder = Path(sys.argv[1])
settings = GameSettings(frame_limit=400)
env = DrMarioEnv(start_states(None, folder=Path(sys.argv[2])), settings)
env = MetricsLogger(ReplayRecorder(env, folder), folder)
while True:
    env.reset(seed=1)
    while not any(env.step(0)[2:4]):
        pass
    print("played", flush=True)
"""


def test_games_that_were_played_outlive_a_process_that_is_killed(starts: StartStates, tmp_path: Path) -> None:
    program = [sys.executable, "-c", KILLED, str(tmp_path), str(tmp_path / "states")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline() == "played\n"
        os.kill(process.pid, signal.SIGKILL)
    ((_, games),) = recorded(tmp_path).items()
    assert len(games) >= 3
    assert len(rows(tmp_path / "run-0.csv")) >= 3
    with Emulator(starts.cartridge.path) as emulator:
        replays.verify(games[-1], emulator)


@pytest.mark.filterwarnings("ignore:.*training goes on:RuntimeWarning")
def test_where_nothing_can_be_written_training_goes_on(
    starts: StartStates, quick: GameSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "file"
    folder.write_text("in the way")
    env = MetricsLogger(ReplayRecorder(DrMarioEnv(starts, quick), folder), folder)
    assert len(play(env)) == len(SEEDS)
    folder.unlink()
    play(env, SEEDS[:1])
    env.close()
    assert [len(games) for games in recorded(folder).values()] == [1]
    assert len(rows(folder / "run-0.csv")) == 1


def test_sb3_trains_on_a_recorded_vector(starts: StartStates, quick: GameSettings, tmp_path: Path) -> None:
    games = DrMarioVectorEnv(2, starts, quick, autoreset_mode=AutoresetMode.SAME_STEP, game_seeds=range(4000, 4020))
    env = DrMarioVecEnv(MetricsLogger(ReplayRecorder(games, tmp_path), tmp_path))
    assert env.env_method("action_masks")[0].shape == (6,)
    ended: list[bool] = []

    def after_step(seen: dict[str, Any], _: object) -> bool:
        ended.extend(seen["dones"])
        return True

    model = PPO("MlpPolicy", env, n_steps=120, batch_size=60, n_epochs=1, device="cpu", seed=0)
    model.learn(480, callback=after_step)
    env.close()
    found = [game for games in recorded(tmp_path).values() for game in games]
    assert len(found) == sum(ended) >= 4
    assert {int(row["timestep"]) for number in range(2) for row in rows(tmp_path / f"run-{number}.csv")} <= set(
        range(481)
    )
    with Emulator(starts.cartridge.path) as emulator:
        for game in found:
            replays.verify(game, emulator)


def test_single_environments_are_recorded_within_an_sb3_vector(
    starts: StartStates, quick: GameSettings, tmp_path: Path
) -> None:
    def make(number: int) -> Callable[[], Single]:
        return lambda: ReplayRecorder(DrMarioEnv(starts, quick), tmp_path, number=number, workers=2)

    env = DummyVecEnv([make(0), make(1)])
    env.reset()
    for _ in range(110):
        env.step(np.zeros(2, np.int64))
    assert env.env_method("action_masks")[0].shape == (6,)
    env.close()
    assert {name: len(games) for name, games in recorded(tmp_path).items()} == {
        "run-0-0.segment": 1,
        "run-1-0.segment": 1,
    }


def test_another_environment_and_a_name_for_no_file_are_refused(tmp_path: Path) -> None:
    other = gym.make("CartPole-v1")
    with pytest.raises(EnvError, match="CartPoleEnv cannot be recorded"):
        ReplayRecorder(other, tmp_path)
    other.close()
    with pytest.raises(ValueError, match="name it with letters"):
        MetricsLogger(DrMarioEnv(), tmp_path, run="../a")


def test_names_of_segments_say_what_they_are() -> None:
    assert SegmentName.of("my-run-3-12.segment") == SegmentName("my-run", 3, 12)
    assert str(SegmentName("my-run", 3, 12)) == "my-run-3-12.segment"
    for other in ("x.segment", "a-1.segment", "../a-1-2.segment", "a-1-2.segment.partial"):
        assert SegmentName.of(other) is None
