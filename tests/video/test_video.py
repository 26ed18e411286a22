import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fakes import films, signal_rom

from env.emulator import Emulator
from observer.adapters.video import (
    FRAME_RATE,
    SAMPLE_RATE,
    ClipWriter,
    Encoded,
    enlarged,
    inspect,
    shown_width,
    write_png,
)
from observer.adapters.video.recording import recorded as frames_of
from observer.core.encoding import Encoding
from observer.core.errors import RenderError

Pictures = npt.NDArray[np.uint8]

FRAMES = 360
TONES = (range(97, 130), range(200, 260))


@pytest.fixture(scope="module")
def clip(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "best-1.mp4"
    films.encode(recording, path, frames=FRAMES)
    return path


@pytest.fixture(scope="module")
def recorded(recording: Path) -> Pictures:
    return films.pictures(recording)


@pytest.fixture(scope="module")
def shown(clip: Path) -> Pictures:
    return films.pictures(clip)


def _psnr(first: Pictures, second: Pictures) -> float:
    return float(cv2.PSNR(first, second))


def test_every_frame_of_the_game_is_in_the_clip_and_none_before_it(recorded: Pictures, shown: Pictures) -> None:
    assert (len(recorded), len(shown)) == (FRAMES + 1, FRAMES)
    assert min(_psnr(a, b) for a, b in zip(recorded[1:], shown, strict=True)) > 30


def test_a_picture_of_the_clip_is_the_emulators_own_screenshot(rom: Path, shown: Pictures) -> None:
    with Emulator(rom) as emulator:
        emulator.step(signal_rom.inputs(180))
        shot = emulator.screenshot()[..., ::-1]
    psnr = [_psnr(np.ascontiguousarray(shot), picture) for picture in shown[174:186]]
    assert max(psnr) > 30
    assert sorted(psnr)[-2] < 25


def test_what_was_written_is_told_as_it_is_in_the_file(recording: Path, tmp_path: Path) -> None:
    encoded = films.encode(recording, tmp_path / "clip.mp4", frames=FRAMES)
    assert encoded == inspect(tmp_path / "clip.mp4")
    assert encoded == Encoded(
        frames=FRAMES, seconds=float(FRAMES / FRAME_RATE), sound_seconds=encoded.sound_seconds, width=256, height=224
    )


def test_the_frame_rate_is_the_consoles_to_the_last_digit(clip: Path) -> None:
    with av.open(str(clip)) as file:
        video = file.streams.video[0]
        times = [frame.pts for frame in file.decode(video)]
        assert video.average_rate == FRAME_RATE
        assert np.unique(np.diff(np.array(times))).tolist() == [655_171]
        assert (times[0], video.time_base) == (0, 1 / FRAME_RATE / 655_171)


def test_browsers_can_play_it_while_it_loads(clip: Path) -> None:
    assert films.boxes(clip)[:2] == ["ftyp", "moov"]
    assert "mdat" in films.boxes(clip)
    with av.open(str(clip)) as file:
        video, sound = file.streams.video[0].codec_context, file.streams.audio[0].codec_context
        assert (video.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert (video.color_range, video.colorspace, video.color_primaries, video.color_trc) == (1, 1, 1, 1)
        assert (sound.name, sound.profile, sound.sample_rate) == ("aac", "LC", SAMPLE_RATE)


def test_sound_and_pictures_have_one_length_within_an_aac_frame(clip: Path) -> None:
    encoded = inspect(clip)
    assert abs(encoded.sound_seconds - encoded.seconds) <= 1024 / SAMPLE_RATE


def test_a_clip_begins_without_a_click(tmp_path: Path) -> None:
    path = tmp_path / "loud.mp4"
    with ClipWriter(path, width=16, height=16) as writer:
        for _ in range(10):
            writer.add_picture(np.zeros((16, 16, 3), np.uint8))
            writer.add_sound(np.full(round(SAMPLE_RATE / FRAME_RATE), 8000, np.int16))
        writer.finish()
    heard = films.sound(path)
    assert np.abs(np.diff(heard[:400])).max() < 0.01
    assert heard[600:2000].mean() == pytest.approx(8000 / 32768, abs=0.02)


def test_the_sound_is_trimmed_by_the_frame_before_the_game(recording: Path, clip: Path) -> None:
    recorded, heard = films.sound(recording), films.sound(clip)
    part = slice(70_000, 100_000)
    likeness = [float(np.dot(recorded[part.start + lag : part.stop + lag], heard[part])) for lag in range(300)]
    assert abs(int(np.argmax(likeness)) - 233) <= 2


def test_a_tone_begins_with_the_picture_it_belongs_to(clip: Path, shown: Pictures) -> None:
    white = int(np.argmax(shown.mean(axis=(1, 2, 3)) > 240))
    tone = int(np.argmax(np.abs(np.diff(films.sound(clip))) > 0.05))
    assert abs(tone / SAMPLE_RATE - white / FRAME_RATE) < 2 / FRAME_RATE


def _tone_after_its_picture(clip: Path) -> float:
    """Seconds; the white picture and the tone come of the same pressed button."""
    white = int(np.argmax(films.pictures(clip).mean(axis=(1, 2, 3)) > 240))
    tone = int(np.argmax(np.abs(np.diff(films.sound(clip))) > 0.05))
    return float(tone / SAMPLE_RATE - white / FRAME_RATE)


def test_a_recording_that_begins_with_a_loaded_state_is_cut_as_exactly(rom: Path, clip: Path, tmp_path: Path) -> None:
    with Emulator(rom) as emulator:
        emulator.step(bytes(2 * 70))
        state = emulator.save_state()
    with Emulator(rom, recording=tmp_path / "loaded.mov") as emulator:
        emulator.load_state(state)
        emulator.step(signal_rom.inputs(FRAMES, tones=TONES))
    films.encode(tmp_path / "loaded.mov", tmp_path / "loaded.mp4", frames=FRAMES)
    assert abs(_tone_after_its_picture(tmp_path / "loaded.mp4") - _tone_after_its_picture(clip)) < 0.003


def test_a_picture_file_is_the_picture_without_loss(recorded: Pictures, tmp_path: Path) -> None:
    write_png(tmp_path / "poster.png", recorded[240])
    assert np.array_equal(films.png(tmp_path / "poster.png"), recorded[240])


def test_enlarged_pixels_are_squares() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (6, 4, 3), np.uint8)
    assert np.array_equal(enlarged(noise, 3), noise.repeat(3, axis=0).repeat(3, axis=1))


def test_a_televisions_pixels_are_said_in_the_file_and_stay_as_they_are(recording: Path, tmp_path: Path) -> None:
    wide = Encoding(pixel_aspect="8:7")
    assert films.encode(recording, tmp_path / "wide.mp4", frames=9, encoding=wide).width == 256
    with av.open(str(tmp_path / "wide.mp4")) as file:
        assert file.streams.video[0].codec_context.sample_aspect_ratio == Fraction(8, 7)
    write_png(tmp_path / "wide.png", np.zeros((224, 256, 3), np.uint8), pixel_aspect="8:7")
    assert films.png(tmp_path / "wide.png").shape == (224, shown_width(256, "8:7"), 3) == (224, 293, 3)


def test_the_preset_and_the_crf_are_those_that_were_asked_for(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (20, 64, 64, 3), np.uint8)
    files = []
    for number, encoding in enumerate((Encoding(), Encoding(preset="ultrafast"), Encoding(crf=45))):
        path = tmp_path / f"{number}.mp4"
        with ClipWriter(path, width=64, height=64, encoding=encoding, has_sound=False) as writer:
            for picture in noise:
                writer.add_picture(picture)
            writer.finish()
        files.append(path.read_bytes())
    usual, fast, poor = files
    assert fast != usual
    assert len(poor) < len(usual) / 2


def test_sound_beyond_the_last_picture_is_left_out(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", width=16, height=16) as writer:
        writer.add_sound(np.zeros(SAMPLE_RATE, np.int16))
        for _ in range(30):
            writer.add_picture(np.zeros((16, 16, 3), np.uint8))
        assert writer.finish().sound_seconds == pytest.approx(float(30 / FRAME_RATE), abs=0.022)


def test_a_clip_without_sound_has_no_track_for_it(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", width=16, height=16, has_sound=False) as writer:
        for _ in range(30):
            writer.add_picture(np.zeros((16, 16, 3), np.uint8))
        assert writer.finish().frames == 30
    with av.open(str(tmp_path / "clip.mp4")) as file:
        assert not file.streams.audio


def test_colours_survive_the_way_into_the_file_and_back(tmp_path: Path) -> None:
    colours = [(0, 0, 0), (255, 255, 255), (0, 0, 255), (0, 255, 0), (255, 0, 0), (60, 190, 252)]
    with ClipWriter(tmp_path / "colours.mp4", width=64, height=64) as writer:
        for colour in colours:
            writer.add_picture(np.full((64, 64, 3), colour, np.uint8))
            writer.add_sound(np.zeros(round(SAMPLE_RATE / FRAME_RATE), np.int16))
        writer.finish()
    with av.open(str(tmp_path / "colours.mp4")) as file:
        for frame, colour in zip(file.decode(video=0), colours, strict=True):
            assert np.abs(frame.to_ndarray(format="bgr24").mean(axis=(0, 1)) - colour).max() < 6


def test_the_same_recording_gives_the_same_bytes(recording: Path, clip: Path, tmp_path: Path) -> None:
    films.encode(recording, tmp_path / "again.mp4", frames=FRAMES)
    assert (tmp_path / "again.mp4").read_bytes() == clip.read_bytes()


def test_a_recording_that_was_cut_off_is_refused_and_leaves_nothing(recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mov"
    broken.write_bytes(recording.read_bytes()[:-2000])
    with pytest.raises(RenderError, match=r"broken\.mov"):
        films.encode(broken, tmp_path / "clips" / "clip.mp4", frames=FRAMES)
    assert not list((tmp_path / "clips").glob("*"))


def test_a_recording_with_damaged_pictures_is_refused_and_leaves_nothing(recording: Path, tmp_path: Path) -> None:
    broken, data = tmp_path / "broken.mov", bytearray(recording.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 9000] = bytes(9000)
    broken.write_bytes(data)
    with pytest.raises(RenderError):
        films.encode(broken, tmp_path / "clips" / "clip.mp4", frames=FRAMES)
    assert not list((tmp_path / "clips").glob("*"))


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"nowhere\.mov"):
        films.encode(tmp_path / "nowhere.mov", tmp_path / "clip.mp4", frames=FRAMES)


def test_a_recording_with_too_few_frames_is_refused(recording: Path) -> None:
    with pytest.raises(RenderError, match=r"36\d frames where 400 were played"):
        next(frames_of(recording, frames=400))


def test_frames_that_nobody_stepped_are_left_out(recording: Path) -> None:
    """Mednafen plays on alone until it has heard that it is to end: seen once in some hundred films on a busy machine."""
    assert len(list(frames_of(recording, frames=FRAMES - 2))) == FRAMES - 2


def test_sound_that_ends_early_is_noticed(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", width=64, height=64) as writer:
        for _ in range(60):
            writer.add_picture(np.zeros((64, 64, 3), np.uint8))
        writer.add_sound(np.zeros(SAMPLE_RATE // 2, np.int16))
        with pytest.raises(RenderError, match="do not go with"):
            writer.finish()
    assert not list(tmp_path.iterdir())


_FULL_DISK = """
import resource, sys
from pathlib import Path
from fakes import films
from observer.core.errors import RenderError
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    films.encode(Path(sys.argv[1]), Path(sys.argv[2]), frames=360)
except RenderError as error:
    print(error)
"""

_MEMORY = """
import sys
from pathlib import Path
from fakes import films
def peak_kilobytes():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
for frames in (200, 1000):
    films.encode(Path(sys.argv[1]), Path(sys.argv[2]), frames=frames)
    print(peak_kilobytes())
"""


def _python(program: str, *arguments: Path) -> list[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=150, env=here)
    return done.stdout.splitlines()


def test_a_full_disk_is_an_error_and_leaves_no_clip(recording: Path, tmp_path: Path) -> None:
    (sentence,) = _python(_FULL_DISK, recording, tmp_path / "clip.mp4")
    assert "clip" in sentence
    assert not (tmp_path / "clip.mp4").exists()


def test_memory_does_not_grow_with_the_length_of_a_game(rom: Path, tmp_path: Path) -> None:
    with Emulator(rom, recording=tmp_path / "long.mov") as emulator:
        emulator.step(signal_rom.inputs(1000))
    short, long = map(int, _python(_MEMORY, tmp_path / "long.mov", tmp_path / "clip.mp4"))
    assert long - short < 20_000
