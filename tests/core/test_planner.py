"""A plan for each scenario of the configuration, and a reason where an environment cannot play one."""

from pathlib import Path

import pytest

from env.options import EnvironmentOptions, Scenario
from observer.config import Config, parse
from observer.core.errors import ConfigError
from observer.core.models import Digest
from observer.core.plan import Planned, plan_digest, plan_name
from observer.planner import Planner

MATRIX = """
evaluation:
  episodes: 5
  frame_limit: 1000
  scenarios:
    - {mode: 1p, level: 0}
    - {mode: 1p, level: 15, speed: hi, frame_limit: 16000}
    - {mode: 2p, side: 2, length: match}
    - {mode: vs_cpu}
"""


def config(text: str) -> Config:
    return parse(text, source="config.yaml", folder=Path("/project"))


def planned(text: str, environment: EnvironmentOptions) -> Planned:
    return Planner(evaluation=config(text).evaluation, rom_sha256=Digest("0" * 64)).planned(environment)


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text)
    (line,) = caught.value.problems
    return line


def test_without_scenarios_the_environments_own_is_played() -> None:
    environment = EnvironmentOptions(scenario=Scenario(level=7), actions="placement")
    (plan,) = planned("evaluation: {episodes: 5}", environment).plans
    assert plan.environment == environment


def test_both_ways_to_play_are_two_plans_of_every_scenario() -> None:
    found = planned(MATRIX + "  policy: both\n", EnvironmentOptions(actions="placement"))
    assert [plan_name(plan) for plan in found.plans][:4] == [
        "1p-level0-med",
        "1p-level0-med-stochastic",
        "1p-level15-hi",
        "1p-level15-hi-stochastic",
    ]
    assert [plan.policy_mode for plan in found.plans] == ["deterministic", "stochastic"] * 4
    alone = planned("evaluation: {policy: both}", EnvironmentOptions())
    assert len({plan_digest(plan) for plan in alone.plans}) == 2


def test_each_scenario_has_a_plan_in_the_order_of_the_file() -> None:
    found = planned(MATRIX, EnvironmentOptions(actions="placement", frame_skip=2))
    assert [plan.scenario.name for plan in found.plans] == [
        "1p-level0-med",
        "1p-level15-hi",
        "2p-level0-med-side2-match",
        "vs_cpu-level0-med",
    ]
    assert [plan.frame_limit for plan in found.plans] == [1000, 16_000, 1000, 1000]
    assert {(plan.environment.actions, plan.environment.frame_skip) for plan in found.plans} == {("placement", 2)}
    assert len({plan_digest(plan) for plan in found.plans}) == 4
    assert not found.refused


def test_a_scenario_that_the_environment_cannot_be_in_is_told_and_the_others_are_planned() -> None:
    found = planned(MATRIX, EnvironmentOptions(scenario=Scenario(mode="2p"), opponent="checkpoint"))
    assert [plan.scenario.mode for plan in found.plans] == ["1p", "1p", "vs_cpu"]
    assert found.refused == {
        "2p-level0-med-side2-match": (
            "opponent: checkpoint does not say which; name its file under evaluation.opponent"
        )
    }


def test_the_opponent_stays_where_there_is_one() -> None:
    trained = EnvironmentOptions(scenario=Scenario(mode="2p"), opponent="random")
    assert [plan.environment.opponent for plan in planned(MATRIX, trained).plans] == ["noop", "noop", "random", "noop"]


def test_one_scenario_twice_is_refused() -> None:
    line = problems("evaluation: {scenarios: [{level: 3}, {level: 3, frame_limit: 9}]}")
    assert line.startswith("evaluation: scenarios: 1p-level3-med is there twice")


def test_a_level_that_the_game_has_not_is_named_with_its_place() -> None:
    assert problems("evaluation: {scenarios: [{level: 3}, {level: 21}]}").startswith("evaluation.scenarios.1.level: ")


def test_what_the_files_own_environments_cannot_play_is_refused() -> None:
    unnamed = "{scenario: {mode: 2p}, opponent: checkpoint}"
    line = problems(f"environment: {unnamed}\nevaluation: {{scenarios: [{{}}, {{mode: 2p}}]}}\n")
    assert line.startswith("evaluation.scenarios.1: with environment, ")
    assert "does not say which" in line
    text = f"runs: [{{environment: {unnamed}}}]\nevaluation: {{scenarios: [{{mode: 2p}}]}}\n"
    assert problems(text).startswith("evaluation.scenarios.0: with runs.0, ")


def against(opponent: str, environment: EnvironmentOptions, *, scenarios: str = "[]") -> Planned:
    section = config(f"evaluation: {{opponent: {opponent}, scenarios: {scenarios}}}").evaluation
    digest = Digest("5" * 64)
    return Planner(evaluation=section, rom_sha256=Digest("0" * 64), opponent_sha256=digest).planned(environment)


@pytest.mark.parametrize("opponent", ["noop", "random", "scripted"])
def test_an_opponent_is_played_from_both_sides(opponent: str) -> None:
    (plan,) = against(opponent, EnvironmentOptions(scenario=Scenario(level=3))).plans
    assert plan.environment.opponent == opponent
    assert plan.scenario == Scenario(mode="2p", level=3, side="both")
    assert plan.opponent_sha256 is None


def test_an_opponent_that_is_a_file_is_named_in_the_plan_by_its_bytes() -> None:
    (plan,) = against("models/champion.zip", EnvironmentOptions()).plans
    assert (plan.environment.opponent, plan.opponent_sha256) == ("checkpoint", "5" * 64)


def test_of_several_scenarios_those_of_two_have_the_opponent_and_their_own_side() -> None:
    plans = against("champion.zip", EnvironmentOptions(), scenarios="[{mode: 1p}, {mode: 2p, side: 2}]").plans
    assert [(plan.environment.opponent, plan.scenario.side) for plan in plans] == [("noop", 1), ("checkpoint", 2)]
    assert [plan.opponent_sha256 for plan in plans] == [None, "5" * 64]
