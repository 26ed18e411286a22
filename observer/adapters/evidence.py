"""From a job directory to the folder where results stay: linked into place, so that a repetition is harmless.

The job directory keeps its files until the commit; nobody refers to the folder before it.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from env import replay as replays
from env.errors import ReplayError
from env.moments import Moments
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Clip, EvaluationResult
from observer.core.timelapse import TimelapseResult
from observer.files import sync_folder

#: beside the clips: what they show, as the rendering worker's result.json said it
CLIPS_FILE: Final = "clips.json"


def check_files(files: JobFiles) -> None:
    """What a worker left to be placed are plain files: nothing that leads elsewhere, or cannot be placed ever.

    Raises:
        ResultInvalid: one is not.
    """
    for path in (files.table, *files.replays.glob("*.replay")):
        if path.is_symlink() or not path.is_file():
            raise ResultInvalid(f"{path.name} is not a file")


def check_replays(files: JobFiles, result: EvaluationResult) -> None:
    """Every game of the result has the very replay that it names.

    Raises:
        ResultInvalid: one is missing, or is another.
    """
    for game in result.episodes:
        path = files.replays / f"{game.seed}.replay"
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ResultInvalid(f"the replay of seed {game.seed} cannot be read: {error.strerror}") from error
        if digest != game.replay_sha256:
            raise ResultInvalid(f"the replay of seed {game.seed} is not the one that the result names")


def moments(folder: Path, result: EvaluationResult) -> dict[int, Moments]:
    """Seed -> what its replay in an evaluation's folder tells of it; nothing of one that cannot be read."""
    found: dict[int, Moments] = {}
    for game in result.episodes:
        with suppress(ReplayError):
            found[game.seed] = Moments.of(replays.read(folder / "replays" / f"{game.seed}.replay").record)
    return found


def check_clips(files: JobFiles, clips: Iterable[Clip]) -> list[str]:
    """The names of the clips' files, every one of which is there.

    Raises:
        ResultInvalid: one is missing, or its name would lead out of the folder.
    """
    names = [name for clip in clips for name in (clip.video, clip.poster)]
    for name in names:
        if Path(name).name != name or name.startswith("."):
            raise ResultInvalid(f"{name!r} is not a name for a clip")
        if not (files.clips / name).is_file():
            raise ResultInvalid(f"the clip {name} is not there")
    return names


def place_evaluation(files: JobFiles, target: Path) -> None:
    """Make `target` the whole evidence of an evaluation: result.json, episodes.csv, replays/.

    Raises:
        OSError: the disk is full; `target` is as it was, or not there.
    """
    staged = target.with_name(f".{target.name}.new")
    outdated = target.with_name(f".{target.name}.old")
    for folder in (staged, outdated):
        shutil.rmtree(folder, ignore_errors=True)
    (staged / files.replays.name).mkdir(parents=True)
    for path in (files.result, files.table):
        _link(path, staged / path.name)
    for path in sorted(files.replays.glob("*.replay")):
        _link(path, staged / files.replays.name / path.name)
    for folder in (staged / files.replays.name, staged):
        sync_folder(folder)
    if target.exists():  # of an attempt that came this far and was not committed
        target.replace(outdated)
    staged.replace(target)
    for folder in target.parents[:3]:  # up to the output folder: each of them may be new
        sync_folder(folder)
    shutil.rmtree(outdated, ignore_errors=True)


def place_clips(files: JobFiles, target: Path, *, names: Iterable[str]) -> None:
    """Put finished clips and posters into `target`, each at once.

    Raises:
        OSError: the disk is full or not writable; what was placed is placed again by a repetition.
    """
    _place({name: files.clips / name for name in names} | {CLIPS_FILE: files.result}, target)
    sync_folder(target.parent)


def place_timelapse(files: JobFiles, layout: RunLayout, result: TimelapseResult) -> None:
    """Put a time-lapse where people find it, and the new ones of its films to those that are kept; others go.

    Raises:
        ResultInvalid: a name would lead elsewhere, or what it names is not there.
        OSError: the disk is full or not writable; what was placed is placed again by a repetition.
    """
    place_films(files, layout.films, [name for name in result.films if (files.clips / name).exists()])
    place_films(files, layout.output, (result.video, result.grid))
    for path in layout.films.iterdir():
        if path.name not in result.films:
            path.unlink(missing_ok=True)


def place_films(files: JobFiles, target: Path, names: Iterable[str]) -> None:
    """Put films that a worker made into `target`, each at once.

    Raises:
        ResultInvalid, OSError: as `place_timelapse`.
    """
    sources = {name: files.clips / name for name in names}
    for name, source in sources.items():
        if Path(name).name != name or name.startswith("."):
            raise ResultInvalid(f"{name!r} is not a name for a film")
        if source.is_symlink() or not source.is_file():
            raise ResultInvalid(f"the film {name} is not there")
    _place(sources, target)


def _place(sources: Mapping[str, Path], target: Path) -> None:
    """Put files into a folder under their names, each at once."""
    target.mkdir(parents=True, exist_ok=True)
    for name, source in sources.items():
        staged = target / f".{name}.new"
        staged.unlink(missing_ok=True)
        _link(source, staged)
        staged.replace(target / name)
        staged.unlink(missing_ok=True)  # two names of one file: renaming one to the other does nothing
    sync_folder(target)


def keep_start_states(files: JobFiles, cache: Path) -> None:
    """Move the start states that an attempt made into the run's cache; losing them costs seconds only."""
    if not files.start_states.is_dir():
        return
    cache.mkdir(parents=True, exist_ok=True)
    for path in files.start_states.iterdir():
        if path.is_file() and not path.name.startswith("."):
            path.replace(cache / path.name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
