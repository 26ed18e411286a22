import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.timelapse import MOST_PARTS, round_end, telling_seed, thinned


def outcomes(*rows: str) -> list[dict[int, bool]]:
    """A row a checkpoint, a letter a game: w is won."""
    return [{seed: letter == "w" for seed, letter in enumerate(row)} for row in rows]


@pytest.mark.parametrize(
    ("rows", "seed"),
    [
        (["..."], 0),
        (["w..", "w.w"], 2),
        (["w.w", "www"], 1),
        (["....", "w...", "w.w.", "..ww"], 2),
        (["w..", "w..", "w..", "w.."], 0),
    ],
    ids=["nothing won", "lost, then won", "won all along tells less", "won by all later ones", "nothing gained"],
)
def test_the_game_shown_was_lost_early_and_won_late(rows: list[str], seed: int) -> None:
    assert telling_seed(outcomes(*rows)) == seed


def test_the_game_shown_changes_only_when_there_are_twice_as_many_checkpoints() -> None:
    rows = outcomes("..", "w.", ".w", ".w", ".w", "w.", "w.", "w.")
    assert [telling_seed(rows[:count]) for count in range(1, 9)] == [0, 0, 0, 1, 1, 1, 1, 0]


def test_there_is_no_game_to_show_without_checkpoints() -> None:
    with pytest.raises(ValueError, match="needs a checkpoint"):
        telling_seed([])


@given(st.integers(0, 400), st.integers(2, 70))
def test_what_is_left_is_few_enough_and_keeps_its_ends(count: int, most: int) -> None:
    items = range(count)
    kept = thinned(items, most)
    assert len(kept) <= most
    assert list(kept) == sorted(set(kept))
    assert count == 0 or (kept[0], kept[-1]) == (0, count - 1)
    assert count > most or kept == tuple(items)
    assert len(kept) >= min(count, most // 2)


@given(st.integers(1, 300))
def test_one_more_checkpoint_needs_one_more_part_at_most(count: int) -> None:
    before, after = thinned(range(count), MOST_PARTS), thinned(range(count + 1), MOST_PARTS)
    assert set(after) - set(before) <= {count}


@given(st.integers(0, 10**12))
def test_an_axis_has_room_for_its_step_and_no_more_than_twice_and_a_half_of_it(step: int) -> None:
    assert step <= round_end(step) <= max(1, step * 2.5)
