"""`observer doctor`: tries what the daemon will need, one thing after another, and leaves everything as it was.

Owns the questions and the words. Every finding says what to do. The policy is played by a worker, as ever.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from env import replay as replays
from env import trial
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EnvError
from env.options import ENVIRONMENT_FILE
from env.process import find_program, mednafen_version
from env.stand_in import golden_games, stand_in_rom
from observer import app, foreground
from observer.adapters import confinement, machine
from observer.adapters.backends import priority
from observer.adapters.checkpoint_folder import read_sidecar
from observer.adapters.lock import holder_of
from observer.config import Config, DiskSection, RunSection
from observer.core.clock import SystemClock
from observer.core.diagnosis import Finding, Level
from observer.core.errors import ConfigError, ObserverError
from observer.core.layout import RunLayout
from observer.core.models import Digest, Episode

_PACKAGES: Final = ("torch", "stable-baselines3", "sb3-contrib", "gymnasium", "numpy", "av")
_GIB: Final = 2**30
#: a checkpoint's replays are about 1 MB, its clips a few
_LITTLE_SPACE: Final = 2 * _GIB
_NO_SPACE: Final = _GIB // 10
_GAMES: Final = 2
_FRAMES: Final = 600
_SAMPLE_SECONDS: Final = 300.0


def diagnose(read_config: Callable[[], Config]) -> Iterator[Finding]:
    """Everything, in the order in which a person would mend it; each finding comes when it is known."""
    yield from _packages()
    yield from _told("emulator", _emulator)
    config: Config | None = None
    try:
        config = read_config()
    except ConfigError as error:
        yield from (_problem("configuration", problem) for problem in error.problems)
    else:
        yield _ok("configuration", f"can be used, with {len(config.runs)} run(s)")
    if config is not None:
        for run in config.runs:
            yield from _told(run.name, partial(_folders, run, config.disk))
    yield from _machine()
    yield from _told("golden games", _golden_games)
    with TemporaryDirectory(prefix="observer-doctor-") as folder:
        yield from _told("encoder", partial(_encoder, Path(folder)))
        if config is not None:
            yield from _told("self-test", partial(_self_test, config))
            yield from _told("evaluation", partial(_evaluation, config, Path(folder)))


def _ok(what: str, sentence: str) -> Finding:
    return Finding(what=what, level=Level.OK, sentence=sentence)


def _warning(what: str, sentence: str, advice: str) -> Finding:
    return Finding(what=what, level=Level.WARNING, sentence=sentence, advice=advice)


def _problem(what: str, sentence: str, advice: str = "") -> Finding:
    return Finding(what=what, level=Level.PROBLEM, sentence=sentence, advice=advice)


def _told(what: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check's findings; what it fails with is one too."""
    try:
        yield from check()
    except (ObserverError, EnvError, OSError) as error:
        yield _problem(what, str(error))


def _packages() -> Iterator[Finding]:
    found, missing = [f"Python {platform.python_version()}"], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield _problem(
            "packages", f"missing: {', '.join(missing)}", f"{sys.executable} -m pip install {' '.join(missing)}"
        )
    yield _ok("packages", ", ".join(found))


def _emulator() -> Iterator[Finding]:
    find_program("setpriv", package="util-linux")
    yield _ok("emulator", f"{mednafen_version()} at {find_program('mednafen', package='mednafen')} starts")


def _folders(run: RunSection, disk: DiskSection) -> Iterator[Finding]:
    yield from _watched(run)
    yield from _output(run)
    yield _space(run, disk.free_floor_gib)


def _watched(run: RunSection) -> Iterator[Finding]:
    what, folder = f"{run.name}: watch", run.watch
    if not folder.exists():
        yield _warning(what, f"{folder} is not there yet; the daemon waits for it", "check `watch`")
        return
    try:
        zips = sum(1 for entry in os.scandir(folder) if entry.name.endswith(".zip"))
        if (folder / ENVIRONMENT_FILE).exists():
            read_sidecar(folder)
    except OSError as error:
        yield _problem(what, f"{folder}: {error.strerror}", "let the daemon's user read it (r and x)")
        return
    yield from _events(what, folder)
    yield _ok(what, f"{folder} can be read; {zips} zip(s)")


def _events(what: str, folder: Path) -> Iterator[Finding]:
    delay = "it is read every `watch.rescan_seconds`, so expect that delay"
    if machine.is_on_network(folder):
        kind = machine.file_system(folder)
        yield _warning(what, f"{folder} lies on {kind}: nobody tells of changes made elsewhere", delay)
    elif problem := machine.try_events(folder):
        limits = ", ".join(f"fs.inotify.{name} = {machine.inotify_limit(name)}" for name in machine.INOTIFY_LIMITS)
        yield _warning(
            what, f"the kernel does not tell of changes in {folder}: {problem}", f"{delay}, or raise {limits}"
        )


def _output(run: RunSection) -> Iterator[Finding]:
    what, folder = f"{run.name}: output", run.output
    place = machine.existing(folder)
    if machine.is_on_network(place):
        kind = machine.file_system(place)
        yield _problem(what, f"{folder} lies on {kind}, where SQLite's locks do not hold", "choose a local disk")
    if problem := machine.try_folder(place):
        yield _problem(what, f"{place}: {problem}", "let the daemon's user write there, or choose another `output`")
        return
    daemon = holder_of(RunLayout(folder).lock)
    observed = f"; process {daemon} observes into it" if daemon else ""
    yield _ok(what, f"{folder} can be {'written' if place == folder else 'made'}{observed}")


def _space(run: RunSection, floor_gib: float) -> Finding:
    free = shutil.disk_usage(machine.existing(run.output)).free
    what, sentence = f"{run.name}: disk", f"{free / _GIB:.1f} GiB free"
    if free < floor_gib * _GIB:
        return _problem(what, sentence, f"free some: below disk.free_floor_gib ({floor_gib:g}) nothing is started")
    if free < _NO_SPACE:
        return _problem(what, sentence, "free some space: nothing can be evaluated on a full disk")
    return (
        _warning(what, sentence, "a few MB go with every checkpoint") if free < _LITTLE_SPACE else _ok(what, sentence)
    )


def _machine() -> Iterator[Finding]:
    support = confinement.support()
    if support.problem:
        yield _warning("confinement", support.problem, "until then, observe only checkpoints whose origin you trust")
    else:
        yield _ok("confinement", f"workers confine themselves (Landlock {support.abi})")
    yield _priority()
    top = machine.service_slice()
    if top not in {None, "observer.slice"}:
        useless = "there a low rank counts for nothing against training elsewhere"
        yield _warning("slice", f"this service runs in {top}: {useless}", "use the unit of `observer install-service`")


def _priority() -> Finding:
    with machine.sleeper() as process:
        priority.step_behind(process.pid)
        lacking = priority.lacking(process.pid)
    if lacking:
        return _warning(
            "priority",
            f"workers cannot be given {' nor '.join(lacking)}",
            "training may be slowed down: watch `observer status`",
        )
    return _ok("priority", "workers go behind everything else, and are the first to go when memory is short")


def _golden_games() -> Iterator[Finding]:
    games = [replays.read(path) for path in golden_games()]
    for game in games:
        with Emulator(stand_in_rom()) as emulator:
            replays.verify(game, emulator)
    frames = sum(len(game.inputs) // 2 for game in games)
    yield _ok("golden games", f"{len(games)} recorded games, {frames:,} frames, come out as they were recorded")


def _self_test(config: Config) -> Iterator[Finding]:
    tried = trial.check(Cartridge.read(config.environment.rom_path), config.environment.options().scenario)
    same = "one seed gives one game, twenty give twenty, and a recorded one comes out as it was"
    yield _ok("self-test", f"{tried.games} games, {tried.frames:,} frames: {same}")


def _encoder(folder: Path) -> Iterator[Finding]:
    problem = _sample("clip", folder / "sample.mp4")
    yield (
        _problem("encoder", problem, "reinstall the package av")
        if problem
        else _ok("encoder", "H.264 with AAC can be written")
    )


def _evaluation(config: Config, folder: Path) -> Iterator[Finding]:
    rom = app.check_setup(config)
    yield _warning("ROM", rom.name, rom.warning) if rom.warning else _ok("ROM", rom.name)
    checkpoint = folder / "sample_0_steps.zip"
    (folder / ENVIRONMENT_FILE).write_text(config.environment.options().to_json(), encoding="utf-8")
    if problem := _sample("checkpoint", checkpoint):
        yield _problem("evaluation", f"no checkpoint can be saved: {problem}", "check torch and stable-baselines3")
        return
    short = {"episodes": _GAMES, "lanes": _GAMES, "frame_limit": _FRAMES, "capsule_limit": None, "scenarios": ()}
    settings = config.model_copy(update={"evaluation": config.evaluation.model_copy(update=short)})
    yield _played_twice(partial(_play, checkpoint, settings, rom_sha256=Digest(rom.sha256)))


def _play(checkpoint: Path, config: Config, *, rom_sha256: Digest) -> Sequence[Episode]:
    made = foreground.evaluate_file(
        checkpoint, config, rom_sha256=rom_sha256, output=None, on_progress=lambda _: None, steps_behind=False
    )
    return [game for result in made.results.values() for game in result.episodes]


def _played_twice(play: Callable[[], Sequence[Episode]]) -> Finding:
    clock = SystemClock()
    first = play()
    began = clock.monotonic()
    second = play()
    if first != second:
        advice = "its results cannot be compared; `observer doctor --json` is what to report"
        return _problem("evaluation", "the same games of the same agent came out differently on this machine", advice)
    frames, seconds = sum(game.frames for game in first), clock.monotonic() - began
    games = f"{_GAMES} games, {frames:,} frames, {seconds:.1f} s with a worker's start"
    return _ok("evaluation", f"{games}; played twice, the same in every input and every hash")


def _sample(what: str, path: Path) -> str:
    """Run a part of `observer.sample`; the last line of what it failed with, or nothing."""
    command = [sys.executable, "-m", "observer.sample", what, str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_SAMPLE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_SAMPLE_SECONDS:.0f} s"
    return (
        "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
    )
