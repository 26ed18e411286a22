"""A part of a replay as frames with their sound, played again in Mednafen.

Mednafen records the game in spans: while one is being looked at, a thread records the next, and never more than these
two lie on the disk. RAM is compared with the replay's hashes on the way.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from env import replay as replays
from env.emulator import Emulator
from env.errors import ReplayDiverged
from env.replay import Replay
from env.wire import PAD_BYTES
from observer.adapters.video.formats import Picture, Samples
from observer.adapters.video.recording import recorded
from observer.core.errors import RenderError

#: 15 s. A recording of so many frames has 12 MB with the stand-in game, 55 MB of noise.
SPAN_FRAMES: Final = 900
#: Pictures are right from the first one after a loaded state; sound comes from filters that begin empty, and after 20
#: frames it is what it would have been to the last bit or the one before it.
_RUN_UP_FRAMES: Final = range(20, 60)
#: How many samples Mednafen makes of a frame: measured, constant to 10^-6, and a little more than 48,000 a second. A span
#: begins where that gives nearly whole samples, since a new process begins with a whole one: else its sound would lie up
#: to half a sample beside that of the span before.
_FRAME_SAMPLES: Final = 798.71073


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One frame of a game."""

    #: 0 is the first that was stepped
    index: int
    #: (224, 256, 3), of the moment after the frame
    picture: Picture
    #: 798 or 799, of the time in which the picture is seen
    samples: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one process records."""

    #: where its recording begins; what lies before `first` is thrown away
    run_up: int
    first: int
    #: exclusive
    last: int
    #: where the machine is handed over to the next recording, or is after the last frame
    hand_over: int


def spans(first_frame: int, last_frame: int) -> tuple[Span, ...]:
    """The frames from `first_frame` to before `last_frame`, in parts of about equal length."""
    count = -(-(last_frame - first_frame) // SPAN_FRAMES)
    bounds = [first_frame + (last_frame - first_frame) * part // count for part in range(count + 1)]
    run_ups = [*map(_run_up, bounds[:-1]), last_frame]
    return tuple(
        Span(run_up=run_ups[part], first=bounds[part], last=bounds[part + 1], hand_over=run_ups[part + 1])
        for part in range(count)
    )


def _run_up(first: int) -> int:
    if first < _RUN_UP_FRAMES.stop:
        return 0
    return min((first - frames for frames in _RUN_UP_FRAMES), key=lambda at: abs((at * _FRAME_SAMPLES + 0.5) % 1 - 0.5))


def film(
    replay: Replay, rom: Path, *, folder: Path, first_frame: int = 0, last_frame: int | None = None
) -> Generator[Moment]:
    """Frames of a replay, from `first_frame` to before `last_frame`.

    What comes before them is played without being recorded, at full speed. Behind the end of the replay the game is
    played on without a button pressed. RAM is compared at every check up to the first one behind the last frame, so the
    last of the frames may have been given out when it is found that they are of another game. To end early, `close` it.

    Args:
        replay: the game.
        rom: its cartridge.
        folder: for recordings, each deleted when it has been read.
        first_frame: 0 is the first that was stepped.
        last_frame: exclusive; None: the end of the replay.

    Raises:
        ReplayDiverged: the game goes another way than it did.
        ReplayError: it is of another cartridge.
        RenderError: there are no such frames, or a recording cannot be read.
        EnvError: as the emulator's methods.
    """
    last_frame = replay.frames if last_frame is None else last_frame
    if not 0 <= first_frame < last_frame:
        raise RenderError(f"there are no frames from {first_frame} to before {last_frame} in a game of {replay.frames}")
    parts = spans(first_frame, last_frame)
    with TemporaryDirectory(prefix="film-", dir=folder) as scratch:
        camera = _Camera(replay, rom, folder=Path(scratch))
        # An emulator ends with the thread that started it, so one thread starts them all.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder") as thread:
            upcoming = thread.submit(camera.record, parts[0])
            for span, following in zip(parts, (*parts[1:], None), strict=True):
                recording = upcoming.result()
                if following is not None:
                    upcoming = thread.submit(camera.record, following)
                yield from _moments(span, recording)
            thread.submit(camera.check_on).result()


def _moments(span: Span, recording: Path) -> Iterator[Moment]:
    for index, (picture, samples) in enumerate(recorded(recording, frames=span.last - span.run_up), start=span.run_up):
        if index >= span.first:
            yield Moment(index=index, picture=picture, samples=samples)
    recording.unlink()


class _Camera:
    """One replay on its way through emulators: each takes the machine over where the one before it handed it on."""

    def __init__(self, replay: Replay, rom: Path, *, folder: Path) -> None:
        self._replay = replay
        self._rom = rom
        self._folder = folder
        self._checks = dict(replay.checks)
        #: the frame that stands in `_state`
        self._kept = 0
        self._state: bytes | None = None
        #: that the emulator in use has come to
        self._frame = 0

    def record(self, span: Span) -> Path:
        """Record a span; the frames before it are skipped."""
        if self._kept < span.run_up:
            with Emulator(self._rom) as emulator:
                self._take_over(emulator)
                self._play(emulator, to=span.run_up)
                self._hand_over(emulator)
        recording = self._folder / f"{span.first}.mov"
        with Emulator(self._rom, recording=recording) as emulator:
            self._take_over(emulator)
            self._play(emulator, to=span.hand_over)
            self._hand_over(emulator)
            self._play(emulator, to=span.last)
        return recording

    def check_on(self) -> None:
        """Play on to the next check: until then nothing shows whether the last frames were right."""
        ahead = [frame for frame in self._checks if frame > self._kept]
        if ahead and self._kept not in self._checks:
            with Emulator(self._rom) as emulator:
                self._take_over(emulator)
                self._play(emulator, to=min(ahead))

    def _take_over(self, emulator: Emulator) -> None:
        if self._state is None:
            replays.insert(self._replay, emulator)
        else:
            emulator.load_state(self._state)
        self._frame = self._kept

    def _hand_over(self, emulator: Emulator) -> None:
        self._state, self._kept = emulator.save_state(), self._frame

    def _play(self, emulator: Emulator, *, to: int) -> None:
        for frame in sorted({to, *(frame for frame in self._checks if self._frame < frame < to)}):
            pads = self._replay.inputs[self._frame * PAD_BYTES : frame * PAD_BYTES]
            emulator.step(pads.ljust((frame - self._frame) * PAD_BYTES, b"\0"))
            self._frame = frame
            if frame in self._checks:
                self._compare(emulator.read_ram())

    def _compare(self, ram: bytes) -> None:
        expected, actual = self._checks[self._frame], replays.ram_hash(ram)
        if actual != expected:
            good = max((frame for frame in self._checks if frame < self._frame), default=0)
            raise ReplayDiverged(frame=self._frame, expected=expected, actual=actual, last_good_frame=good)
