"""The games of an evaluation that are worth seeing, as clips: played again in Mednafen, recorded, encoded.

A clip shows the very game that was evaluated: RAM is compared with the replay's hashes while it is recorded, and a
game that goes another way has no clip. A clip that fails is a problem of its own; the others are made.
"""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from env import replay as replays
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EmulatorMissing, EnvError, RomError
from env.replay import Replay
from observer.adapters.video import Cut, Encoded, encode
from observer.core.clock import Clock
from observer.core.errors import RenderError
from observer.core.layout import JobFiles
from observer.core.models import Clip, Highlight, Outcome, Progress, RenderRequest, RenderResult

#: what a clip could not be made with may have been given back by the time that is looked at
_LITTLE_ROOM_BYTES: Final = 1 << 20


def render(
    request: RenderRequest, files: JobFiles, *, clock: Clock, on_progress: Callable[[Progress], None]
) -> RenderResult:
    """Make every clip of the request below `files.clips`, and tell of each one that is through.

    Raises:
        RomError: the ROM cannot be used, so no clip can be made.
        EmulatorMissing: as above, for the emulator.
        OSError: the disk is full; no clip can be made before there is room.
    """
    started_at = clock.now()
    Cartridge.read(Path(request.rom)).require(request.plan.rom_sha256)
    clips: list[Clip] = []
    problems: dict[str, str] = {}
    frames = 0
    for done, highlight in enumerate(request.highlights, start=1):
        try:
            replay = _replay(Path(request.replays), highlight)
            clips.append(_clip(request, files, highlight=highlight, replay=replay))
            frames += replay.frames
        except (RomError, EmulatorMissing):
            raise
        except (RenderError, EnvError) as error:
            problems[highlight.reason] = f"seed {highlight.seed}: {error}"
        on_progress(_progress(done, request, frames=frames))
    return RenderResult(clips=tuple(clips), problems=problems, started_at=started_at, finished_at=clock.now())


def _replay(folder: Path, highlight: Highlight) -> Replay:
    path = folder / f"{highlight.seed}.replay"
    replay = replays.read(path)
    if replay.seed != highlight.seed:
        raise RenderError(f"{path.name} holds the game of seed {replay.seed}; evaluate the checkpoint again")
    return replay


def _clip(request: RenderRequest, files: JobFiles, *, highlight: Highlight, replay: Replay) -> Clip:
    name = f"{highlight.reason}-{highlight.seed}"
    recording = files.folder / f"{name}.mov"
    try:
        _record(replay, Path(request.rom), recording=recording)
        encoded = encode(recording, files.clips / f"{name}.mp4", _cut(highlight, replay, scale=request.scale))
    except (RenderError, EnvError) as error:
        if _is_for_want_of_room(error, files.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(files.folder)) from error
        raise
    finally:
        recording.unlink(missing_ok=True)
    return _described(highlight, encoded, name=name)


def _is_for_want_of_room(error: Exception, folder: Path) -> bool:
    """Mednafen says nothing of a full disk: its film just ends."""
    disk = os.statvfs(folder)
    return getattr(error.__cause__, "errno", None) == errno.ENOSPC or disk.f_bavail * disk.f_frsize < _LITTLE_ROOM_BYTES


def _record(replay: Replay, rom: Path, *, recording: Path) -> None:
    recording.parent.mkdir(parents=True, exist_ok=True)
    recording.unlink(missing_ok=True)  # left by a worker that was killed; Mednafen does not replace it
    with Emulator(rom, recording=recording) as emulator:
        replays.verify(replay, emulator)


def _cut(highlight: Highlight, replay: Replay, *, scale: int) -> Cut:
    last = replay.frames if highlight.last_frame is None else highlight.last_frame
    return Cut(
        recorded_frames=replay.frames,
        first_frame=highlight.first_frame,
        last_frame=last,
        poster_frame=_poster_frame(replay, highlight.first_frame, last=last),
        scale=scale,
    )


def _poster_frame(replay: Replay, first: int, *, last: int) -> int:
    """A lost game is told by its end, the full bottle; any other by a moment in which most of it is done."""
    if replay.record.get("outcome") == Outcome.LOSS:
        return last - 1
    return first + (last - first) * 2 // 3


def _described(highlight: Highlight, encoded: Encoded, *, name: str) -> Clip:
    return Clip(
        highlight=highlight,
        video=f"{name}.mp4",
        poster=f"{name}.png",
        frames=encoded.frames,
        seconds=encoded.seconds,
        width=encoded.width,
        height=encoded.height,
    )


def _progress(done: int, request: RenderRequest, *, frames: int) -> Progress:
    return Progress(done=done, total=len(request.highlights), frames=frames, cpu_seconds=time.process_time())
