"""The games of an evaluation that are worth seeing, as clips: played again in Mednafen, recorded, encoded.

A clip shows the very game that was evaluated: RAM is compared with the replay's hashes while it is recorded, and a
game that goes another way has no clip. A clip that fails is a problem of its own; the others are made.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from env import replay as replays
from env.cartridge import Cartridge
from env.errors import EmulatorMissing, EnvError, RomError
from env.moments import Moments
from env.replay import Replay
from observer.adapters.drawing import PANEL_WIDTH
from observer.adapters.video import (
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    ClipWriter,
    Encoded,
    enlarged,
    film,
    shown_width,
    write_png,
)
from observer.commentary import Commentary, commentary
from observer.core.clock import Clock
from observer.core.encoding import FRAMES_AFTER, Encoding
from observer.core.errors import EncoderMissing, RenderError
from observer.core.layout import JobFiles
from observer.core.models import Clip, Highlight, Outcome, Progress, RenderRequest, RenderResult

#: what a clip could not be made with may have been given back by the time that is looked at
_LITTLE_ROOM_BYTES: Final = 1 << 20
_FRAMES_PER_WORD: Final = 300
_DECIDED: Final = (Outcome.WIN, Outcome.LOSS, Outcome.DRAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The frames that a clip shows."""

    first: int
    #: exclusive
    last: int
    #: of these, played on after the end of the replay without a button pressed
    after: int
    #: this one becomes the poster
    poster: int


class Reel:
    """How far the filming is: told now and then, so that a long game is not taken for a standstill."""

    def __init__(self, *, total: int, on_progress: Callable[[Progress], None]) -> None:
        self._total = total
        self._on_progress = on_progress
        self._clips = 0
        self._frames = 0

    def add_frame(self) -> None:
        self._frames += 1
        if not self._frames % _FRAMES_PER_WORD:
            self._tell()

    def end_clip(self) -> None:
        self._clips += 1
        self._tell()

    def _tell(self) -> None:
        self._on_progress(
            Progress(done=self._clips, total=self._total, frames=self._frames, cpu_seconds=time.process_time())
        )


def render(
    request: RenderRequest, files: JobFiles, *, clock: Clock, on_progress: Callable[[Progress], None]
) -> RenderResult:
    """Make every clip of the request below `files.clips`, and tell of each one that is through.

    Raises:
        RomError: the ROM cannot be used, so no clip can be made.
        EmulatorMissing, EncoderMissing: as above, for the emulator and the encoder.
        OSError: the disk is full; no clip can be made before there is room.
    """
    started_at = clock.now()
    cartridge = Cartridge.read(Path(request.rom))
    if request.plan is not None:
        cartridge.require(request.plan.rom_sha256)
    clips: list[Clip] = []
    problems: dict[str, str] = {}
    reel = Reel(total=len(request.highlights), on_progress=on_progress)
    for highlight in request.highlights:
        try:
            replay = _replay(Path(request.replays), highlight)
            clips.append(_clip(request, files, highlight=highlight, replay=replay, reel=reel))
        except (RomError, EmulatorMissing, EncoderMissing):
            raise
        except (RenderError, EnvError) as error:
            problems[highlight.reason] = f"seed {highlight.seed}: {error}"
        reel.end_clip()
    return RenderResult(clips=tuple(clips), problems=problems, started_at=started_at, finished_at=clock.now())


def _replay(folder: Path, highlight: Highlight) -> Replay:
    path = folder / f"{highlight.seed}.replay"
    replay = replays.read(path)
    if replay.seed != highlight.seed:
        raise RenderError(f"{path.name} holds the game of seed {replay.seed}; evaluate the checkpoint again")
    return replay


def _clip(request: RenderRequest, files: JobFiles, *, highlight: Highlight, replay: Replay, reel: Reel) -> Clip:
    name = f"{highlight.reason}-{highlight.seed}"
    part = _part(highlight, replay)
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
        encoded = _filmed(request, files.clips / f"{name}.mp4", replay=replay, part=part, reel=reel)
    except (RenderError, EnvError) as error:
        if _is_for_want_of_room(error, files.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(files.folder)) from error
        raise
    return _described(highlight, encoded, part=part, name=name, encoding=request.encoding)


def _filmed(request: RenderRequest, clip: Path, *, replay: Replay, part: _Part, reel: Reel) -> Encoded:
    encoding = request.encoding
    folder = clip.parent.parent
    shots = film(replay, Path(request.rom), folder=folder, first_frame=part.first, last_frame=part.last)
    width = (PICTURE_WIDTH + (0 if request.overlay is None else PANEL_WIDTH)) * encoding.scale
    height, has_sound = PICTURE_HEIGHT * encoding.scale, request.speed == 1
    with (
        _panel(request, replay) as beside,
        closing(shots),
        ClipWriter(clip, width=width, height=height, encoding=encoding, has_sound=has_sound) as writer,
    ):
        for moment in shots:
            reel.add_frame()
            if moment.index == part.poster:
                poster = enlarged(moment.picture, encoding.scale)
                write_png(clip.with_suffix(".png"), poster, pixel_aspect=encoding.pixel_aspect)
            if (moment.index - part.first) % request.speed == 0:
                picture = enlarged(moment.picture, encoding.scale)
                writer.add_picture(picture if beside is None else np.hstack([picture, beside.at(moment.index)]))
                writer.add_sound(moment.samples)
        return writer.finish()


@contextmanager
def _panel(request: RenderRequest, replay: Replay) -> Iterator[Commentary | None]:
    if request.overlay is None:
        yield None
        return
    with commentary(request, replay, request.overlay) as beside:
        yield beside


def _is_for_want_of_room(error: Exception, folder: Path) -> bool:
    """Mednafen says nothing of a full disk: its film just ends."""
    disk = os.statvfs(folder)
    return getattr(error.__cause__, "errno", None) == errno.ENOSPC or disk.f_bavail * disk.f_frsize < _LITTLE_ROOM_BYTES


def _part(highlight: Highlight, replay: Replay) -> _Part:
    """A decided game is shown to its end and a little longer: the stars and the tune come after the last input."""
    first = highlight.first_frame
    last = replay.frames if highlight.last_frame is None else highlight.last_frame
    is_decided = replay.record.get("outcome") in _DECIDED and highlight.last_frame is None
    after = FRAMES_AFTER if is_decided else 0
    if not 0 <= first < last <= replay.frames:
        raise RenderError(f"it has {replay.frames} frames, so none from {first} to before {last}")
    return _Part(first=first, last=last + after, after=after, poster=_poster_frame(highlight, replay, first, last=last))


def _poster_frame(highlight: Highlight, replay: Replay, first: int, *, last: int) -> int:
    """The moment that a part of a game is about.

    A lost game is told by its end, the full bottle; any other by a moment in which most of it is done.
    """
    moments = Moments.of(replay.record)
    told = {"combo": moments.combo_frame, "last_virus": moments.last_virus_frame, "top_out": moments.top_out_frame}
    moment = told.get(highlight.reason)
    if moment is not None:
        return min(max(moment - 1, first), last - 1)
    if replay.record.get("outcome") == Outcome.LOSS:
        return last - 1
    return first + (last - first) * 2 // 3


def _described(highlight: Highlight, encoded: Encoded, *, part: _Part, name: str, encoding: Encoding) -> Clip:
    return Clip(
        highlight=highlight,
        video=f"{name}.mp4",
        poster=f"{name}.png",
        frames=encoded.frames,
        seconds=encoded.seconds,
        width=shown_width(encoded.width, encoding.pixel_aspect),
        height=encoded.height,
        frames_after=part.after,
    )
