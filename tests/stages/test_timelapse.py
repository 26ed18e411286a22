from pathlib import Path

import pytest
from fakes.world import World

from observer.adapters import jobfiles
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles
from observer.core.models import JobKind, JobState
from observer.core.timelapse import TimelapseRequest, TimelapseResult
from observer.stages.publishing import Publishing
from observer.stages.timelapse import Timelapse, TimelapseSettings, timelapse_request


@pytest.fixture
def timelapse(world: World) -> Timelapse:
    made = Timelapse(settings=settings(world), store=world.store, layout=world.layout, clock=world.clock)
    world.of_run[JobKind.TIMELAPSE] = made
    world.start()
    return made


def settings(world: World, *, seconds: float = 4.0) -> TimelapseSettings:
    return TimelapseSettings(rom=Path("/roms/game.nes"), rom_sha256=world.rom_sha256, seconds=seconds)


def evaluate(world: World, *steps: int) -> None:
    for step in steps:
        world.drop_step(step)
        world.settle()
        world.work()


def orders(world: World) -> list[JobState]:
    return [job.state for job in world.store.of_run.newest(JobKind.TIMELAPSE).values()]


def test_it_is_ordered_from_the_second_checkpoint_on_and_once_for_each(world: World, timelapse: Timelapse) -> None:
    evaluate(world, 1000)
    timelapse.refresh()
    assert orders(world) == []
    evaluate(world, 2000)
    for _ in range(2):
        timelapse.refresh()
    assert orders(world) == [JobState.WAITING]
    assert world.store.unfinished() == 1


def test_what_lands_while_an_order_waits_goes_into_that_one(world: World, timelapse: Timelapse) -> None:
    evaluate(world, 1000, 2000)
    timelapse.refresh()
    evaluate(world, 500)
    timelapse.refresh()
    assert world.store.unfinished() == 1
    assert world.dispatch.start_one()
    request = jobfiles.read(TimelapseRequest, JobFiles(world.backend.started[-1]).request)
    assert [sight.step for sight in request.sights] == [500, 1000, 2000]
    assert all(Path(sight.replay).is_file() for sight in request.sights)
    assert request.films is None


def test_it_is_put_where_people_find_it_and_its_films_are_kept_for_the_next(world: World, timelapse: Timelapse) -> None:
    evaluate(world, 1000, 2000)
    timelapse.refresh()
    world.work()
    assert orders(world) == [JobState.DONE]
    assert (world.layout.output / "timelapse.mp4").read_bytes() == b"part-1000.mp4 part-2000.mp4"
    assert (world.layout.output / "timelapse-grid.mp4").is_file()
    (world.layout.films / "part-9.mp4").write_bytes(b"of a game that is not shown any more")
    evaluate(world, 3000)
    timelapse.refresh()
    world.work()
    kept = {path.name: path.read_bytes() for path in world.layout.films.iterdir()}
    assert sorted(kept) == ["part-1000.mp4", "part-2000.mp4", "part-3000.mp4"]
    assert kept["part-1000.mp4"] == b"part-1000.mp4 part-2000.mp4"  # as it was made the first time


def test_the_report_is_told_of_it_while_its_film_is_there(world: World, timelapse: Timelapse) -> None:
    class Reader:
        name = "reader"
        seen: TimelapseResult | None = None

        def stands(self) -> bool:
            return True

        def write(self, publication: object) -> None:
            self.seen = publication.timelapse  # type: ignore[attr-defined]

    reader = Reader()
    publishing = Publishing(world.store, world.layout, [reader], clock=world.clock)
    evaluate(world, 1000, 2000)
    timelapse.refresh()
    publishing.flush()
    assert reader.seen is None
    world.work()
    publishing.flush()
    assert reader.seen is not None
    assert reader.seen.steps == (1000, 2000)


def test_none_is_made_where_none_is_wanted(world: World) -> None:
    without = Timelapse(settings=settings(world, seconds=0), store=world.store, layout=world.layout, clock=world.clock)
    evaluate(world, 1000, 2000)
    without.refresh()
    assert orders(world) == []


def test_a_game_that_was_not_played_is_refused_with_those_that_were(world: World) -> None:
    with pytest.raises(ResultInvalid, match="no checkpoint has been evaluated yet"):
        timelapse_request(world.store, world.layout, settings(world))
    evaluate(world, 1000)
    with pytest.raises(ResultInvalid, match=r"seed 77 was not played; choose from 0 to 3"):
        timelapse_request(world.store, world.layout, settings(world), seed=77)
    assert timelapse_request(world.store, world.layout, settings(world), seed=2).seed == 2
