from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.highlights import RULES, choose, ranked
from observer.core.models import Digest, Episode, Highlight, Outcome

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
reason_lists = st.lists(st.sampled_from(sorted(RULES)), max_size=5)


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
    with pytest.raises(ValueError, match=r"clips for funniest: not known; choose from best, worst, median"):
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


@given(evaluations.filter(lambda episodes: len(episodes) > len(RULES)))
def test_no_game_is_better_than_the_best_or_worse_than_the_worst(episodes: list[Episode]) -> None:
    order = [episode.seed for episode in ranked(episodes)]
    chosen = {highlight.reason: order.index(highlight.seed) for highlight in choose(episodes, ALL_REASONS)}
    assert chosen["best"] == 0
    assert chosen["worst"] == len(episodes) - 1
    assert chosen["median"] == (len(episodes) - 1) // 2
