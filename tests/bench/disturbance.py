"""How much a busy observer slows a trainer down: the same training, beside an observer that plays and one that is stopped.

In every pair the observer's processes are stopped and let go on (SIGSTOP, SIGCONT) around one running trainer, in short
turns (with, without, without, with, ...), so that a machine whose own speed drifts changes both sides of a pair alike.
Whole iterations alone are counted.
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fakes import booted, jobs
from fakes.booted import Booted
from fakes.service import INSIDE, UNIT, Service

from observer.adapters import jobfiles
from observer.core.layout import RunLayout
from observer.core.models import Progress

ROOT: Final = Path(__file__).parents[2]
OBSERVER: Final = Path(sys.executable).with_name("observer")
WAYS: Final = ("by-hand", "service", "control")
#: seven minutes; the control is for when the figures are doubted
USUAL_WAYS: Final = ("by-hand", "service")
#: torch threads of the trainer; 0: as many as torch likes -> the ratio that is still good
THREADS: Final = {"one_thread": 1, "default_threads": 0}
GOALS: Final = {"one_thread": 1.05, "default_threads": 1.10}
#: more games than are played meanwhile
_GAMES: Final = 3_000
_WORKERS: Final = 2
#: after a change, before which nothing is counted
_SETTLE_SECONDS: Final = 0.5
#: with or without the observer, until the other's turn
_TURN_SECONDS: Final = 4.0
_WARM_UP_LINES: Final = 10
_FEWEST_LINES: Final = 4
_PATIENCE_SECONDS: Final = 300.0
#: what is started goes with the bench, however that ends
_LEASH: Final = ("setpriv", "--pdeathsig", "KILL")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An observer that plays, and where trainers can be started beside it."""

    #: the processes of the observer, and all that they started
    observers: Callable[[], set[int]]
    #: starts a trainer of so many threads; where it writes down its iterations
    train: Callable[[int], Path]
    #: ends the trainer
    end: Callable[[], None]


def measure(*, ways: Sequence[str], threads: Sequence[str], pairs: int, seconds: float) -> dict[str, object]:
    """The ratios of each way to run the observer.

    Args:
        ways: by-hand (another session), service (the unit, with the trainer in another slice), control (two busy loops
            at ordinary priority: what it would be without any care).
        threads: of the trainer: one_thread, default_threads.
        pairs: of stretches with and without the observer; the ratio is their median.
        seconds: with, and without, the observer in a pair, in turns of four.
    """
    scenes = {"by-hand": _by_hand, "service": _as_service, "control": _control}
    told: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "pairs": pairs, "seconds_a_stretch": seconds}
    for way in ways:
        reason = booted.obstacle() if way == "service" else ""
        key = way.replace("-", "_")
        try:
            told[key] = {"skipped": reason} if reason else _way(scenes[way], threads, pairs, seconds)
        except RuntimeError as error:  # the other ways are still worth their time
            told[key] = {"failed": str(error)}
    return told


def _way(
    scene: Callable[[Path], Iterator[Scene]], threads: Sequence[str], pairs: int, seconds: float
) -> Mapping[str, object]:
    with TemporaryDirectory(prefix="observer-bench-") as folder:
        Path(folder).chmod(0o755)
        with contextmanager(scene)(Path(folder)) as stage:
            return {name: _case(stage, name, pairs=pairs, seconds=seconds) for name in threads}


def _case(scene: Scene, name: str, *, pairs: int, seconds: float) -> Mapping[str, object]:
    diary = scene.train(THREADS[name])
    try:
        _until(lambda: len(_lines(diary)) >= _WARM_UP_LINES, "the trainer does not begin")
        ratios, alone, beside, shares = [], [], [], []
        for pair in range(pairs):
            speeds, share = _pair(scene, diary, seconds=seconds, is_busy_first=bool(pair % 2))
            ratios.append(speeds[False] / speeds[True])
            alone.append(speeds[False])
            beside.append(speeds[True])
            shares.append(share)
    finally:
        scene.end()
    ratio = statistics.median(ratios)
    return {
        "ratio": round(ratio, 3),
        "goal": GOALS[name],
        "is_met": ratio <= GOALS[name],
        "ratios": [round(each, 3) for each in ratios],
        "steps_per_second_alone": round(statistics.median(alone)),
        "steps_per_second_beside": round(statistics.median(beside)),
        "cores_that_the_observer_got": round(statistics.median(shares), 2),
    }


def _pair(scene: Scene, diary: Path, *, seconds: float, is_busy_first: bool) -> tuple[dict[bool, float], float]:
    """Steps a second without and with the observer, and the cores that it got."""
    steps, spent, share = dict.fromkeys((False, True), 0), dict.fromkeys((False, True), 0.0), []
    for turn in range(2 * max(1, round(seconds / _TURN_SECONDS))):
        is_busy = is_busy_first ^ (turn % 4 in {1, 2})
        _send(scene.observers(), signal.SIGCONT if is_busy else signal.SIGSTOP)
        _wait(_SETTLE_SECONDS)
        began, ticks = time.monotonic(), _cpu_ticks(scene.observers())
        _wait(min(seconds, _TURN_SECONDS))
        _until(partial(_has_enough, diary, began), "the trainer finishes no iteration")
        if is_busy:
            share.append((_cpu_ticks(scene.observers()) - ticks) / _TICKS / (time.monotonic() - began))
        done, took = _trained(diary, began, time.monotonic())
        steps[is_busy] += done
        spent[is_busy] += took
    _send(scene.observers(), signal.SIGCONT)
    return {is_busy: steps[is_busy] / spent[is_busy] for is_busy in steps}, statistics.mean(share)


def _has_enough(diary: Path, begin: float) -> bool:
    """A slow trainer gets a longer stretch: from one end of an iteration to another one must lie within it."""
    return sum(moment >= begin for moment, _ in _lines(diary)) >= _FEWEST_LINES


def _trained(diary: Path, begin: float, end: float) -> tuple[int, float]:
    """Steps, and the seconds that they took."""
    inside = [(moment, steps) for moment, steps in _lines(diary) if begin <= moment <= end]
    (first, steps), (last, more) = inside[0], inside[-1]
    return more - steps, last - first


def _lines(diary: Path) -> list[tuple[float, int]]:
    if not diary.exists():
        return []
    whole = diary.read_text(encoding="ascii").rpartition("\n")[0]
    return [(float(moment), int(steps)) for moment, steps in (line.split() for line in whole.splitlines())]


# -- the three scenes


def _by_hand(folder: Path) -> Iterator[Scene]:
    """The daemon in a session of its own, as from another login."""
    layout = _site(folder)
    command = [*_LEASH, str(OBSERVER), "run", "--config", str(folder / "config.yaml")]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _until(lambda: _plays(layout), "the observer does not begin to play", log=folder / "log")
        yield _beside(lambda: {daemon.pid, *jobs.descendants(daemon.pid)}, folder)
    finally:
        _send({daemon.pid, *jobs.descendants(daemon.pid)}, signal.SIGCONT)
        daemon.terminate()
        daemon.wait()


def _control(folder: Path) -> Iterator[Scene]:
    loops = [
        subprocess.Popen([*_LEASH, sys.executable, "-c", "while True: pass"], start_new_session=True)
        for _ in range(_WORKERS)
    ]
    try:
        yield _beside(lambda: {loop.pid for loop in loops}, folder)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _beside(observers: Callable[[], set[int]], folder: Path) -> Scene:
    """Trainers as children of ours, each in a session of its own."""
    running: list[subprocess.Popen[bytes]] = []

    def train(threads: int) -> Path:
        diary = folder / f"diary-{threads}"
        command = [*_LEASH, sys.executable, "-m", "bench.trainer", str(threads), str(diary)]
        running.append(subprocess.Popen(command, env={**os.environ, **_paths()}, start_new_session=True))
        return diary

    def end() -> None:
        trainer = running.pop()
        trainer.kill()
        trainer.wait()

    return Scene(observers=observers, train=train, end=end)


def _as_service(folder: Path) -> Iterator[Scene]:
    """The unit that `install-service` writes, under a systemd of its own; trainers in a slice beside the observer's."""
    boot, site = folder / "boot", folder / "site"
    boot.mkdir()
    site.mkdir()
    units = {f"{name}.service": _trainer_unit(threads) for name, threads in THREADS.items()}
    with Booted(boot, units, binds={site: INSIDE}, has_limits=True) as machine:
        service = Service(machine, site)
        service.begin_anew()
        layout = _site(site)
        shutil.chown(layout.output, "daemon")
        service.install("--apply")
        machine.ctl("daemon-reload")
        machine.ctl("start", UNIT)
        _until(lambda: _plays(layout), "the service does not begin to play")
        yield _in(machine, site)


def _in(machine: Booted, site: Path) -> Scene:
    running: list[str] = []

    def observers() -> set[int]:
        main = machine.main_pid(UNIT)
        return {main, *jobs.descendants(main)}

    def train(threads: int) -> Path:
        running.append(next(name for name, number in THREADS.items() if number == threads))
        machine.ctl("start", f"{running[-1]}.service")
        return site / f"diary-{threads}"

    def end() -> None:
        machine.ctl("kill", "--signal=KILL", f"{running.pop()}.service")

    return Scene(observers=observers, train=train, end=end)


def _trainer_unit(threads: int) -> str:
    paths = " ".join(f"{name}={value}" for name, value in _paths().items())
    diary = str(INSIDE / f"diary-{threads}").replace("%", "%%").replace('"', '\\"').replace("$", "$$")
    command = f'{sys.executable} -m bench.trainer {threads} "{diary}"'
    return f"[Service]\nSlice=user.slice\nEnvironment={paths}\nWorkingDirectory={ROOT}\nExecStart={command}\n"


# -- what they share


def _site(folder: Path) -> RunLayout:
    """A configuration, and more checkpoints than are played meanwhile."""
    watched, layout = folder / "models" / "checkpoints", RunLayout(folder / "out")
    watched.mkdir(parents=True, exist_ok=True)
    layout.output.mkdir(exist_ok=True)
    config = {
        "runs": [{"watch": "models/checkpoints", "output": "out"}],
        "watch": {"settle_seconds": 0.2, "rescan_seconds": 1},
        "evaluation": {"episodes": _GAMES, "references": []},
        "workers": {"count": _WORKERS},
    }
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    shutil.copyfile(jobs.sidecar(), watched / "environment.json")
    for path in jobs.demo_checkpoints():
        shutil.copyfile(path, watched / path.name)
    return layout


def _plays(layout: RunLayout) -> bool:
    """Every worker has emulated something."""
    told = [jobfiles.read(Progress, path) for path in layout.jobs.glob("*/progress.json")]
    return sum(progress.frames > 0 for progress in told) >= _WORKERS


def _paths() -> dict[str, str]:
    return {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}


def _send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _cpu_ticks(pids: set[int]) -> int:
    total = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total


def _until(condition: Callable[[], bool], complaint: str, *, log: Path | None = None) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            said = f": {log.read_text(encoding='utf-8', errors='replace')[-600:]}" if log else ""
            raise RuntimeError(f"{complaint} within {_PATIENCE_SECONDS:.0f} s{said}")
        _wait(0.1)


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
