"""Whatever a trainer does to its folder, in whatever order and however often it is looked at: what stays whole is
admitted once, and what is broken is never."""

import tempfile
from pathlib import Path

from fakes.world import World
from fakes.zips import zip_of
from hypothesis import given, settings
from hypothesis import strategies as st

BLOBS = {step: zip_of(step) for step in range(1, 5)}
NAMES = ("a.zip", "b.zip", "c.zip")

writing = st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(sorted(BLOBS)), st.booleans())
deleting = st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just(0), st.just(False))
renaming = st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from((0, 1, 2)), st.just(False))
scanning = st.tuples(st.just("scan"), st.just(""), st.integers(0, 5), st.just(False))
restarting = st.tuples(st.just("restart"), st.just(""), st.just(0), st.just(False))
Action = tuple[str, str, int, bool]


def act(world: World, action: Action) -> None:
    kind, name, number, is_torn = action
    path = world.watch / name
    if kind == "write":
        path.write_bytes(BLOBS[number][: -40 if is_torn else None])
    elif kind == "delete":
        path.unlink(missing_ok=True)
    elif kind == "rename" and path.exists():
        path.rename(world.watch / NAMES[number])
    elif kind == "scan":
        world.clock.advance(float(number))
        world.intake.scan()
    elif kind == "restart":
        world.start()


@settings(max_examples=60)
@given(st.lists(st.one_of(writing, deleting, renaming, scanning, scanning, restarting), max_size=25))
def test_what_stays_is_admitted_exactly_once(actions: list[Action]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        with world.store:
            for action in actions:
                act(world, action)
            world.clock.advance(120.0)
            world.settle()
            world.clock.advance(120.0)
            world.settle()
            steps = world.steps()
            staying = {
                step for step, blob in BLOBS.items() for path in world.watch.iterdir() if path.read_bytes() == blob
            }
            assert staying <= set(steps)
            assert len(steps) == len(set(steps))
            written = {number for kind, _, number, is_torn in actions if kind == "write" and not is_torn}
            assert set(steps) <= written
            for job in world.store.jobs():
                assert world.layout.snapshot(job.checkpoint.digest).read_bytes() == BLOBS[job.checkpoint.step]
