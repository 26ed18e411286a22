"""Mednafen's recordings made into clips that a browser plays: MP4 with H.264 and AAC, and a poster as PNG.

Owns the exact cut (frame and sample), the colours and the count of what was written. Pictures and sound stream
through one by one, so memory does not grow with the length of a game. Knows no replay, game or emulator process.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from env.game import FRAMES_PER_SECOND
from observer.core.errors import RenderError
from observer.files import write_whole

#: Mednafen's recordings come out a little off it, in whole samples.
FRAME_RATE: Final = FRAMES_PER_SECOND
SAMPLE_RATE: Final = 48_000
#: Mednafen records one frame before the first that is stepped.
_FRAMES_BEFORE: Final = 1
_AAC_FRAME_SECONDS: Final = Fraction(1024, SAMPLE_RATE)

#: One thread, so that a clip never takes more than one core. High profile: every browser plays it.
_VIDEO_OPTIONS: Final = {"preset": "veryfast", "crf": "20", "profile": "high", "threads": "1"}
#: The index before the data, so that a page plays it while it loads; frame times as exact as the rate.
_FILE_OPTIONS: Final = {"movflags": "+faststart", "video_track_timescale": str(FRAME_RATE.numerator)}
#: The thorough search costs a tenth of the whole encoding, and beeps gain nothing from it.
_SOUND_OPTIONS: Final = {"aac_coder": "fast"}
_SOUND_BITS_PER_SECOND: Final = 96_000
#: 5 ms from nothing to the sound as it is: a loaded state leaves the unit away from zero, and a cut does too, which clicks.
_FADE_SAMPLES: Final = 240
#: The codes of BT.709 and of limited range, said in the file: a player that is not told guesses by the size.
_BT709: Final = 1
_LIMITED_RANGE: Final = 1
#: From blue, green, red and 1 to Y, and to U and V.
_TO_LUMA: Final = np.array([[0.062007, 0.614231, 0.182586, 16.0]], np.float32)
_TO_CHROMA: Final = np.array(
    [[0.439216, -0.338572, -0.100644, 128.0], [-0.040274, -0.398942, 0.439216, 128.0]], np.float32
)

Picture = npt.NDArray[np.uint8]
"""(height, width, 3), blue, green, red; both sides even."""

Samples = npt.NDArray[np.int16]
"""(samples,), one channel at 48 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What of a recording becomes the clip; frame 0 is the first one that was stepped."""

    #: that were stepped; a recording with fewer of them is not the one that is meant, what follows them was nobody's
    recorded_frames: int
    first_frame: int
    #: exclusive
    last_frame: int
    #: this frame becomes the poster
    poster_frame: int
    #: a pixel becomes a square of so many a side
    scale: int = 1

    def samples(self, before: int) -> tuple[int, int]:
        """The first sample and the one after the last, counted from the start of the recording.

        Args:
            before: the samples of the frame before the first that was stepped.
        """
        first, last = (round(frame * SAMPLE_RATE / FRAME_RATE) for frame in (self.first_frame, self.last_frame))
        return before + first, before + last


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What is in a clip, read back from its file."""

    frames: int
    seconds: float
    sound_seconds: float
    width: int
    height: int


@contextmanager
def _telling(name: str) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, UnknownCodecError, OSError, cv2.error) as error:
        raise RenderError(f"{name}: the video library cannot do it ({error}); free disk space or try again") from error


class ClipWriter:
    """A clip in the making, a context manager: it appears under its name, counted and whole, by `finish`.

    Give the sound about as far as the pictures: what one of them lacks is kept in memory.
    """

    _file: OutputContainer
    _video: VideoStream
    _sound: AudioStream

    def __init__(self, path: Path, *, width: int, height: int) -> None:
        """`width` and `height` are of the pictures to come."""
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._size = (width, height)
        self._pictures = 0
        self._samples = 0
        self._last: tuple[Picture, npt.NDArray[np.uint8]] | None = None

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            RenderError: an encoder is missing, or the folder cannot be written.
        """
        cv2.setNumThreads(1)
        with _telling(self._path.name):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = av.open(str(self._partial), "w", format="mp4", options=_FILE_OPTIONS)
            self._video = _add_video(self._file, *self._size)
            self._sound = self._file.add_stream("aac", rate=SAMPLE_RATE, options=_SOUND_OPTIONS, layout="mono")
            self._sound.bit_rate = _SOUND_BITS_PER_SECOND
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing of a clip that was not finished."""
        with suppress(av.FFmpegError, OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)

    def add_picture(self, picture: Picture) -> None:
        """The next frame.

        Raises:
            RenderError: the encoder failed, for instance on a full disk.
        """
        frame = VideoFrame.from_ndarray(self._converted(picture), format="yuv420p")
        frame.pts, frame.time_base = self._pictures, 1 / FRAME_RATE
        self._pictures += 1
        self._write(self._video, frame)

    def add_sound(self, samples: Samples) -> None:
        """The next samples.

        Raises:
            RenderError: as for a picture.
        """
        if not samples.size:
            return
        faded = _faded_in(samples, self._samples)
        frame = AudioFrame.from_ndarray(faded.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self._samples, Fraction(1, SAMPLE_RATE)
        self._samples += samples.size
        self._write(self._sound, frame)

    def finish(self) -> Encoded:
        """Complete the file, count what is in it and give it its name.

        Raises:
            RenderError: it does not hold what it was given, or cannot be written.
        """
        self._write(self._video, None)
        self._write(self._sound, None)
        with _telling(self._path.name):
            self._file.close()
            encoded = inspect(self._partial)
            if encoded.frames != self._pictures:
                raise RenderError(f"{self._path.name}: {self._pictures} frames went in and {encoded.frames} came out")
            self._partial.replace(self._path)
        return encoded

    def _converted(self, picture: Picture) -> npt.NDArray[np.uint8]:
        # More than half of a game's pictures are those before them: telling costs a tenth of converting.
        if self._last is None or not np.array_equal(self._last[0], picture):
            self._last = picture.copy(), _planes(picture)
        return self._last[1]

    def _write(self, stream: VideoStream | AudioStream, frame: VideoFrame | AudioFrame | None) -> None:
        with _telling(self._path.name):
            self._file.mux(stream.encode(frame))  # type: ignore[arg-type]  # each stream is given its own frames


def encode(recording: Path, clip: Path, cut: Cut) -> Encoded:
    """Make the clip, and its poster beside it with the ending `.png`; the recording stays.

    Raises:
        RenderError: the recording is broken or shorter than the cut, or a file cannot be written.
    """
    before = _samples_before(recording)
    with _telling(recording.name), av.open(str(recording)) as source:
        _check_recording(source, cut, name=recording.name)
        picture = source.streams.video[0]
        width, height = picture.width * cut.scale, picture.height * cut.scale
        with ClipWriter(clip, width=width, height=height) as writer:
            _copy(source, writer, cut, samples=cut.samples(before), poster=clip.with_suffix(".png"))
            return writer.finish()


def _check_recording(source: InputContainer, cut: Cut, *, name: str) -> None:
    if not source.streams.video or not source.streams.audio:
        raise RenderError(f"{name}: a recording has pictures and sound, this file lacks one of them")
    frames = source.streams.video[0].frames - _FRAMES_BEFORE
    if frames < cut.recorded_frames:
        raise RenderError(f"{name}: it holds {frames} frames where {cut.recorded_frames} were played; record it again")
    if not 0 <= cut.first_frame <= cut.poster_frame < cut.last_frame <= cut.recorded_frames:
        raise RenderError(
            f"{name}: frames {cut.first_frame} to {cut.last_frame} with a poster at {cut.poster_frame} are not "
            f"within its {cut.recorded_frames} frames"
        )
    sound = source.streams.audio[0]
    if (sound.rate, sound.channels) != (SAMPLE_RATE, 1):
        raise RenderError(f"{name}: its sound has {sound.channels} channels at {sound.rate} Hz, not 1 at {SAMPLE_RATE}")


def _samples_before(recording: Path) -> int:
    """How long the frame before the first one lasts: 233 samples after power-on, 790 after a state was loaded.

    It is the time of the second picture, which the recorder counts in samples.
    """
    with _telling(recording.name), av.open(str(recording)) as source:
        if not source.streams.video:
            return 0
        picture = source.streams.video[0]
        times = (packet.pts for packet in source.demux(picture) if packet.pts is not None)
        second = next(itertools.islice(times, _FRAMES_BEFORE, None), 0)
        return round(second * (picture.time_base or Fraction(0)) * SAMPLE_RATE)


def _copy(source: InputContainer, writer: ClipWriter, cut: Cut, *, samples: tuple[int, int], poster: Path) -> None:
    index, position = -_FRAMES_BEFORE, 0
    first_sample, last_sample = samples
    for frame in source.decode(video=0, audio=0):
        if isinstance(frame, VideoFrame):
            if cut.first_frame <= index < cut.last_frame:
                picture = enlarged(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), cut.scale)
                writer.add_picture(picture)
                if index == cut.poster_frame:
                    write_png(poster, picture)
            index += 1
        elif isinstance(frame, AudioFrame):
            heard = frame.to_ndarray()[0]
            writer.add_sound(heard[max(0, first_sample - position) : max(0, last_sample - position)])
            position += heard.size
        if index >= cut.last_frame and position >= last_sample:
            break


def enlarged(picture: Picture, scale: int) -> Picture:
    """Each pixel as a square of `scale` by `scale`."""
    if scale == 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST), np.uint8)


def write_png(path: Path, picture: Picture) -> None:
    """Write the picture without loss, whole or not at all.

    Raises:
        RenderError: the folder cannot be written.
    """
    with _telling(path.name):
        write_whole(path, cv2.imencode(".png", picture)[1].tobytes())


def inspect(clip: Path) -> Encoded:
    """What is in a clip, by counting the frames in the file.

    Raises:
        RenderError: it cannot be read, runs at another rate, or its sound and pictures differ in length.
    """
    with _telling(clip.name), av.open(str(clip)) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        frames = sum(packet.size > 0 for packet in file.demux(video))
        sound_seconds = (sound.duration or 0) * (sound.time_base or Fraction(0))
        if video.average_rate != FRAME_RATE or abs(sound_seconds - frames / FRAME_RATE) > _AAC_FRAME_SECONDS:
            raise RenderError(
                f"{clip.name}: {frames} frames at {video.average_rate} a second do not go with "
                f"{float(sound_seconds):.3f} s of sound"
            )
        return Encoded(
            frames=frames,
            seconds=float(frames / FRAME_RATE),
            sound_seconds=float(sound_seconds),
            width=video.width,
            height=video.height,
        )


def _planes(picture: Picture) -> npt.NDArray[np.uint8]:
    """The picture as one array of Y, U and V rows; a colour is the mean of its four pixels, so that none is lost."""
    height, width = picture.shape[:2]
    luma = cv2.transform(picture, _TO_LUMA)
    quarter = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = np.moveaxis(cv2.transform(quarter, _TO_CHROMA), 2, 0)
    return np.concatenate([luma, chroma.reshape(-1, width)])


def _faded_in(samples: Samples, position: int) -> Samples:
    """`samples`, of which the first is the clip's sample `position`."""
    if position >= _FADE_SAMPLES:
        return samples
    gain = np.minimum(np.arange(position, position + samples.size) / _FADE_SAMPLES, 1.0)
    return np.asarray(samples * gain, np.int16)


def _add_video(file: OutputContainer, width: int, height: int) -> VideoStream:
    stream = file.add_stream("libx264", rate=FRAME_RATE, options=_VIDEO_OPTIONS)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = 1 / FRAME_RATE
    context = stream.codec_context
    context.color_range = _LIMITED_RANGE
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream
