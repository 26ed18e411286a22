from dataclasses import replace

import pytest
from fakes.evaluations import make_plan
from fakes.worker import episode_of
from hypothesis import given
from hypothesis import strategies as st

from env.options import EnvironmentOptions, Scenario
from observer.core.plan import in_plan_order, missing_seeds, plan_digest, plan_seeds


def test_equal_plans_have_the_same_digest() -> None:
    assert plan_digest(make_plan()) == plan_digest(make_plan())


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (0, 1)},
        {"frame_limit": 9},
        {"capsule_limit": 9},
        {"policy_mode": "stochastic"},
        {"lanes": 9},
        {"rom_sha256": "9"},
        {"opponent_sha256": "9"},
        {"environment": EnvironmentOptions(scenario=Scenario(level=9))},
        {"environment": EnvironmentOptions(frame_skip=9)},
    ],
)
def test_everything_that_decides_what_is_played_is_in_the_digest(change: dict[str, object]) -> None:
    plan = make_plan()
    assert plan_digest(replace(plan, **change)) != plan_digest(plan)  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "episodes"), [(-1, 5), (0, 0), (3270, 10)])
def test_seeds_that_training_may_draw_are_refused(first: int, episodes: int) -> None:
    with pytest.raises(ValueError, match="which training never draws"):
        plan_seeds(first, episodes)


@given(st.sets(st.integers(0, 19)))
def test_what_is_missing_and_what_is_there_make_the_plan(done: set[int]) -> None:
    plan = make_plan(episodes=20)
    finished = [episode_of("x", seed, index=seed) for seed in done]
    missing = missing_seeds(plan, finished)
    assert sorted([*missing, *done]) == list(plan.seeds)
    whole = in_plan_order(plan, [*finished, *(episode_of("x", seed, index=seed) for seed in missing)])
    assert tuple(game.seed for game in whole) == plan.seeds


def test_a_game_that_was_not_planned_is_refused() -> None:
    plan = make_plan(episodes=1)
    with pytest.raises(ValueError, match=r"not planned \[7\]"):
        in_plan_order(plan, [episode_of("x", 0, index=0), episode_of("x", 7, index=1)])
