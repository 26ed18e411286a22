from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pytest
from fakes import films
from fakes.clock import FakeClock

from env.replay import Replay
from observer.adapters.video import ClipWriter, join
from observer.core.errors import RenderError
from observer.core.layout import JobFiles
from observer.core.models import Progress
from observer.core.timelapse import TimelapseRequest, TimelapseResult
from observer.stages.lapsing import lapse

PART_FRAMES = 30
#: as long as a decided game is shown beyond its end
SECOND = 60


@dataclass(frozen=True)
class Made:
    result: TimelapseResult
    files: JobFiles
    told: tuple[Progress, ...]

    @property
    def clips(self) -> Path:
        return self.files.clips

    @property
    def new_films(self) -> set[str]:
        return {path.name for path in self.clips.iterdir()} - {self.result.video, self.result.grid}


def make(request: TimelapseRequest, folder: Path) -> Made:
    told: list[Progress] = []
    result = lapse(request, JobFiles(folder), clock=FakeClock(), on_progress=told.append)
    return Made(result, JobFiles(folder), tuple(told))


@pytest.fixture(scope="module")
def made(three: TimelapseRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(three, tmp_path_factory.mktemp("job"))


def test_every_checkpoint_has_its_part_by_step_and_no_frame_is_lost(made: Made) -> None:
    assert made.result.steps == made.result.grid_steps == (0, 20_000, 50_000)
    assert made.result.problems == {}
    shown = films.pictures(made.clips / made.result.video)
    assert shown.shape == (3 * PART_FRAMES, 640, 512, 3)
    assert made.result.video_seconds == pytest.approx(3 * PART_FRAMES / 60.0988, abs=0.001)
    assert [progress.done for progress in made.told] == [1, 2, 3, 4, 5, 6]
    assert {progress.total for progress in made.told} == {6}


def test_the_cursor_moves_along_the_curve(made: Made) -> None:
    curve = films.pictures(made.clips / made.result.video)[:, 448:]
    assert (curve[PART_FRAMES] != curve[2 * PART_FRAMES - 1]).any()
    assert (curve[0] != curve[PART_FRAMES]).any()


def test_sound_goes_with_the_pictures_and_is_silent_where_parts_meet(made: Made) -> None:
    with av.open(str(made.clips / made.result.video)) as file:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    assert len(sound) / 48_000 == pytest.approx(made.result.video_seconds, abs=1024 / 48_000)
    assert np.abs(sound).max() > 0.02
    for part in (1, 2):
        joint = round(part * PART_FRAMES / 60.0988 * 48_000)
        assert np.abs(sound[joint - 400 : joint + 400]).max() < 0.002


def test_games_run_side_by_side_until_each_has_ended(made: Made, games: dict[int, Replay]) -> None:
    grid = films.pictures(made.clips / made.result.grid)
    lost = games[20_000].frames + SECOND
    assert len(grid) == lost + 1
    assert grid.shape[1:] == (196, 3 * 88, 3)
    first, second, third = (grid[:, 20:, 88 * place : 88 * (place + 1)].astype(int) for place in range(3))
    ended = games[0].frames
    assert first[ended - 1].mean() > 1.5 * first[ended].mean()  # dimmed
    assert np.abs(first[ended] - first[-1]).mean() < 4
    assert np.abs(second[lost // 2] - second[lost - 1]).mean() > 5
    assert second[lost - 1].mean() > 1.5 * second[lost].mean()
    assert third[games[50_000].frames].mean() < 0.67 * third[games[50_000].frames - 1].mean()


@pytest.mark.parametrize("name", ["timelapse.mp4", "timelapse-grid.mp4"])
def test_they_are_what_browsers_play_and_begin_to_play_while_they_load(made: Made, name: str) -> None:
    data = (made.clips / name).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(made.clips / name)) as file:
        video = file.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert [stream.codec_context.name for stream in file.streams.audio] == (
            ["aac"] if name == "timelapse.mp4" else []
        )


def test_what_was_filmed_is_not_filmed_again(made: Made, three: TimelapseRequest, tmp_path: Path) -> None:
    again = make(replace(three, films=str(made.clips)), tmp_path)
    assert again.new_films == set()
    assert again.told[-1].frames == 0
    assert again.result.films == made.result.films
    for name in (made.result.video, made.result.grid):
        shown, before = films.pictures(again.clips / name), films.pictures(made.clips / name)
        assert shown.shape == before.shape
        # not byte by byte: the grid is encoded anew, which once came out otherwise on a busy machine
        assert max(np.abs(one.astype(int) - other).mean() for one, other in zip(shown, before, strict=True)) < 1


def test_one_more_checkpoint_is_one_more_part_and_tile(made: Made, three: TimelapseRequest, tmp_path: Path) -> None:
    kept = tmp_path / "films"
    kept.mkdir()
    two = replace(three, sights=three.sights[:2], films=str(made.clips))
    earlier = make(two, tmp_path / "two")
    assert earlier.new_films == set()
    for name in earlier.result.films:
        (kept / name).write_bytes((made.clips / name).read_bytes())
    later = make(replace(three, films=str(kept)), tmp_path / "three")
    assert later.new_films == set(made.result.films) - set(earlier.result.films)
    assert len(later.new_films) == 2


@pytest.mark.slow
def test_a_checkpoint_that_comes_late_is_on_the_curve_of_those_behind_it(
    made: Made, three: TimelapseRequest, tmp_path: Path
) -> None:
    without = replace(three, sights=(three.sights[0], three.sights[2]), films=str(made.clips))
    earlier = make(without, tmp_path)
    assert len(earlier.new_films) == 1  # the part of the last one, whose curve lacks the middle
    assert next(iter(earlier.new_films)).startswith("part-")


def test_a_game_that_was_exchanged_is_left_out_and_said(made: Made, three: TimelapseRequest, tmp_path: Path) -> None:
    exchanged = replace(three.sights[1], replay=three.sights[0].replay)
    request = replace(three, sights=(three.sights[0], exchanged, three.sights[2]), films=None)
    with_one_gone = replace(three.sights[2], replay="/nowhere/9.replay")
    request = replace(request, sights=(*request.sights[:2], with_one_gone))
    told = make(request, tmp_path)
    assert told.result.steps == (0,)
    assert "is not the game that was evaluated" in told.result.problems["20000"]
    assert "9.replay cannot be read" in told.result.problems["50000"]


def test_films_that_were_encoded_in_another_way_are_not_joined(made: Made, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    with ClipWriter(other, width=64, height=64) as writer:
        for _ in range(6):
            writer.add_picture(np.zeros((64, 64, 3), np.uint8))
            writer.add_sound(np.zeros(800, np.int16))
        writer.finish()
    with pytest.raises(RenderError, match=r"other\.mp4: it was encoded in another way"):
        join([made.clips / made.result.films[0], other], tmp_path / "joined.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["other.mp4"]
