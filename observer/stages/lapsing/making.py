"""A time-lapse and its grid, from what lies there of earlier ones and what is filmed now.

Every film has a name of its content, so that no checkpoint is filmed twice. One that cannot be filmed is left out, and
said; the others are shown.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import av

from env import replay as replays
from env.cartridge import Cartridge
from env.errors import EmulatorMissing, EnvError, RomError
from env.replay import Replay
from observer.adapters.drawing import Mark
from observer.adapters.video import join
from observer.core.clock import Clock
from observer.core.errors import RenderError
from observer.core.layout import JobFiles
from observer.core.models import Outcome, Progress
from observer.core.plan import canonical_json
from observer.core.timelapse import MOST_PARTS, MOST_TILES, Sight, TimelapseRequest, TimelapseResult, thinned
from observer.stages.lapsing.films import film_part, film_tile
from observer.stages.lapsing.grid import Tile, make_grid

VIDEO: Final = "timelapse.mp4"
GRID: Final = "timelapse-grid.mp4"
#: Raised when films come to look different, so that older ones are not mixed with them.
_LOOKS: Final = 1


def lapse(
    request: TimelapseRequest, files: JobFiles, *, clock: Clock, on_progress: Callable[[Progress], None]
) -> TimelapseResult:
    """Make the time-lapse and its grid below `files.clips`, and beside them the films that were not there.

    Raises:
        RomError: the ROM cannot be used.
        EmulatorMissing: as above, for the emulator.
        RenderError: not one checkpoint can be shown.
    """
    started_at = clock.now()
    Cartridge.read(Path(request.rom)).require(request.rom_sha256)
    files.clips.mkdir(parents=True, exist_ok=True)
    making = _Making(request=request, folder=files.clips, on_progress=on_progress)
    parts, tiles = making.parts(), making.tiles()
    if not parts or not tiles:
        raise RenderError("; ".join(making.problems.values()) or "there is no checkpoint to show")
    video = join([path for _, path in parts], files.clips / VIDEO)
    grid = make_grid([_tile(sight, path) for sight, path in tiles], files.clips / GRID)
    return TimelapseResult(
        seed=request.seed,
        video=VIDEO,
        grid=GRID,
        video_seconds=video.seconds,
        grid_seconds=grid.seconds,
        steps=tuple(sight.step for sight, _ in parts),
        grid_steps=tuple(sight.step for sight, _ in tiles),
        films=tuple(sorted({path.name for _, path in (*parts, *tiles)})),
        problems=making.problems,
        started_at=started_at,
        finished_at=clock.now(),
    )


@dataclass(slots=True, kw_only=True)
class _Making:
    """The films of a request, one by one."""

    request: TimelapseRequest
    #: where new ones go
    folder: Path
    on_progress: Callable[[Progress], None]
    #: step -> sentence
    problems: dict[str, str] = field(default_factory=dict)
    done: int = 0
    frames: int = 0

    def parts(self) -> list[tuple[Sight, Path]]:
        return self._films(MOST_PARTS, self._part)

    def tiles(self) -> list[tuple[Sight, Path]]:
        return self._films(MOST_TILES, self._tile)

    def _films(self, most: int, make: Callable[[int], Path]) -> list[tuple[Sight, Path]]:
        """Of checkpoints that can be shown, at most `most`, by step."""
        found: list[tuple[Sight, Path]] = []
        for index in thinned(range(len(self.request.sights)), most):
            sight = self.request.sights[index]
            try:
                found.append((sight, make(index)))
            except (RomError, EmulatorMissing):
                raise
            except (RenderError, EnvError) as error:
                self.problems[str(sight.step)] = f"seed {self.request.seed}: {error}"
            self._tell()
        return found

    def _tell(self) -> None:
        self.done += 1
        count = len(self.request.sights)
        total = len(thinned(range(count), MOST_PARTS)) + len(thinned(range(count), MOST_TILES))
        self.on_progress(Progress(done=self.done, total=total, frames=self.frames, cpu_seconds=time.process_time()))

    def _part(self, index: int) -> Path:
        sights, seconds = self.request.sights[: index + 1], self.request.seconds
        marks = [Mark(step=sight.step, win_rate=sight.win_rate) for sight in sights]
        shown = {"seconds": seconds, "curve": [asdict(mark) for mark in marks]}
        rom = Path(self.request.rom)
        return self._film(
            "part", sights[-1], shown, lambda game, path: film_part(game, rom, marks, seconds=seconds, path=path)
        )

    def _tile(self, index: int) -> Path:
        rom = Path(self.request.rom)
        return self._film("tile", self.request.sights[index], {}, lambda game, path: film_tile(game, rom, path))

    def _film(self, kind: str, sight: Sight, shown: Mapping[str, object], make: Callable[[Replay, Path], int]) -> Path:
        """The film of a content: found, or made."""
        told = {"looks": _LOOKS, "replay": sight.replay_sha256, "av": av.__version__, **shown}
        name = f"{kind}-{hashlib.sha256(canonical_json(told).encode()).hexdigest()[:24]}.mp4"
        folders: Sequence[Path] = (self.folder, *([Path(self.request.films)] if self.request.films else []))
        found = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if found is not None:
            return found
        self.frames += make(_replay(sight), self.folder / name)
        return self.folder / name


def _tile(sight: Sight, path: Path) -> Tile:
    return Tile(step=sight.step, outcome=Outcome(str(_replay(sight).record["outcome"])), film=path)


def _replay(sight: Sight) -> Replay:
    """Its game.

    Raises:
        RenderError: it is another one, or cannot be read.
        ReplayDamaged: it is none.
    """
    path = Path(sight.replay)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RenderError(f"{path.name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sight.replay_sha256:
        raise RenderError(f"{path.name} is not the game that was evaluated; evaluate the checkpoint again")
    return replays.from_bytes(data)
