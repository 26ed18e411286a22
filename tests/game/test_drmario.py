"""One environment, as Gymnasium and a training script see it."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from models.machine import CARTRIDGE
from stable_baselines3.common.env_checker import check_env as sb3_check

from env import replay as replays
from env.boot import StartStates
from env.drmario import DrMarioEnv, start_states
from env.emulator import Emulator
from env.errors import BootError, EmulatorError, EnvError, ReplayDamaged, ReplayDiverged
from env.game import CAPSULE, COLUMNS, EMPTY, FIELD, GAME_SEEDS, NEXT_CAPSULE, ROWS, VIRUSES_LEFT
from env.lane import GameSettings
from env.options import EnvironmentOptions, Scenario
from env.play import drive
from env.savestate import ram, with_ram

MakeEnv = Callable[..., DrMarioEnv]
Cells = Mapping[tuple[int, int], int]

RECORD = {
    "seed", "outcome", "won", "topped_out", "viruses_cleared", "max_combo", "capsules", "episode_length", "frames",
    "total_reward", "replay",
}  # fmt: skip
OTHER_ROM = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
FLAT, UPRIGHT = 3 * 4, 3 * 4 + 1
DOWN = 3
PLACEMENT = EnvironmentOptions(actions="placement")
CORNER_VIRUS = {(15, 0): 0xD0}


def play_random(env: DrMarioEnv, *, seed: int, choices: int = 0) -> tuple[list[Any], dict[str, Any]]:
    """A whole game of random possible actions: everything seen on the way, and the record."""
    chance = np.random.default_rng(choices)
    observation, info = env.reset(seed=seed)
    seen: list[Any] = [observation, info["seed"]]
    while True:
        action = chance.choice(np.flatnonzero(env.action_masks()))
        observation, reward, terminated, truncated, info = env.step(action)
        seen += [observation, reward, terminated, truncated]
        if terminated or truncated:
            return seen, info


def same(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def prepared(folder: Path, field: Cells, *, seed: int = 1) -> StartStates:
    """Start states in which the game of `seed` begins with these cells in the field."""
    starts = start_states(None, folder=folder)
    with Emulator(CARTRIDGE) as emulator:
        state = drive(emulator, starts.begin(emulator, Scenario(), seed=seed))
    cells = {FIELD + i: field.get(divmod(i, COLUMNS), EMPTY) for i in range(ROWS * COLUMNS)}
    viruses = sum(cell >> 4 == 0xD for cell in field.values())
    starts._keep(Scenario(), seed, state=with_ram(state, cells | {VIRUSES_LEFT: viruses}))
    return starts


def capsules_of(starts: StartStates, *, seed: int = 1) -> tuple[int, int, int, int]:
    """Colours of the first two capsules."""
    with Emulator(CARTRIDGE) as emulator:
        memory = ram(drive(emulator, starts.begin(emulator, Scenario(), seed=seed)))
    return memory[CAPSULE], memory[CAPSULE + 1], memory[NEXT_CAPSULE], memory[NEXT_CAPSULE + 1]


def stack(colour: int, column: int, *, rows: range) -> Cells:
    return {(row, column): 0x80 | colour for row in rows}


@pytest.mark.filterwarnings("ignore:.*is not within the observation space")
@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_gymnasiums_checker_passes(render_mode: str | None) -> None:
    env = gymnasium.make("DrMario-v0", render_mode=render_mode)
    gymnasium_check(env.unwrapped, skip_render_check=render_mode is None)
    env.close()


@pytest.mark.filterwarnings("ignore:Treating image space as channels-last")
@pytest.mark.parametrize(("actions", "observation"), [("pad", "planes"), ("placement", "relative")])
def test_sb3s_checker_passes(make_env: MakeEnv, actions: str, observation: str) -> None:
    sb3_check(make_env(actions, observation), skip_render_check=True)


def test_the_environment_is_registered(starts: StartStates, make_settings: Callable[..., GameSettings]) -> None:
    env = gymnasium.make("DrMario-v0", starts=starts, settings=make_settings("placement"), render_mode="rgb_array")
    observation, info = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert env.action_space == gymnasium.spaces.Discrete(32)
    assert info == {"seed": 3}
    assert np.asarray(env.render()).shape == (224, 256, 3)
    env.close()


def test_a_seed_is_taken_modulo_the_games_there_are(make_env: MakeEnv) -> None:
    env = make_env()
    first, info = env.reset(seed=5)
    again, info_again = env.reset(seed=5 + GAME_SEEDS)
    assert np.array_equal(first, again)
    assert info == info_again == {"seed": 5}


def test_seeds_that_are_not_given_are_drawn_the_same_way_after_the_same_seed(starts: StartStates) -> None:
    drawn: list[list[int]] = []
    for _ in range(2):
        env = DrMarioEnv(starts, game_seeds=range(3277, 3290))
        env.reset(seed=8)
        drawn.append([env.reset()[1]["seed"] for _ in range(4)])
        env.close()
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 1
    assert set(drawn[0]) <= set(range(3277, 3290))


@pytest.mark.parametrize("actions", ["pad", "placement"])
def test_the_same_seed_and_actions_give_the_same_game_byte_for_byte(make_env: MakeEnv, actions: str) -> None:
    first, second = make_env(actions, frame_limit=900), make_env(actions, frame_limit=900)
    seen, record = play_random(first, seed=12)
    play_random(second, seed=13, choices=1)
    seen_again, record_again = play_random(second, seed=12)
    assert same(seen, seen_again)
    assert record == record_again


def test_a_game_ends_with_its_record(make_env: MakeEnv) -> None:
    seen, record = play_random(make_env(), seed=2)
    assert set(record) == RECORD
    assert (record["seed"], record["outcome"], record["topped_out"], record["won"]) == (2, "loss", True, False)
    assert record["episode_length"] == record["capsules"] - 1 == len(seen[2:]) / 4
    assert record["total_reward"] == pytest.approx(sum(seen[3::4]))
    assert record["frames"] == replays.from_bytes(record["replay"]).frames
    assert seen[-2:] == [True, False]


def test_a_game_is_won_with_its_last_virus(tmp_path: Path, starts: StartStates) -> None:
    colour = capsules_of(starts)[0]
    field = dict(stack(colour, 3, rows=range(13, 15))) | {(15, 3): 0xD0 | colour}
    env = DrMarioEnv(prepared(tmp_path, field), GameSettings(options=PLACEMENT))
    env.reset(seed=1)
    _, reward, terminated, truncated, record = env.step(UPRIGHT)
    env.close()
    assert (terminated, truncated) == (True, False)
    assert (record["outcome"], record["won"], record["viruses_cleared"]) == ("win", True, 1)
    cells = 5 if capsules_of(starts)[1] == colour else 4
    assert reward == pytest.approx(1 + 2 + 0.01 * cells)


def two_matches_twice(starts: StartStates) -> tuple[int, Cells]:
    """A seed, and a field in which its first capsule completes two lines, and so does its second."""
    for seed in range(1, 20):
        first, second, following, last = capsules_of(starts, seed=seed)
        if first != following and second != last:
            upper = {**stack(first, 3, rows=range(10, 13)), **stack(second, 4, rows=range(10, 13))}
            lower = {**stack(following, 3, rows=range(13, 16)), **stack(last, 4, rows=range(13, 16))}
            return seed, {**upper, **lower, **CORNER_VIRUS}
    raise LookupError("no seed below 20 has two capsules that differ in both halves")


def test_a_capsule_that_completes_two_lines_is_a_combo_of_two(tmp_path: Path, starts: StartStates) -> None:
    seed, field = two_matches_twice(starts)
    env = DrMarioEnv(prepared(tmp_path, field, seed=seed), GameSettings(options=PLACEMENT, capsule_limit=2))
    env.reset(seed=seed)
    rewards = [env.step(FLAT)[1]]
    _, reward, _, truncated, record = env.step(FLAT)
    env.close()
    assert [*rewards, reward] == pytest.approx([0.08 - 0.01] * 2)
    assert truncated
    assert record["max_combo"] == 2


@pytest.mark.parametrize("frame_skip", [4, 21, 48])
def test_nothing_is_missed_however_long_an_action_is_held(tmp_path: Path, starts: StartStates, frame_skip: int) -> None:
    seed, field = two_matches_twice(starts)
    options = replace(PLACEMENT, actions="pad", frame_skip=frame_skip)
    env = DrMarioEnv(prepared(tmp_path, field, seed=seed), GameSettings(options=options, frame_limit=240))
    env.reset(seed=seed)
    total, ended = 0.0, False
    while not ended:
        _, reward, _, ended, record = env.step(DOWN)
        total += float(reward)
    env.close()
    assert total == pytest.approx(0.01 * (16 - (record["capsules"] - 1)))
    assert record["max_combo"] == 2


def test_a_game_that_takes_too_many_frames_is_cut_off(make_env: MakeEnv) -> None:
    seen, record = play_random(make_env("pad", frame_limit=100), seed=4)
    assert (record["outcome"], record["frames"], record["episode_length"]) == ("timeout", 100, 25)
    assert (record["won"], record["topped_out"]) == (False, False)
    assert seen[-2:] == [False, True]


def test_a_game_that_takes_too_many_capsules_is_cut_off(make_env: MakeEnv) -> None:
    _, record = play_random(make_env("placement", "relative", capsule_limit=3), seed=4)
    assert (record["outcome"], record["episode_length"], record["capsules"]) == ("timeout", 3, 4)


def test_a_game_can_be_played_without_recording_it(make_env: MakeEnv) -> None:
    _, record = play_random(make_env(capsule_limit=1, record=False), seed=4)
    assert set(record) == RECORD - {"replay"}


@pytest.mark.parametrize("actions", ["pad", "placement"])
def test_a_games_replay_is_the_same_game_in_a_fresh_emulator(make_env: MakeEnv, actions: str) -> None:
    env = make_env(actions, frame_limit=1300, versions={"observer": "1"}, metadata={"step": 7})
    _, record = play_random(env, seed=6)
    replay = replays.from_bytes(record["replay"])
    assert len(record["replay"]) < 6000
    assert record.items() - {("replay", record["replay"])} <= replay.record.items()  # which tells of moments too
    assert (replay.seed, replay.scenario) == (6, asdict(Scenario()))
    assert replay.options["actions"] == actions
    assert replay.options["frame_limit"] == 1300
    assert (replay.versions, replay.metadata) == ({"observer": "1"}, {"step": 7})
    with Emulator(CARTRIDGE) as fresh:
        replays.verify(replay, fresh)


def test_a_tampered_replay_is_caught(make_env: MakeEnv) -> None:
    _, record = play_random(make_env("placement"), seed=6)
    replay = replays.from_bytes(record["replay"])
    moved = bytearray(replay.inputs)
    moved[0] ^= 0x80
    forged = replays.from_bytes(replays.to_bytes(replace(replay, inputs=bytes(moved))))
    with Emulator(CARTRIDGE) as fresh, pytest.raises(ReplayDiverged):
        replays.verify(forged, fresh)
    altered = bytearray(record["replay"])
    altered[len(altered) // 2] ^= 1
    with pytest.raises(ReplayDamaged):
        replays.from_bytes(bytes(altered))


def test_looking_does_not_change_the_game(make_env: MakeEnv) -> None:
    looking, blind = make_env("pad", render_mode="rgb_array"), make_env("pad")
    for env in (looking, blind):
        env.reset(seed=9)
    for action in [1, 4, 3, 3, 0, 5, 2, 3] * 5:
        picture = np.asarray(looking.render())
        assert picture.shape == (224, 256, 3)
        assert picture.dtype == np.uint8
        assert same(list(looking.step(action)[:4]), list(blind.step(action)[:4]))
        assert looking._lane.emulator.read_ram() == blind._lane.emulator.read_ram()
    assert blind.render() is None
    assert len(np.unique(np.asarray(looking.render()).reshape(-1, 3), axis=0)) > 4


def test_a_step_without_a_game_says_what_to_do(make_env: MakeEnv) -> None:
    env = make_env(capsule_limit=1)
    with pytest.raises(EnvError, match="reset the environment"):
        env.step(0)
    play_random(env, seed=1)
    with pytest.raises(EnvError, match="reset the environment"):
        env.step(0)
    assert env.action_masks().all()


def test_a_picture_without_a_game_says_what_to_do(make_env: MakeEnv) -> None:
    with pytest.raises(EmulatorError, match="start it first"):
        make_env(render_mode="rgb_array").render()


@pytest.mark.parametrize("action", [-1, 32, 99])
def test_an_action_that_there_is_not_is_named_and_the_game_goes_on(make_env: MakeEnv, action: int) -> None:
    env = make_env()
    env.reset(seed=1)
    with pytest.raises(ValueError, match=f"action {action} is not one of 0 to 31"):
        env.step(action)
    assert env.step(FLAT)[0].any()


def test_a_lost_emulator_breaks_off_the_game_and_the_next_one_begins(make_env: MakeEnv) -> None:
    env = make_env()
    env.reset(seed=1)
    os.kill(env._lane.emulator.pid, signal.SIGKILL)
    with pytest.raises(EmulatorError):
        env.step(FLAT)
    with pytest.raises(EnvError, match="reset the environment"):
        env.step(FLAT)
    first, _ = env.reset(seed=1)
    other, _ = make_env().reset(seed=1)
    assert np.array_equal(first, other)


def test_another_cartridge_is_refused_at_the_first_reset() -> None:
    env = DrMarioEnv(start_states(OTHER_ROM))
    with pytest.raises(BootError, match="is this ROM Dr"):
        env.reset(seed=1)
    with pytest.raises(EnvError, match="reset the environment"):
        env.step(0)
    pid = env._lane.emulator.pid
    env.close()
    assert not Path(f"/proc/{pid}").exists()


def test_closing_leaves_no_process(make_env: MakeEnv) -> None:
    env = make_env()
    env.close()
    env.reset(seed=1)
    pid = env._lane.emulator.pid
    assert Path(f"/proc/{pid}").exists()
    env.close()
    env.close()
    assert not Path(f"/proc/{pid}").exists()


def test_levels_have_their_viruses_in_the_first_observation(make_env: MakeEnv) -> None:
    for level in (0, 9, 20):
        observation, _ = make_env(scenario=Scenario(level=level)).reset(seed=1)
        assert observation[:, :, :3].sum() == 4 * (level + 1)
