"""A clip that a browser plays: MP4 with H.264 and AAC.

Owns the encoding and the count of what was written. Pictures and sound stream through one by one, so memory does not
grow with the length of a game. Knows no recording, replay, game or emulator.
"""

import os
from contextlib import suppress
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
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from observer.adapters.video.formats import FRAME_RATE, SAMPLE_RATE, Picture, Samples, telling
from observer.adapters.video.pictures import planes
from observer.core.encoding import USUAL, Encoding, PixelAspect
from observer.core.errors import RenderError

#: What the encoder takes at once; a call for less does nothing but cost.
_AAC_SAMPLES: Final = 1024
_AAC_FRAME_SECONDS: Final = Fraction(_AAC_SAMPLES, SAMPLE_RATE)

#: One thread, so that a clip never takes more than one core. High profile: every browser plays it. Things on the screen
#: move by whole pixels: looking for parts of one takes a fifth of the time and saves 4% of the bytes.
_VIDEO_OPTIONS: Final = {"profile": "high", "threads": "1", "x264-params": "subme=1"}
#: The index before the data, so that a page plays it while it loads; frame times as exact as the rate.
FILE_OPTIONS: Final = {"movflags": "+faststart", "video_track_timescale": str(FRAME_RATE.numerator)}
#: The thorough search costs a tenth of the whole encoding, and beeps gain nothing from it.
_SOUND_OPTIONS: Final = {"aac_coder": "fast"}
_SOUND_BITS_PER_SECOND: Final = 96_000
_SAMPLE: Final = Fraction(1, SAMPLE_RATE)
_PICTURE: Final = 1 / FRAME_RATE
#: 5 ms from nothing to the sound as it is: a loaded state leaves the unit away from zero, and a cut does too, which clicks.
_FADE_SAMPLES: Final = 240
#: The codes of BT.709 and of limited range, said in the file: a player that is not told guesses by the size.
_BT709: Final = 1
_LIMITED_RANGE: Final = 1
_PIXEL_ASPECTS: Final[dict[PixelAspect, Fraction]] = {"square": Fraction(1), "8:7": Fraction(8, 7)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What is in a clip, read back from its file."""

    frames: int
    seconds: float
    sound_seconds: float
    width: int
    height: int


class ClipWriter:
    """A clip in the making, a context manager: it appears under its name, counted and whole, by `finish`.

    Give the sound about as far as the pictures: what one of them lacks is kept in memory. Mednafen's sound lasts a little
    longer than its pictures (33 millionths): sound beyond the last picture is left out.
    """

    _file: OutputContainer
    _video: VideoStream
    _sound: AudioStream | None

    def __init__(
        self, path: Path, *, width: int, height: int, encoding: Encoding = USUAL, has_sound: bool = True
    ) -> None:
        """`width` and `height` are of the pictures to come; without sound the clip has no track for it."""
        self._path = path
        self._encoding = encoding
        self._has_sound = has_sound
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._size = (width, height)
        self._pictures = 0
        self._samples = 0
        #: sound that is not encoded yet, and how much that is
        self._ahead: list[Samples] = []
        self._ahead_samples = 0
        self._last: tuple[Picture, npt.NDArray[np.uint8]] | None = None

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            RenderError: an encoder is missing, or the folder cannot be written.
        """
        cv2.setNumThreads(1)
        with telling(self._path.name):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = av.open(str(self._partial), "w", format="mp4", options=FILE_OPTIONS)
            self._video = _add_video(self._file, *self._size, encoding=self._encoding)
            self._sound = _add_sound(self._file) if self._has_sound else None
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
        frame.pts, frame.time_base = self._pictures, _PICTURE
        self._pictures += 1
        self._write(self._video, frame)
        self._write_sound(least=_AAC_SAMPLES)

    def add_sound(self, samples: Samples) -> None:
        """The next samples.

        Raises:
            RenderError: as for a picture.
        """
        self._ahead.append(samples)
        self._ahead_samples += samples.size
        self._write_sound(least=_AAC_SAMPLES)

    def finish(self) -> Encoded:
        """Complete the file, count what is in it and give it its name.

        Raises:
            RenderError: it does not hold what it was given, or cannot be written.
        """
        self._write(self._video, None)
        self._write_sound(least=1)
        if self._sound is not None:
            self._write(self._sound, None)
        with telling(self._path.name):
            self._file.close()
            encoded = inspect(self._partial)
            if encoded.frames != self._pictures:
                raise RenderError(f"{self._path.name}: {self._pictures} frames went in and {encoded.frames} came out")
            self._partial.replace(self._path)
        return encoded

    def _converted(self, picture: Picture) -> npt.NDArray[np.uint8]:
        # More than half of a game's pictures are those before them: telling costs a tenth of converting.
        if self._last is None or not np.array_equal(self._last[0], picture):
            self._last = picture.copy(), planes(picture)
        return self._last[1]

    def _write_sound(self, *, least: int) -> None:
        """As far as there are pictures, if that is no less than `least`."""
        count = min(_samples_of(self._pictures) - self._samples, self._ahead_samples)
        if self._sound is None or count < least:
            return
        ahead = np.concatenate(self._ahead)
        now, self._ahead, self._ahead_samples = ahead[:count], [ahead[count:]], ahead.size - count
        frame = AudioFrame.from_ndarray(_faded_in(now, self._samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self._samples, _SAMPLE
        self._samples += now.size
        self._write(self._sound, frame)

    def _write(self, stream: VideoStream | AudioStream, frame: VideoFrame | AudioFrame | None) -> None:
        with telling(self._path.name):
            self._file.mux(stream.encode(frame))  # type: ignore[arg-type]  # each stream is given its own frames


def inspect(clip: Path) -> Encoded:
    """What is in a clip, by counting the frames in the file.

    Raises:
        RenderError: it cannot be read, runs at another rate, or its sound and pictures differ in length.
    """
    with telling(clip.name), av.open(str(clip)) as file:
        video = file.streams.video[0]
        frames = sum(packet.size > 0 for packet in file.demux(video))
        seconds = frames / FRAME_RATE
        sound_seconds = sum((sound.duration or 0) * (sound.time_base or Fraction(0)) for sound in file.streams.audio)
        is_off = bool(file.streams.audio) and abs(sound_seconds - seconds) > _AAC_FRAME_SECONDS
        if video.average_rate != FRAME_RATE or is_off:
            raise RenderError(
                f"{clip.name}: {frames} frames at {video.average_rate} a second do not go with "
                f"{float(sound_seconds):.3f} s of sound"
            )
        return Encoded(
            frames=frames,
            seconds=float(seconds),
            sound_seconds=float(sound_seconds),
            width=video.width,
            height=video.height,
        )


def _samples_of(pictures: int) -> int:
    """As long as so many pictures. Asked twice for each of them, where the arithmetic of `Fraction` shows."""
    return round(pictures * SAMPLE_RATE * FRAME_RATE.denominator / FRAME_RATE.numerator)


def _faded_in(samples: Samples, position: int) -> Samples:
    """`samples`, of which the first is the clip's sample `position`."""
    if position >= _FADE_SAMPLES:
        return samples
    gain = np.minimum(np.arange(position, position + samples.size) / _FADE_SAMPLES, 1.0)
    return np.asarray(samples * gain, np.int16)


def _add_video(file: OutputContainer, width: int, height: int, *, encoding: Encoding) -> VideoStream:
    options = {"preset": encoding.preset, "crf": str(encoding.crf), **_VIDEO_OPTIONS}
    stream = file.add_stream("libx264", rate=FRAME_RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = 1 / FRAME_RATE
    context = stream.codec_context
    context.sample_aspect_ratio = _PIXEL_ASPECTS[encoding.pixel_aspect]
    context.color_range = _LIMITED_RANGE
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _add_sound(file: OutputContainer) -> AudioStream:
    stream = file.add_stream("aac", rate=SAMPLE_RATE, options=_SOUND_OPTIONS, layout="mono")
    stream.bit_rate = _SOUND_BITS_PER_SECOND
    return stream
