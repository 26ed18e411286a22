"""A real daemon process, its folders, and means to wait for what it does without counting seconds."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fakes.zips import zip_of

from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.config import load
from observer.core.errors import StoreError
from observer.core.layout import RunLayout
from observer.core.selftest import SelfTestResult
from observer.selftest import request_of
from observer.stages.status import status

ROOT = Path(__file__).parents[2]


class Site:
    """A configuration, a watched folder, and the daemons that are started on them."""

    def __init__(self, folder: Path, *, episodes: int = 4, workers: int = 1) -> None:
        self.folder = folder
        self.watch = folder / "checkpoints"
        self.watch.mkdir()
        self.layout = RunLayout(folder / "out")
        self.layout.work.mkdir(parents=True)
        self.config = folder / "config.yaml"
        (folder / "game.nes").write_bytes(stand_in_rom().read_bytes())
        #: words before the daemon's command, such as those that take it elsewhere
        self.prefix: tuple[str, ...] = ()
        #: the section `disk`
        self.disk: dict[str, float] = {"free_floor_gib": 0.0}
        self.configure(episodes=episodes, workers=workers)
        tested(self.config, self.layout)
        self.daemons: list[subprocess.Popen[str]] = []

    def configure(
        self, *, episodes: int = 4, workers: int = 1, rom: str = "game.nes", settle: float = 0.1, rescan: float = 1,
        failures: int = 3, **stalls: float,
    ) -> None:  # fmt: skip
        """`failures`: in a row, after which a job is parked; `stalls`: limits of the section `workers`."""
        sections = {
            "runs": [{"name": "test", "watch": "checkpoints", "output": "out"}],
            "watch": {"settle_seconds": settle, "rescan_seconds": rescan},
            "queue": {"backoff_seconds": [0.2], "max_failures": failures},
            "environment": {"rom": rom},
            "evaluation": {"episodes": episodes, "references": []},
            "workers": {"count": workers, **stalls},
            "disk": self.disk,
            "clips": {"timelapse_seconds": 0},
        }
        self.config.write_text(json.dumps(sections), encoding="utf-8")

    def drop(self, *steps: int) -> None:
        for step in steps:
            (self.watch / f"m_{step}_steps.zip").write_bytes(zip_of(step))

    def tell_workers(self, **behaviour: str) -> None:
        told = {key.replace("_", " "): value for key, value in behaviour.items()}
        (self.layout.work / "behaviour.json").write_text(json.dumps(told), encoding="utf-8")

    def start(self, *options: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        daemon = subprocess.Popen(
            [*self.prefix, sys.executable, str(ROOT / "tests" / "fakes" / "daemon.py"), str(self.config), *options],
            env={**_environment(), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.daemons.append(daemon)
        return daemon

    def ask(self, *words: str) -> str:
        """Call a command beside whatever runs; what it said."""
        command = [sys.executable, "-m", "observer.cli", *words, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=_environment()).stdout

    def finish(self) -> str:
        """A daemon works everything off; what it said."""
        daemon = self.start("--until-idle")
        said, _ = daemon.communicate(timeout=150)
        assert daemon.returncode == 0, said
        return said

    def status(self) -> Mapping[str, Any]:
        try:
            return status(self.layout)
        except StoreError:
            return {
                "queue": {"running": 0, "done": 0},
                "renderings": {"running": 0, "done": 0},
                "running": [],
                "evaluations": 0,
                "parked": [],
                "daemon": None,
                "paused": None,
            }

    def until(self, condition: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        pause = threading.Event()
        for _ in range(7500):
            found = self.status()
            if condition(found):
                return found
            pause.wait(0.02)
        raise AssertionError(f"it never came to be: {found}\n{self._last_words()}")

    def _last_words(self) -> str:
        """What the daemons have said, and where they stand if they still run."""
        for daemon in self.daemons:
            daemon.send_signal(signal.SIGABRT)
        return "\n".join(
            daemon.communicate()[0] for daemon in self.daemons if daemon.stdout and not daemon.stdout.closed
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No daemon outlives its test."""
        for daemon in self.daemons:
            daemon.kill()
            with daemon:  # waits, and closes what it wrote to
                pass


def tested(config: Path, layout: RunLayout) -> None:
    """The measurement has been tested there: a daemon begins to work at once."""
    layout.self_test.folder.mkdir(parents=True)
    result = SelfTestResult(subject=request_of(load(config)).subject, games=0, frames=0, tested_at=0.0)
    jobfiles.write(layout.self_test.result, result)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
