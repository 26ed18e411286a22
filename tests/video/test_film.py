from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fakes import signal_rom
from hypothesis import given
from hypothesis import strategies as st

from env import replay as replays
from env.emulator import Emulator
from env.errors import ReplayDiverged, ReplayError
from env.replay import Recorder, Replay
from env.stand_in import stand_in_rom
from observer.adapters.video import Moment, film
from observer.adapters.video.film import SPAN_FRAMES, spans
from observer.adapters.video.recording import recorded
from observer.core.errors import RenderError

GOLDEN = stand_in_rom().parent / "games" / "clear.replay"


@pytest.fixture(scope="module")
def golden() -> Replay:
    return replays.read(GOLDEN)


@pytest.fixture(scope="module")
def unsegmented(golden: Replay, tmp_path_factory: pytest.TempPathFactory) -> list[Moment]:
    """The golden game in one recording, and half a second after it."""
    path = tmp_path_factory.mktemp("whole") / "whole.mov"
    with Emulator(stand_in_rom(), recording=path) as emulator:
        replays.play(golden, emulator)
        emulator.step(bytes(2 * 30))
    frames = recorded(path, frames=golden.frames + 30)
    return [Moment(index=index, picture=picture, samples=samples) for index, (picture, samples) in enumerate(frames)]


def _sound(moments: list[Moment]) -> np.ndarray:
    return np.concatenate([moment.samples for moment in moments]).astype(int)


@given(first=st.integers(0, 100_000), frames=st.integers(1, 20_000))
def test_spans_follow_each_other_and_every_one_has_its_run_up(first: int, frames: int) -> None:
    found = spans(first, first + frames)
    assert (found[0].first, found[-1].last) == (first, first + frames)
    assert all((one.last, one.hand_over) == (two.first, two.run_up) for one, two in pairwise(found))
    assert max(span.last - span.first for span in found) <= SPAN_FRAMES
    assert all(span.run_up == 0 or span.first - span.run_up >= 20 for span in found)
    assert all(span.run_up <= span.first < span.last and span.hand_over <= span.last for span in found)


def test_a_game_in_spans_is_the_game_in_one_recording(
    golden: Replay, unsegmented: list[Moment], tmp_path: Path
) -> None:
    """Pictures and the number of samples are equal; a sample differs by at most a hundredth of the loudest.

    What a loaded state does not carry are the sound's filters, and how far into a sample the frame begins.
    """
    assert len(spans(0, golden.frames + 30)) == 3
    moments = list(film(golden, stand_in_rom(), folder=tmp_path, last_frame=golden.frames + 30))
    assert [moment.index for moment in moments] == list(range(golden.frames + 30))
    pairs = zip(moments, unsegmented, strict=True)
    assert all(np.array_equal(one.picture, other.picture) for one, other in pairs)
    one, other = _sound(moments), _sound(unsegmented)
    assert one.size == other.size
    assert np.abs(one - other).max() <= np.abs(other).max() / 100
    assert not list(tmp_path.iterdir())


def test_a_part_is_the_same_part_of_the_whole_and_only_it_is_recorded(
    golden: Replay, unsegmented: list[Moment], tmp_path: Path
) -> None:
    found: list[Moment] = []
    bytes_on_disk = 0
    with closing(film(golden, stand_in_rom(), folder=tmp_path, first_frame=1500, last_frame=1540)) as shots:
        for moment in shots:
            found.append(moment)
            bytes_on_disk = max(bytes_on_disk, sum(file.stat().st_size for file in tmp_path.rglob("*.mov")))
    assert [moment.index for moment in found] == list(range(1500, 1540))
    assert all(np.array_equal(one.picture, unsegmented[one.index].picture) for one in found)
    one, other = _sound(found), _sound(unsegmented[1500:1540])
    size = min(one.size, other.size)
    assert abs(one.size - other.size) <= 1
    assert np.abs(one[:size] - other[:size]).max() <= np.abs(_sound(unsegmented)).max() / 100
    assert 0 < bytes_on_disk < 100 * 20_000


@pytest.fixture
def long_game(rom: Path) -> Replay:
    """Four spans of the signal cartridge."""
    recorder, pads = Recorder(), signal_rom.inputs(SPAN_FRAMES * 4 - 7)
    with Emulator(rom) as emulator:
        emulator.step(bytes(2 * 70))
        state = emulator.save_state()
        recorder.start(Replay(rom_sha256=emulator.rom_sha256, scenario={}, seed=1, start_state=state))
        emulator.step(pads)
        recorder.add(pads, emulator.read_ram())
        return recorder.finish(emulator.read_ram(), {})


def _on_disk(shots: Iterator[Moment], folder: Path) -> Iterator[int]:
    for moment in shots:
        if not moment.index % 100:
            yield len(list(folder.rglob("*.mov")))


def test_two_recordings_at_most_lie_on_the_disk(long_game: Replay, rom: Path, tmp_path: Path) -> None:
    seen = list(_on_disk(film(long_game, rom, folder=tmp_path), tmp_path))
    assert len(seen) == 36
    assert max(seen) <= 2
    assert not list(tmp_path.iterdir())


def test_one_who_ends_early_leaves_nothing_behind(long_game: Replay, rom: Path, tmp_path: Path) -> None:
    with closing(film(long_game, rom, folder=tmp_path)) as shots:
        next(shots)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("first", "last"), [(5, 5), (9, 3), (-1, 4)])
def test_frames_that_are_none_are_refused(golden: Replay, tmp_path: Path, first: int, last: int) -> None:
    with pytest.raises(RenderError, match="there are no frames from"):
        next(film(golden, stand_in_rom(), folder=tmp_path, first_frame=first, last_frame=last))


def test_a_game_that_goes_another_way_behind_the_last_frame_shown_is_found_out(golden: Replay, tmp_path: Path) -> None:
    frame, _ = golden.checks[1]
    wrong = replace(golden, checks=(golden.checks[0], (frame, "0" * 16), *golden.checks[2:]))
    with pytest.raises(ReplayDiverged, match=f"between frames {golden.checks[0][0]} and {frame}"):
        list(film(wrong, stand_in_rom(), folder=tmp_path, first_frame=700, last_frame=710))
    assert not list(tmp_path.iterdir())


def test_a_game_that_goes_another_way_before_the_first_frame_shown_has_no_picture(
    golden: Replay, tmp_path: Path
) -> None:
    wrong = replace(golden, checks=((golden.checks[0][0], "0" * 16), *golden.checks[1:]))
    with pytest.raises(ReplayDiverged, match="between frames 0 and"):
        next(film(wrong, stand_in_rom(), folder=tmp_path, first_frame=700, last_frame=710))


def test_the_replay_of_another_cartridge_is_refused(golden: Replay, rom: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="give the same ROM"):
        next(film(golden, rom, folder=tmp_path))
