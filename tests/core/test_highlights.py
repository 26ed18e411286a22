from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env.moments import Moments
from observer.core.highlights import AFTER_FRAMES, BEFORE_FRAMES, CLOSE_ROWS, ENDING_FRAMES, Past, choose, ranked
from observer.core.models import Digest, Episode, Highlight, Outcome, Reason

LOSS = Episode(
    index=0,
    seed=0,
    outcome=Outcome.LOSS,
    topped_out=True,
    viruses_cleared=0,
    max_combo=0,
    capsules=20,
    episode_length=400,
    frames=1600,
    total_reward=-1.0,
    replay_sha256=Digest("0" * 64),
)
WIN = replace(LOSS, outcome=Outcome.WIN, topped_out=False, viruses_cleared=4, total_reward=3.0)
ALL_REASONS = ("best", "median", "worst")
EVERY_REASON: tuple[str, ...] = get_args(Reason)

games = st.builds(
    replace,
    st.just(LOSS),
    seed=st.integers(0, 3276),
    outcome=st.sampled_from(Outcome),
    viruses_cleared=st.integers(0, 4),
    frames=st.integers(1, 8000),
    total_reward=st.floats(-10, 10),
)
evaluations = st.lists(games, unique_by=lambda game: game.seed, max_size=12)
reason_lists = st.lists(st.sampled_from(ALL_REASONS), max_size=5)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        pytest.param(WIN, LOSS, id="a win before a loss"),
        pytest.param(WIN, replace(LOSS, outcome=Outcome.DRAW), id="a win before a draw"),
        pytest.param(
            replace(WIN, total_reward=-5.0, frames=7000),
            replace(LOSS, outcome=Outcome.TIMEOUT, viruses_cleared=9, total_reward=50.0),
            id="a poor win before a rich time-out",
        ),
        pytest.param(
            replace(WIN, frames=900, total_reward=1.0), replace(WIN, frames=901), id="a faster win whatever the reward"
        ),
        pytest.param(replace(LOSS, viruses_cleared=3), replace(LOSS, total_reward=9.0), id="more viruses cleared"),
        pytest.param(
            replace(LOSS, viruses_cleared=3, frames=7000),
            replace(LOSS, viruses_cleared=2, frames=600),
            id="the length of a lost game does not count",
        ),
        pytest.param(replace(LOSS, total_reward=0.5), replace(LOSS, total_reward=0.25), id="then the reward"),
        pytest.param(replace(LOSS, seed=3), replace(LOSS, seed=4), id="then the seed"),
    ],
)
def test_the_better_game_comes_first(better: Episode, worse: Episode) -> None:
    assert ranked([worse, better]) == (better, worse)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [("best", 0)]),
        (2, [("best", 0), ("worst", 1)]),
        (3, [("best", 0), ("median", 1), ("worst", 2)]),
        (4, [("best", 0), ("median", 1), ("worst", 3)]),
        (5, [("best", 0), ("median", 2), ("worst", 4)]),
        (100, [("best", 0), ("median", 49), ("worst", 99)]),
    ],
)
def test_best_median_and_worst_of_so_many_games(count: int, expected: list[tuple[str, int]]) -> None:
    episodes = [replace(WIN, seed=seed, frames=1000 + seed) for seed in reversed(range(count))]
    assert [(highlight.reason, highlight.seed) for highlight in choose(episodes, ALL_REASONS)] == expected


def test_one_game_alone_is_whatever_is_asked_for() -> None:
    assert choose([LOSS], ["worst"]) == (Highlight(seed=0, reason="worst"),)


def test_an_unknown_reason_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"clips for funniest: not known; choose from best, median, worst, first_clear"
    ):
        choose([LOSS], ["best", "funniest"])


@given(evaluations, reason_lists, st.data())
def test_the_order_of_the_games_does_not_matter(
    episodes: list[Episode], reasons: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(episodes))
    assert choose(shuffled, reasons) == choose(episodes, reasons)


@given(evaluations, reason_lists)
def test_highlights_are_distinct_games_in_the_order_asked_for(episodes: list[Episode], reasons: list[str]) -> None:
    highlights = choose(episodes, reasons)
    wanted = list(dict.fromkeys(reasons))
    seeds = [highlight.seed for highlight in highlights]
    assert len(set(seeds)) == len(seeds) == min(len(wanted), len(episodes))
    assert set(seeds) <= {episode.seed for episode in episodes}
    assert [highlight.reason for highlight in highlights] == [
        reason for reason in wanted if reason in {highlight.reason for highlight in highlights}
    ]


@given(evaluations.filter(lambda episodes: len(episodes) > len(ALL_REASONS)))
def test_no_game_is_better_than_the_best_or_worse_than_the_worst(episodes: list[Episode]) -> None:
    order = [episode.seed for episode in ranked(episodes)]
    chosen = {highlight.reason: order.index(highlight.seed) for highlight in choose(episodes, ALL_REASONS)}
    assert chosen["best"] == 0
    assert chosen["worst"] == len(episodes) - 1
    assert chosen["median"] == (len(episodes) - 1) // 2


def chosen(
    episodes: list[Episode],
    *reasons: str,
    moments: Mapping[int, Moments] | None = None,
    past: Past | None = None,
) -> list[tuple[str, int]]:
    found = choose(episodes, reasons, moments=moments, past=past)
    return [(highlight.reason, highlight.seed) for highlight in found]


def test_the_first_clear_is_the_first_won_game_of_the_plan_and_may_be_the_best_one_too() -> None:
    games = [replace(LOSS, seed=5), replace(WIN, index=2, seed=7, frames=900), replace(WIN, index=1, seed=9)]
    assert chosen(games, "best", "first_clear") == [("best", 7), ("first_clear", 9)]
    assert chosen(games[:2], "best", "first_clear") == [("best", 7), ("first_clear", 7)]


def test_there_is_no_first_clear_without_a_win_or_after_an_earlier_one() -> None:
    assert chosen([LOSS], "first_clear") == []
    assert chosen([WIN], "first_clear", past=Past(has_cleared=True)) == []
    assert chosen([WIN], "first_clear", past=Past(not_won=frozenset({0}))) == [("first_clear", 0)]


def test_the_biggest_combo_is_of_the_most_matches_and_one_match_is_none() -> None:
    games = [replace(LOSS, seed=1, max_combo=1), replace(LOSS, seed=2, max_combo=3), replace(WIN, seed=3, max_combo=2)]
    assert chosen(games, "biggest_combo") == [("biggest_combo", 2)]
    assert chosen(games[:1], "biggest_combo") == []


def test_a_game_that_is_shown_as_the_best_is_not_shown_again_and_no_lesser_combo_takes_its_place() -> None:
    games = [replace(WIN, seed=1, max_combo=4), replace(WIN, seed=2, frames=5000, max_combo=2)]
    assert chosen(games, "best", "biggest_combo") == [("best", 1)]


def test_the_closest_call_was_won_under_the_highest_stack() -> None:
    games = [replace(WIN, seed=1), replace(WIN, seed=2, frames=2000), replace(LOSS, seed=3)]
    stacks = {seed: Moments(highest_stack=CLOSE_ROWS + seed) for seed in (1, 2, 3)}
    assert chosen(games, "closest_call", moments=stacks) == [("closest_call", 2)]
    assert chosen(games, "closest_call", moments={1: stacks[1], 2: stacks[1]}) == [("closest_call", 2)]
    assert chosen(games, "closest_call", moments={1: Moments(highest_stack=CLOSE_ROWS - 1)}) == []
    assert chosen(games, "closest_call") == []


def test_flips_are_at_most_two_games_that_are_won_now_and_were_not_before() -> None:
    games = [replace(WIN, seed=seed, frames=1000 + seed) for seed in (1, 2, 3, 4)] + [replace(LOSS, seed=5)]
    past = Past(not_won=frozenset({2, 3, 4, 5}))
    assert chosen(games, "flips", past=past) == [("flips", 2), ("flips", 3)]
    assert chosen(games, "flips") == []


def test_ten_seconds_lie_around_the_biggest_combo() -> None:
    games = [replace(LOSS, seed=4, max_combo=3, frames=5000)]
    (highlight,) = choose(games, ["combo"], moments={4: Moments(combo_frame=2000)})
    assert highlight == Highlight(
        seed=4, reason="combo", first_frame=2000 - BEFORE_FRAMES, last_frame=2000 + AFTER_FRAMES
    )
    assert pytest.approx(10, abs=0.02) == (BEFORE_FRAMES + AFTER_FRAMES) / 60.0988


def test_the_ten_seconds_of_an_end_go_to_the_end_and_never_begin_before_the_start() -> None:
    moments = {1: Moments(last_virus_frame=3000), 2: Moments(last_virus_frame=200)}
    games = [replace(WIN, seed=1, frames=3000), replace(WIN, seed=2, frames=200)]
    assert choose(games, ["last_virus"], moments=moments) == (
        Highlight(seed=1, reason="last_virus", first_frame=3000 - ENDING_FRAMES),
    )
    assert choose(games[1:], ["last_virus"], moments=moments) == (Highlight(seed=2, reason="last_virus"),)


def test_the_top_out_shown_is_the_one_nearest_the_goal() -> None:
    games = [replace(LOSS, seed=1, viruses_cleared=3), replace(LOSS, seed=2, viruses_cleared=1)]
    moments = {1: Moments(top_out_frame=1600), 2: Moments(top_out_frame=1600)}
    assert chosen(games, "top_out", moments=moments) == [("top_out", 1)]
    assert chosen([replace(games[0], topped_out=False), games[1]], "top_out", moments=moments) == [("top_out", 2)]


def test_a_replay_that_tells_no_moments_has_no_parts() -> None:
    assert chosen([replace(WIN, max_combo=3), replace(LOSS, seed=1)], "combo", "last_virus", "top_out") == []


noted = st.builds(
    Moments,
    combo_frame=st.none() | st.integers(0, 8000),
    last_virus_frame=st.none() | st.integers(0, 8000),
    top_out_frame=st.none() | st.integers(0, 8000),
    highest_stack=st.integers(0, 16),
)


told_games = st.lists(st.tuples(games, noted), unique_by=lambda told: told[0].seed, max_size=6)


@given(told_games, st.sets(st.sampled_from(EVERY_REASON)))
def test_whatever_is_asked_for_each_clip_has_a_name_of_its_own_and_a_span_that_exists(
    told: list[tuple[Episode, Moments]], reasons: set[str]
) -> None:
    episodes, moments = [game for game, _ in told], {game.seed: moments for game, moments in told}
    past = Past(not_won=frozenset(game.seed for game in episodes if game.seed % 2))
    found = choose(episodes, sorted(reasons), moments=moments, past=past)
    assert len({(highlight.reason, highlight.seed) for highlight in found}) == len(found)
    assert {highlight.seed for highlight in found} <= moments.keys()
    assert all(one.first_frame >= 0 and (one.last_frame or 1 << 20) > one.first_frame for one in found)
    assert choose(episodes[::-1], sorted(reasons), moments=moments, past=past) == found
