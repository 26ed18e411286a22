import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.standing import Stint, Throughput, seconds_left, throughput


def test_the_time_left_follows_from_what_this_attempt_has_emulated() -> None:
    assert seconds_left(games=10, frames_a_game=3000, frames=6000, seconds=2.0) == 10.0
    assert seconds_left(games=0, frames_a_game=None, frames=0, seconds=0.0) == 0.0


@pytest.mark.parametrize(("frames_a_game", "frames", "seconds"), [(None, 9, 9.0), (9.0, 0, 9.0), (9.0, 9, 0.0)])
def test_without_anything_to_go_by_no_time_is_told(frames_a_game: float | None, frames: int, seconds: float) -> None:
    assert seconds_left(games=1, frames_a_game=frames_a_game, frames=frames, seconds=seconds) is None


def test_workers_side_by_side_count_their_time_once() -> None:
    both = [Stint(begin=0.0, end=100.0, games=50, frames=9000), Stint(begin=50.0, end=150.0, games=50, frames=9000)]
    assert throughput(both) == Throughput(games_per_hour=2400.0, frames_per_second=120.0, evaluations=2)


def test_the_night_between_two_evaluations_does_not_slow_them_down() -> None:
    apart = [Stint(begin=0.0, end=10.0, games=10, frames=100), Stint(begin=9e4, end=9e4 + 10, games=10, frames=100)]
    told = throughput(apart)
    assert told is not None
    assert told.games_per_hour == 3600.0


def test_nothing_played_has_no_speed() -> None:
    assert throughput([]) is None
    assert throughput([Stint(begin=5.0, end=5.0, games=1, frames=1)]) is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(1.0, 1e5)), min_size=1))
def test_the_order_of_the_stints_says_nothing(ends: list[tuple[float, float]]) -> None:
    stints = [Stint(begin=begin, end=begin + length, games=1, frames=1) for begin, length in ends]
    assert throughput(stints) == throughput(stints[::-1])
