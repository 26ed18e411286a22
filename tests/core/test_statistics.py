from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.models import Digest, Episode, Outcome
from observer.core.statistics import mean, paired_difference, summarise, wilson

EPISODE = Episode(
    index=0,
    seed=0,
    outcome=Outcome.LOSS,
    topped_out=True,
    viruses_cleared=2,
    max_combo=1,
    capsules=30,
    episode_length=40,
    frames=1600,
    total_reward=-0.5,
    replay_sha256=Digest("0" * 64),
)


def games(*outcomes: Outcome) -> list[Episode]:
    return [
        replace(EPISODE, index=index, seed=index, outcome=outcome, topped_out=outcome is Outcome.LOSS)
        for index, outcome in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("wins", "n", "low", "high"),
    [
        (50, 100, 0.4038, 0.5962),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (9, 20, 0.2582, 0.6579),
    ],
)
def test_the_wilson_interval_has_its_published_values(wins: int, n: int, low: float, high: float) -> None:
    estimate = wilson(wins, n)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval_and_the_interval_within_0_and_1(game: tuple[int, int]) -> None:
    estimate = wilson(*game)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low < estimate.high


@pytest.mark.parametrize(("wins", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_share_of_games_is_refused(wins: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(wins, n)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_a_mean_lies_in_its_interval_and_the_interval_within_what_was_seen(samples: list[float]) -> None:
    estimate = mean(samples)
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.low >= min(samples) - 1e-8 * abs(min(samples))
    assert estimate.high <= max(samples) + 1e-8 * abs(max(samples))


def test_equal_values_have_that_value_as_their_interval() -> None:
    estimate = mean([4, 4, 4])
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (4, 4, 4, 3)


def test_the_interval_of_a_mean_leans_towards_the_long_tail() -> None:
    estimate = mean([1, 1, 1, 1, 2, 2, 2, 3, 3, 20])
    assert estimate.high - estimate.value > 2 * (estimate.value - estimate.low)


def test_the_interval_of_even_data_is_that_of_students_t() -> None:
    """0..99: mean 49.5, standard error 2.9011, t(99) = 1.9842."""
    estimate = mean(range(100))
    assert estimate.low == pytest.approx(49.5 - 1.9842 * 2.9011, abs=0.25)
    assert estimate.high == pytest.approx(49.5 + 1.9842 * 2.9011, abs=0.25)


def test_the_order_of_the_games_does_not_change_the_figures() -> None:
    assert mean([3, 1, 2, 8]) == mean([8, 2, 1, 3])


def test_a_summary_counts_topped_out_and_timed_out_apart() -> None:
    summary = summarise(games(Outcome.WIN, Outcome.LOSS, Outcome.TIMEOUT, Outcome.TIMEOUT))
    assert (summary.episodes, summary.wins, summary.topped_out, summary.timeouts) == (4, 1, 1, 2)
    assert summary.win_rate == wilson(1, 4)


def test_a_summary_counts_every_way_a_game_of_two_ends() -> None:
    summary = summarise(games(Outcome.WIN, Outcome.DRAW, Outcome.LOSS, Outcome.LOSS, Outcome.TIMEOUT))
    assert (summary.wins, summary.losses, summary.draws, summary.timeouts) == (1, 2, 1, 1)


def test_a_summary_of_no_games_is_refused() -> None:
    with pytest.raises(ValueError, match="not a share"):
        summarise([])


def test_a_paired_difference_counts_the_games_that_changed() -> None:
    earlier = {0: True, 1: False, 2: False, 3: False}
    later = {0: True, 1: True, 2: False, 3: True}
    change = paired_difference(earlier, later)
    assert (change.value, change.n) == (0.5, 4)
    assert paired_difference(later, earlier).value == -0.5


def test_two_evaluations_that_agree_in_every_game_still_have_an_interval() -> None:
    won = dict.fromkeys(range(10), True)
    change = paired_difference(won, won)
    assert change.value == 0
    assert change.low < 0 < change.high


def test_only_the_seeds_that_both_played_are_compared() -> None:
    assert paired_difference({1: True}, {1: True, 2: False}).n == 1


def test_evaluations_without_a_common_seed_are_not_compared() -> None:
    with pytest.raises(ValueError, match="no seed in common"):
        paired_difference({1: True}, {2: True})


GAMES = st.dictionaries(st.integers(1, 40), st.booleans())


@given(GAMES, GAMES, st.booleans())
def test_a_paired_difference_lies_in_its_interval(
    first: dict[int, bool],
    second: dict[int, bool],
    common: bool,  # noqa: FBT001 -- drawn by hypothesis
) -> None:
    change = paired_difference({**first, 0: common}, {**second, 0: True})
    assert -1 <= change.low <= change.value <= change.high <= 1
