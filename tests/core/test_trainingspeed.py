import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.daemonstate import TrainingSpeed
from observer.core.trainingspeed import ENOUGH, Span, SpeedPoint, compare, sentence


def log_of(*speeds: float, seconds: float = 10.0, step: int = 0, begin: float = 0.0) -> list[SpeedPoint]:
    """A point every so many seconds, with these speeds between them."""
    points = [SpeedPoint(begin, step)]
    for speed in speeds:
        points.append(SpeedPoint(points[-1].moment + seconds, points[-1].step + round(speed * seconds)))
    return points


def test_stretches_beside_workers_are_held_against_those_without() -> None:
    points = log_of(*[90.0] * 5, *[100.0] * 6)
    assert compare(points, [Span(0.0, 50.0)], since=0.0) == TrainingSpeed(
        evaluating=90.0, evaluating_points=5, idle=100.0, idle_points=6, slowdown=1.111
    )


def test_a_stretch_that_was_partly_busy_counts_for_neither() -> None:
    speed = compare(log_of(100.0, 50.0, 100.0), [Span(14.0, 20.0)], since=0.0)
    assert speed is not None
    assert (speed.evaluating_points, speed.idle_points) == (0, 2)


def test_too_few_stretches_give_no_ratio_and_say_so() -> None:
    speed = compare(log_of(*[90.0] * (ENOUGH - 1), *[100.0] * 20), [Span(0.0, 10.0 * (ENOUGH - 1))], since=0.0)
    assert speed is not None
    assert speed.slowdown is None
    assert "90 steps/s while evaluating (4 stretches of its log)" in sentence(speed)
    assert "not enough data" in sentence(speed)


def test_what_was_before_the_daemon_does_not_count() -> None:
    assert compare(log_of(100.0, 100.0), [], since=15.0) is None
    assert compare([], [], since=0.0) is None


def test_a_training_that_began_anew_gives_no_negative_speed() -> None:
    points = [*log_of(100.0, step=5000), *log_of(100.0, begin=30.0)]
    speed = compare(points, [], since=0.0)
    assert speed is not None
    assert (speed.idle, speed.idle_points) == (100.0, 2)


def test_one_hiccup_does_not_move_the_figure() -> None:
    speed = compare(log_of(*[100.0] * 9, 1.0), [], since=0.0)
    assert speed is not None
    assert speed.idle == 100.0


@pytest.mark.parametrize(("slowdown", "words"), [(1.0, "idle is 1.00 times as fast"), (1.347, "1.35 times")])
def test_a_comparison_reads_as_a_sentence(slowdown: float, words: str) -> None:
    speed = TrainingSpeed(evaluating=1234.5, evaluating_points=7, idle=1300.0, idle_points=9, slowdown=slowdown)
    assert words in sentence(speed)
    assert "1,234 steps/s" in sentence(speed)


moments = st.floats(0.0, 1e6)


@given(
    st.lists(st.builds(SpeedPoint, moments, st.integers(0, 10**9))),
    st.lists(st.tuples(moments, moments).map(lambda ends: Span(min(ends), max(ends)))),
)
def test_whatever_a_log_holds_counts_are_those_of_its_stretches(points: list[SpeedPoint], busy: list[Span]) -> None:
    speed = compare(points, busy, since=0.0)
    if speed is not None:
        assert 0 < speed.evaluating_points + speed.idle_points < len(points)
        assert (speed.evaluating is None) == (speed.evaluating_points == 0)
        assert (speed.slowdown is None) == (min(speed.evaluating_points, speed.idle_points) < ENOUGH)
