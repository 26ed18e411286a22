"""Many games in flight, held against the same games one at a time."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from env.drmario import DrMarioEnv, DrMarioVectorEnv
from env.errors import EmulatorError, EnvError
from env.lane import GameSettings
from env.options import Scenario

MakeEnv = Callable[..., DrMarioEnv]
MakeGames = Callable[..., DrMarioVectorEnv]
MakeSettings = Callable[..., GameSettings]
LANES = 3
SHORT = {"capsule_limit": 5}


def chosen(masks: NDArray[np.bool_], seeds: list[int], steps: list[int]) -> NDArray[np.int64]:
    """An action for each lane that hangs on its game and step alone."""
    picks = [
        np.random.default_rng([seed, step]).choice(np.flatnonzero(mask))
        for mask, seed, step in zip(masks, seeds, steps, strict=True)
    ]
    return np.array(picks, np.int64)


def alone(env: DrMarioEnv, seed: int) -> list[tuple[Any, ...]]:
    """A whole game in a single environment: (observation, reward, terminated, truncated, info), the reset first."""
    observation, info = env.reset(seed=seed)
    game: list[tuple[Any, ...]] = [(observation, 0.0, False, False, info)]
    while not (game[-1][2] or game[-1][3]):
        action = chosen(env.action_masks()[None], [seed], [len(game)])[0]
        game.append(env.step(action))
    return game


def lane_info(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    """What a single environment's info would be."""
    present = (key for key in infos if not key.startswith("_") and infos[f"_{key}"][lane])
    return {key: infos[key][lane] for key in present}


def equal(left: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    return np.array_equal(left[0], right[0]) and left[1:] == right[1:]


ALONE: list[dict[str, Any]] = [{}, {"actions": "pad", "frame_limit": 300}]
SECOND = {"rival": "random", "scenario": Scenario(mode="2p", speed="hi", side=2)}
VERSUS: list[dict[str, Any]] = [
    {**SECOND, "capsule_limit": 8},
    {**SECOND, "actions": "pad", "frame_limit": 160},
    {"rival": "random", "scenario": Scenario(mode="2p", level=20, length="match"), "capsule_limit": 16},
    {"scenario": Scenario(mode="vs_cpu"), "capsule_limit": 5},
]


@pytest.mark.parametrize("chosen_settings", [*ALONE, *VERSUS])
def test_lane_by_lane_it_is_the_games_one_at_a_time(
    make_env: MakeEnv, make_games: MakeGames, make_settings: MakeSettings, chosen_settings: dict[str, Any]
) -> None:
    games = make_games(LANES, make_settings(**chosen_settings))
    seeds, waiting = [20, 21, 22], [23, 24]
    observations, infos = games.reset(seed=seeds)
    played = {s: [(observations[i].copy(), 0.0, False, False, lane_info(infos, i))] for i, s in enumerate(seeds)}
    playing = np.ones(LANES, np.bool_)
    while playing.any():
        steps = [len(played[seed]) for seed in seeds]
        observations, rewards, ends, cuts, infos = games.step(chosen(games.action_masks(), seeds, steps))
        for lane in np.flatnonzero(playing).tolist():
            step = observations[lane], rewards[lane], ends[lane], cuts[lane], lane_info(infos, lane)
            played[seeds[lane]].append(step)
        ended = playing & (ends | cuts)
        begun = np.zeros(LANES, np.bool_)
        for lane in np.flatnonzero(ended)[: len(waiting)]:
            seeds[lane], begun[lane] = waiting.pop(0), True
        if begun.any():
            observations, infos = games.reset(seed=list(seeds), options={"reset_mask": begun})
            for lane in np.flatnonzero(begun).tolist():
                played[seeds[lane]] = [(observations[lane], 0.0, False, False, lane_info(infos, lane))]
        playing = (playing & ~ended) | begun
    assert sorted(played) == [20, 21, 22, 23, 24]
    env = make_env(**chosen_settings)
    for seed, game in played.items():
        single = alone(env, seed)
        assert len(game) == len(single)
        assert all(equal(one, other) for one, other in zip(game, single, strict=True))


def test_with_same_step_the_next_game_begins_in_the_step_that_ended_one(
    make_env: MakeEnv, make_games: MakeGames, make_settings: MakeSettings
) -> None:
    settings = make_settings(**SHORT)
    games = make_games(2, settings, autoreset_mode=AutoresetMode.SAME_STEP, game_seeds=range(3277, 3290))
    env = make_env(**SHORT)
    _, infos = games.reset()
    seeds, steps, ended = infos["seed"].tolist(), [1, 1], 0
    while ended < 4:
        observations, _, ends, cuts, infos = games.step(chosen(games.action_masks(), seeds, steps))
        steps = [step + 1 for step in steps]
        for lane in np.flatnonzero(ends | cuts).tolist():
            game = alone(env, seeds[lane])
            assert np.array_equal(infos["final_obs"][lane], game[-1][0])
            assert lane_info(infos["final_info"], lane) == game[-1][4]
            assert {key: infos[key][lane] for key in game[-1][4] if key != "seed"} == {
                key: value for key, value in game[-1][4].items() if key != "seed"
            }
            seeds[lane], steps[lane] = int(infos["seed"][lane]), 1
            assert np.array_equal(observations[lane], env.reset(seed=seeds[lane])[0])
            ended += 1
        assert games.action_masks().shape == (2, 32)
        assert set(seeds) <= set(range(3277, 3290))


def test_its_spaces_are_batches_of_the_single_ones(make_games: MakeGames) -> None:
    games = make_games(LANES)
    assert games.observation_space == batch_space(games.single_observation_space, LANES)
    assert games.action_space == batch_space(games.single_action_space, LANES)
    observations, _ = games.reset(seed=1)
    assert games.observation_space.contains(observations)
    assert games.metadata["autoreset_mode"] is AutoresetMode.DISABLED


def test_one_seed_gives_each_lane_its_successor(make_games: MakeGames) -> None:
    _, infos = make_games(LANES).reset(seed=40)
    assert infos["seed"].tolist() == [40, 41, 42]


def test_seeds_that_are_not_given_follow_from_the_first_one(make_games: MakeGames) -> None:
    drawn = []
    for _ in range(2):
        games = make_games(LANES, game_seeds=range(100, 110))
        games.reset(seed=7)
        drawn.append(games.reset()[1]["seed"].tolist())
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) <= set(range(100, 110))


def test_a_lane_that_was_never_reset_starts_no_emulator(make_games: MakeGames) -> None:
    games = make_games(LANES)
    options = {"reset_mask": np.array([False, True, False])}
    _, infos = games.reset(seed=[None, 5, None], options=options)
    assert [lane.emulator.pid > 0 for lane in games._lanes] == [False, True, False]
    assert lane_info(infos, 1) == {"seed": 5}
    assert not lane_info(infos, 0)
    assert list(options) == ["reset_mask"]
    observations, rewards, ends, cuts, _ = games.step(np.array([0, 12, 0]))
    assert not observations[[0, 2]].any()
    assert not rewards[[0, 2]].any()
    assert not (ends | cuts).any()
    assert games.action_masks()[[0, 2]].all()


def test_a_lane_whose_game_is_over_stands_still(make_games: MakeGames, make_settings: MakeSettings) -> None:
    games = make_games(2, make_settings(capsule_limit=2))
    games.reset(seed=1)
    games.step(np.array([12, 12]))
    games.reset(seed=[None, 9], options={"reset_mask": np.array([False, True])})
    last, _, _, cuts, _ = games.step(np.array([12, 12]))
    assert cuts.tolist() == [True, False]
    frames = games._lanes[0].emulator.frames
    observations, rewards, ends, cuts, infos = games.step(np.array([12, 12]))
    assert np.array_equal(observations[0], last[0])
    assert (rewards[0], ends[0], cuts[0]) == (0, False, False)
    assert not lane_info(infos, 0)
    assert games._lanes[0].emulator.frames == frames


def test_what_was_returned_does_not_change_afterwards(make_games: MakeGames) -> None:
    games = make_games(2)
    first, _ = games.reset(seed=1)
    kept = first.copy()
    games.step(np.array([12, 12]))
    assert np.array_equal(first, kept)


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros(LANES, np.bool_),
        np.ones(LANES + 1, np.bool_),
        np.ones((LANES, 1), np.bool_),
        np.ones(LANES, np.int64),
        [],
        "all",
    ],
)
def test_a_mask_that_is_none_is_refused(make_games: MakeGames, mask: object) -> None:
    with pytest.raises(ValueError, match=r"reset_mask must be \(3,\) bool with at least one lane set"):
        make_games(LANES).reset(seed=1, options={"reset_mask": mask})


@pytest.mark.parametrize("seeds", [[], [1, 2], [1, 2, 3, 4]])
def test_another_number_of_seeds_is_refused(make_games: MakeGames, seeds: list[int]) -> None:
    with pytest.raises(ValueError, match="seeds for 3 lanes"):
        make_games(LANES).reset(seed=seeds)


def test_an_autoreset_that_is_not_offered_is_refused(make_games: MakeGames) -> None:
    with pytest.raises(EnvError, match="choose DISABLED or SAME_STEP"):
        make_games(1, autoreset_mode=AutoresetMode.NEXT_STEP)


@pytest.mark.parametrize("actions", [[12, 99, 12], [12, -1, 12], [12, 12], [[12, 12, 12]]])
def test_wrong_actions_are_refused_before_anything_is_played(make_games: MakeGames, actions: list[int]) -> None:
    games = make_games(LANES)
    games.reset(seed=1)
    frames = games.frames
    with pytest.raises(ValueError, match="action"):
        games.step(np.array(actions))
    assert games.frames == frames
    games.step(np.array([12, 12, 12]))
    assert games.frames > frames


def test_a_lost_emulator_breaks_off_all_games_and_a_reset_begins_them_anew(
    make_env: MakeEnv, make_games: MakeGames
) -> None:
    games = make_games(LANES)
    games.reset(seed=1)
    os.kill(games._lanes[1].emulator.pid, signal.SIGKILL)
    with pytest.raises(EmulatorError):
        games.step(np.array([12, 12, 12]))
    observations, _ = games.reset(seed=50)
    assert np.array_equal(observations, [make_env().reset(seed=50 + lane)[0] for lane in range(LANES)])
    assert games.step(np.array([12, 12, 12]))[0].any()


def test_closing_ends_every_emulator(make_games: MakeGames) -> None:
    games = make_games(LANES)
    games.reset(seed=1)
    pids = [lane.emulator.pid for lane in games._lanes]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    games.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
