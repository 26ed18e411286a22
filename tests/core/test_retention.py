from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.holdings import Holding, holding_of
from observer.core.retention import Item, ItemKind, Limits, Played, Usage, choose, pins


def item(name: str, kind: ItemKind = ItemKind.CLIP, *, size: int = 10, at: float = 0.0, **changes: str | bool) -> Item:
    path = PurePosixPath(name)
    return Item(kind=kind, path=path, files=(path,), size_bytes=size, step=0, made_at=at, **changes)  # type: ignore[arg-type]


def names(items: tuple[Item, ...]) -> list[str]:
    return [str(entry.path) for entry in items]


PLENTY = Usage(used=1000, free=10**12)


def test_nothing_goes_where_there_is_room() -> None:
    found = choose([item("a"), item("b", ItemKind.REPLAYS, archive="x")], Limits(quota=1000, free_floor=5), PLENTY)
    assert (found.drop, found.over_quota, found.below_floor) == ((), 0, 0)


@pytest.mark.parametrize(
    ("excess", "gone"),
    [
        (1, ["old"]),
        (11, ["old", "new"]),
        (21, ["old", "new", "favourite"]),
        (31, ["old", "new", "favourite", "replays"]),
        (41, ["old", "new", "favourite", "replays", "copy"]),
    ],
)
def test_clips_go_before_replays_the_oldest_first_and_the_best_game_last(excess: int, gone: list[str]) -> None:
    items = [
        item("copy", ItemKind.SNAPSHOT),
        item("favourite", at=1, is_favourite=True),
        item("replays", ItemKind.REPLAYS, archive="/a.tar.zst"),
        item("new", at=9),
        item("old", at=2),
        item("kept", ItemKind.REPLAYS),
        item("pinned", pin="best"),
    ]
    by_quota = choose(items, Limits(quota=1000 - excess), PLENTY)
    by_floor = choose(items, Limits(free_floor=100 + excess), Usage(used=0, free=100))
    assert names(by_quota.drop) == names(by_floor.drop) == gone


def test_what_is_still_missing_when_all_has_gone_is_told() -> None:
    items = [item("a"), item("pinned", pin="final")]
    found = choose(items, Limits(quota=900, free_floor=50), Usage(used=1000, free=20))
    assert (names(found.drop), found.over_quota, found.below_floor) == (["a"], 90, 20)


def test_copies_of_skipped_checkpoints_have_a_limit_of_their_own() -> None:
    copies = [item(f"{n}", ItemKind.SNAPSHOT, at=n) for n in (3, 1, 2)]
    assert names(choose([*copies, item("clip")], Limits(skipped=15), PLENTY).drop) == ["1", "2"]


def played(step: int, wins: int, *, plan: str = "p") -> Played:
    return Played(directory=PurePosixPath(f"{plan}/{step}"), plan=plan, step=step, wins=wins, games=10)


def test_the_best_the_first_clear_and_the_final_of_each_plan_are_pinned() -> None:
    found = pins([played(5, 2), played(1, 0), played(2, 1), played(3, 9), played(4, 9), played(1, 0, plan="q")])
    assert {str(path): why for path, why in found.items()} == {
        "p/2": "first clear",
        "p/3": "best",
        "p/5": "final",
        "q/1": "final",
    }


ITEMS = st.lists(
    st.builds(
        item,
        st.from_regex("[a-z]{1,6}", fullmatch=True),
        st.sampled_from(ItemKind),
        size=st.integers(0, 100),
        at=st.floats(0, 100),
        pin=st.sampled_from(["", "best", "awaited"]),
        archive=st.sampled_from(["", "s3://b/a"]),
    ),
    max_size=12,
    unique_by=lambda entry: entry.path,
)


@given(
    items=ITEMS,
    quota=st.none() | st.integers(0, 2000),
    floor=st.integers(0, 500),
    skipped=st.none() | st.integers(0, 200),
    free=st.integers(0, 500),
)
def test_the_pinned_stay_replays_need_an_archive_and_no_more_goes_than_must(
    items: list[Item], quota: int | None, floor: int, skipped: int | None, free: int
) -> None:
    limits, usage = Limits(quota=quota, free_floor=floor, skipped=skipped), Usage(used=1000, free=free)
    found = choose(items, limits, usage)
    assert all(entry in items and not entry.pin for entry in found.drop)
    assert all(entry.archive for entry in found.drop if entry.kind is ItemKind.REPLAYS)
    excess = max(0 if quota is None else 1000 - quota, floor - free, 0)
    freed = sum(entry.size_bytes for entry in found.drop)
    left = [entry for entry in items if entry.may_go]
    for entry in found.drop:
        left.remove(entry)
    assert (found.over_quota or found.below_floor) == 0 or not left
    if any(entry.kind is not ItemKind.CLIP for entry in found.drop) and skipped is None:
        assert all(entry.kind is not ItemKind.CLIP for entry in left)
    if skipped is None and found.drop:
        assert freed - found.drop[-1].size_bytes < excess


@pytest.mark.parametrize(
    ("path", "holding"),
    [
        ("observer.db-wal", Holding.DATABASE),
        ("observer.db.version-2", Holding.DATABASE),
        ("checkpoints/1000-abcd/1p-x/result.json", Holding.RESULTS),
        ("checkpoints/1000-abcd/1p-x/replays/3.replay", Holding.REPLAYS),
        ("checkpoints/1000-abcd/1p-x/clips/best-3.mp4", Holding.CLIPS),
        ("references/abcd/random/replays/3.replay", Holding.REPLAYS),
        ("references/abcd/random/result.json", Holding.RESULTS),
        ("metrics.csv", Holding.REPORT),
        ("report/index.html", Holding.REPORT),
        ("tensorboard/a/events", Holding.REPORT),
        ("training.csv", Holding.TRAINING),
        ("training/a-0-1/0.mp4", Holding.TRAINING),
        ("timelapse-grid.mp4", Holding.TIMELAPSE),
        (".work/films/1.mp4", Holding.TIMELAPSE),
        (".work/snapshots/ab.zip", Holding.SNAPSHOTS),
        (".work/jobs/000001.1/request.json", Holding.WORK),
        ("closed/first/observer.db", Holding.CLOSED),
        ("dropped.jsonl", Holding.RESULTS),
    ],
)
def test_every_file_has_its_class(path: str, holding: Holding) -> None:
    assert holding_of(PurePosixPath(path)) is holding
