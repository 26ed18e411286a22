"""Any game as a clip, for one person, here and now.

Owns finding the game: among results, in a file, or by having it played. A worker over a private job directory films it.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from env import replay as replays
from env import segment
from env.replay import Replay
from observer.adapters import dropped, jobfiles
from observer.config import Config
from observer.core.encoding import Encoding
from observer.core.errors import ObserverError, RenderError, ResultInvalid, SetupError
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import (
    Checkpoint,
    Clip,
    Digest,
    EvaluationPlan,
    EvaluationResult,
    Highlight,
    Overlay,
    Progress,
    RenderRequest,
    RenderResult,
)
from observer.foreground import evaluate_file, run_worker

#: why this game is filmed: somebody asked
REASON: Final = "asked"
_DIGEST_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which game: by its seed, or by its place among the games."""

    seed: int | None = None
    episode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """A game that can be filmed."""

    replay: Replay
    #: who played it; None: not known
    checkpoint: Checkpoint | None = None
    plan: EvaluationPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Finds games for `observer render`."""

    config: Config
    layout: RunLayout
    rom_sha256: Digest
    on_progress: Callable[[Progress], None]

    def find(self, source: str, wanted: Wanted) -> Game:
        """The game that is meant.

        Args:
            source: a replay, a segment that training recorded, a checkpoint's zip, or the step or the hash of a
                checkpoint that was evaluated.
            wanted: neither is needed with a replay. A zip's game that nobody played is played.

        Raises:
            ObserverError: there is no such game; the sentence says where it was looked for.
            EnvError: a file cannot be read.
        """
        path = Path(source)
        if path.suffix == ".replay":
            return _checked(_of_replay(path), wanted)
        if path.suffix == segment.SUFFIX:
            return _of_segment(path, wanted)
        if path.is_file():
            return self._of_zip(path, wanted)
        results = list(self._results(source))
        if not results:
            raise ObserverError(
                f"{source}: there is no such file, and no checkpoint of this step or hash was evaluated into "
                f"{self.layout.output}"
            )
        game = _among(results, wanted)
        if game is None:
            self._require_kept(results, wanted)
            raise ObserverError(
                f"{source}: {_named(wanted)} is none of the {len(results[0][1].plan.seeds)} games that were played; give "
                "the checkpoint's zip to have it played"
            )
        return game

    def overlay(self, source: str, game: Game) -> Overlay:
        """What a panel beside a game that was found needs; without its checkpoint the panel has no policy."""
        if game.checkpoint is None:
            return Overlay()
        kept = self.layout.snapshot(game.checkpoint.digest)
        found = next((path.absolute() for path in (Path(source), kept) if path.is_file()), None)
        return Overlay(
            snapshot=None if found is None else str(found),
            normalization=str(self.layout.companion(game.checkpoint.digest, "vecnormalize").absolute()),
            trusted_classes=self.config.policy.classes,
        )

    def _of_zip(self, path: Path, wanted: Wanted) -> Game:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return _among(list(self._results(digest)), wanted) or self._played(path, wanted)

    def _results(self, name: str) -> Iterator[tuple[Path, EvaluationResult]]:
        """The results of a step or a hash, the newest first."""
        found = []
        for folder in (self.layout.output / "checkpoints").glob("*-*"):
            step, _, digest = folder.name.partition("-")
            if name in {step, folder.name} or name.lower().startswith(digest) or _begins(digest, name):
                found += [
                    (file.parent, result)
                    for file in folder.glob("*/result.json")
                    if (result := _result(file)) is not None
                ]
        return iter(sorted(found, key=lambda entry: -entry[1].finished_at))

    def _require_kept(self, results: list[tuple[Path, EvaluationResult]], wanted: Wanted) -> None:
        """Say of a game that was played that its replay was dropped to make room, and where it lies."""
        lost = dropped.missing(self.layout.output, self.layout.dropped)
        for folder, result in results:
            gone = lost.get(PurePosixPath((folder / "replays").relative_to(self.layout.output)))
            if gone is not None and _seed(result, wanted) is not None:
                where = f"it lies in {gone.archive}" if gone.archive else "it was kept nowhere else"
                raise ObserverError(
                    f"{_named(wanted)} was played, but its replay was dropped to make room: {where}; give the checkpoint's "
                    "zip to have it played again"
                )

    def _played(self, path: Path, wanted: Wanted) -> Game:
        first = self.config.evaluation.first_seed
        seed = first + (wanted.episode or 0) if wanted.seed is None else wanted.seed
        scenarios = self.config.evaluation.scenarios[:1]
        evaluation = self.config.evaluation.model_copy(
            update={"first_seed": seed, "episodes": 1, "scenarios": scenarios}
        )
        config = self.config.model_copy(update={"evaluation": evaluation})
        with TemporaryDirectory(prefix="observer-") as folder:
            output = Path(folder) / "played"
            made = evaluate_file(
                path,
                config,
                rom_sha256=self.rom_sha256,
                output=output,
                on_progress=self.on_progress,
                steps_behind=False,
            )
            (result,) = made.results.values()
            (replay,) = output.rglob(f"{seed}.replay")
            return Game(replay=replays.read(replay), checkpoint=result.checkpoint, plan=result.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a clip is to be like."""

    encoding: Encoding
    #: every so-manieth frame is shown, without sound
    speed: int = 1
    #: None: the game alone
    overlay: Overlay | None = None
    #: exclusive; None: to the end
    last_frame: int | None = None


def film_game(game: Game, rom: Path, *, output: Path, look: Look, on_progress: Callable[[Progress], None]) -> Clip:
    """Film a game into a file that does not exist yet.

    Raises:
        RenderError: it cannot be filmed.
        SetupError: the file exists or cannot be written, or ROM or emulator have gone.
        JobError: the worker came to no result.
    """
    require_new(output)
    with TemporaryDirectory(prefix="observer-") as folder:
        files = JobFiles(Path(folder))
        files.replays.mkdir()
        replays.write(game.replay, files.replays / f"{game.replay.seed}.replay")
        jobfiles.write(
            files.request,
            RenderRequest(
                checkpoint=game.checkpoint,
                plan=game.plan,
                rom=str(rom.absolute()),
                replays=str(files.replays),
                highlights=(Highlight(seed=game.replay.seed, reason=REASON, last_frame=look.last_frame),),
                encoding=look.encoding,
                speed=look.speed,
                overlay=look.overlay,
            ),
        )
        run_worker(files, on_progress, steps_behind=False)
        return _kept(files, output)


def require_new(output: Path) -> None:
    """Refuse to write over a file.

    Raises:
        SetupError: it exists.
    """
    if output.exists():
        raise SetupError(f"{output}: it is there already; name another file")


def _kept(files: JobFiles, output: Path) -> Clip:
    result = jobfiles.read(RenderResult, files.result)
    if result.problems:
        raise RenderError("; ".join(result.problems.values()))
    (clip,) = result.clips
    partial_file = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files.clips / clip.video, partial_file)
        partial_file.replace(output)
    except OSError as error:
        partial_file.unlink(missing_ok=True)
        raise SetupError(f"{output}: {error.strerror}; name another file") from error
    return clip


def _begins(digest: str, name: str) -> bool:
    """Whether the name is the beginning of a hash: four digits at least, so that it is no step by chance."""
    return len(name) >= _DIGEST_DIGITS // 2 and digest.startswith(name.lower())


def _result(file: Path) -> EvaluationResult | None:
    try:
        return jobfiles.read(EvaluationResult, file)
    except ResultInvalid:
        return None


def _among(results: list[tuple[Path, EvaluationResult]], wanted: Wanted) -> Game | None:
    for folder, result in results:
        seed = _seed(result, wanted)
        path = folder / "replays" / f"{seed}.replay"
        if seed is not None and path.is_file():
            return Game(replay=replays.read(path), checkpoint=result.checkpoint, plan=result.plan)
    return None


def _seed(result: EvaluationResult, wanted: Wanted) -> int | None:
    """Of the game that is meant; None: it is none of the result's."""
    seeds = result.plan.seeds
    seed = wanted.seed if wanted.episode is None else dict(enumerate(seeds)).get(wanted.episode)
    return seed if seed in seeds else None


def _of_replay(path: Path) -> Game:
    """With who played it, where it lies among the games of a result."""
    replay, result = replays.read(path), _result(path.absolute().parent.parent / "result.json")
    if result is None or replay.seed not in result.plan.seeds:
        return Game(replay=replay)
    return Game(replay=replay, checkpoint=result.checkpoint, plan=result.plan)


def _of_segment(path: Path, wanted: Wanted) -> Game:
    if wanted.episode is not None:
        return Game(replay=segment.game(path, wanted.episode))
    for replay in segment.games(path):
        if replay.seed == wanted.seed:
            return Game(replay=replay)
    raise ObserverError(f"{path}: none of its games has the seed {wanted.seed}; --episode counts them from 0")


def _checked(game: Game, wanted: Wanted) -> Game:
    if wanted.seed not in {None, game.replay.seed}:
        raise ObserverError(f"the replay is the game of seed {game.replay.seed}, not of {wanted.seed}")
    return game


def _named(wanted: Wanted) -> str:
    return f"seed {wanted.seed}" if wanted.episode is None else f"episode {wanted.episode}"
