from dataclasses import replace

import pytest
from fakes.evaluations import make_plan
from hypothesis import given
from hypothesis import strategies as st

from env.options import Scenario
from observer.adapters.writers.charts import HEIGHT, WIDTH, Point, curve, nice_ticks, value_axis
from observer.adapters.writers.figures import (
    MINUS,
    change,
    interval,
    long_steps,
    minutes,
    number,
    percent,
    percent_interval,
    plan_title,
    scenario_title,
    short_number,
    short_steps,
)
from observer.core.models import Estimate


def estimate(low: float, value: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=100)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0, 1_200_000, (0, 500_000, 1_000_000)),
        (0, 84, (0, 20, 40, 60, 80)),
        (0, 0.07, (0, 0.02, 0.04, 0.06)),
        (-1, 1, (-1, -0.5, 0, 0.5, 1)),
    ],
)
def test_ticks_are_round_values(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high, most=6) == ticks


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(2, 10))
def test_ticks_lie_within_their_range_and_are_never_too_many(low: float, wide: float, most: int) -> None:
    ticks = nice_ticks(low, low + wide, most=most)
    assert len(ticks) <= most + 1
    assert all(low - wide * 1e-3 <= tick <= low + wide * 1.001 for tick in ticks)


@given(
    st.lists(st.tuples(st.integers(0, 2 * 10**9), st.floats(0, 84), st.floats(0, 84)), min_size=1, max_size=40),
)
def test_every_mark_of_a_curve_is_on_the_drawing(values: list[tuple[int, float, float]]) -> None:
    points = [
        Point(x=x, y=estimate(min(one, two), (one + two) / 2, max(one, two)), title="")
        for x, one, two in sorted(values)
    ]
    axis = value_axis(max(point.y.high for point in points))
    chart = curve(points, title="", axis=axis, word=short_number)
    for mark in chart.marks:
        assert 0 <= mark.x <= WIDTH
        assert 0 <= mark.high <= mark.y <= mark.low <= HEIGHT
    assert all(0 <= tick.at <= WIDTH for tick in chart.x_ticks)
    assert len({tick.label for tick in chart.x_ticks}) == len(chart.x_ticks)


def test_figures_read_as_people_write_them() -> None:
    assert [short_steps(value) for value in (0, 500, 50_000, 1_250_000, 10**9)] == ["0", "500", "50k", "1.25M", "1B"]
    assert long_steps(1_250_000) == "1,250,000"
    assert [number(value) for value in (0.256, 13.44, 212.4, -1.5, -0.001)] == [
        "0.26",
        "13.4",
        "212",
        f"{MINUS}1.50",
        "0.00",
    ]
    assert [short_number(value) for value in (4.0, 0.5, 100.0)] == ["4", "0.5", "100"]
    assert interval(estimate(-0.5, 0, 1.25)) == f"{MINUS}0.50 to 1.25"
    assert minutes(65.9) == "1:05"


def test_a_share_that_is_not_quite_all_or_none_does_not_read_as_if_it_were() -> None:
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "<1%", "50%", ">99%", "100%"]
    assert percent_interval(estimate(0.404, 0.5, 0.596)) == "40\N{EN DASH}60%"


@pytest.mark.parametrize(
    ("low", "value", "high", "points", "direction"),
    [(0.01, 0.08, 0.15, "+8", "up"), (-0.3, -0.2, -0.1, f"{MINUS}20", "down"), (-0.1, 0, 0.1, "0", "flat")],
)
def test_a_change_is_called_better_or_worse_only_where_its_interval_says_so(
    low: float, value: float, high: float, points: str, direction: str
) -> None:
    words = change(estimate(low, value, high), since=1000)
    assert (words.points, words.direction, words.since) == (points, direction, "1,000")


def test_a_plan_whose_actions_are_drawn_is_called_so() -> None:
    plan = make_plan()
    assert plan_title(plan) == "One player, level 0, medium speed"
    assert plan_title(replace(plan, policy_mode="stochastic")) == "One player, level 0, medium speed, actions drawn"


def test_a_scenario_reads_as_people_say_it() -> None:
    assert scenario_title(Scenario(level=10, speed="hi")) == "One player, level 10, high speed"
    match = Scenario(mode="2p", side=2, length="match")
    assert scenario_title(match) == "Two players, as player 2, match to three, level 0, medium speed"
    assert scenario_title(Scenario(mode="vs_cpu", speed="low")) == "Against the machine, level 0, low speed"
