"""The observer as people start it, on real checkpoints, and kills of whatever belongs to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from fakes import jobs
from fakes.checkpoints import with_data
from fakes.site import tested

from observer.core.layout import RunLayout

#: fewer than so many checkpoints wait: another one is dropped
FEW = 3


class RealSite:
    """A watched folder with the demo's checkpoints under ever new steps, and the daemon on it."""

    def __init__(self, folder: Path, *, episodes: int, workers: int, clips: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.watch = folder / "checkpoints"
        self.watch.mkdir(parents=True)
        self.layout = RunLayout(folder / "out")
        self.log = folder / "daemon.log"
        shutil.copyfile(jobs.sidecar(), self.watch / "environment.json")
        sections: dict[str, Any] = {
            "runs": [{"name": "killed", "watch": "checkpoints", "output": "out"}],
            "watch": {"settle_seconds": 0.2, "rescan_seconds": 1},
            # kills of emulators are failures of their worker: here they come faster than games end
            "queue": {"backoff_seconds": [0.3], "backlog_limit": 0, "max_failures": 1000},
            "evaluation": {"episodes": episodes, "lanes": 2, "frame_limit": 600, "references": []},
            "workers": {"count": workers},
            "clips": {"choose": list(clips), "timelapse_seconds": 0},
        }
        (folder / "config.yaml").write_text(json.dumps(sections), encoding="utf-8")
        tested(folder / "config.yaml", self.layout)
        self.dropped = 0

    def drop(self) -> None:
        """One more checkpoint."""
        self.dropped += 1
        files = jobs.demo_checkpoints()
        blob = files[self.dropped % len(files)].read_bytes()
        step = self.dropped
        (self.watch / f"agent_{step}_steps.zip").write_bytes(
            with_data(blob, lambda data: data.update(num_timesteps=step))
        )

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "observer.cli", "run", "-c", str(self.folder / "config.yaml"), *options]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, cwd=jobs.ROOT, stdout=log, stderr=log)

    def finish(self) -> None:
        """A daemon works everything off."""
        daemon = self.start("--until-idle")
        while daemon.poll() is None:
            forward(daemon.pid, seconds=0.2)
        assert daemon.returncode == 0, self.log.read_text(encoding="utf-8")[-3000:]

    @property
    def results(self) -> list[Path]:
        return sorted(self.layout.output.glob("checkpoints/*/*/result.json"))

    def kill(self, times: int, *, generator: np.random.Generator, pause_seconds: tuple[float, float]) -> Counter[str]:
        """Let a daemon work and kill -9 it, a worker or an emulator at random moments; how many of each."""
        victims: Counter[str] = Counter()
        daemon = self.start()
        try:
            while victims.total() < times:
                if self.dropped - len(self.results) < FEW:
                    self.drop()
                forward(daemon.pid, seconds=float(generator.uniform(*pause_seconds)))
                assert daemon.poll() is None, self.log.read_text(encoding="utf-8")[-3000:]
                there = around(daemon.pid)
                kind = str(generator.choice(sorted(there)))
                if _killed(int(generator.choice(there[kind]))):
                    victims[kind] += 1
                if kind == "daemon":
                    daemon.wait()
                    daemon = self.start()
        finally:
            daemon.kill()
            daemon.wait()
        return victims


def forward(pid: int, *, seconds: float) -> None:
    """Wait, and let what works there not wait for a better time."""
    for _ in range(max(1, round(seconds / 0.2))):
        jobs.come_forward(jobs.descendants(pid))
        threading.Event().wait(min(seconds, 0.2))


def around(daemon: int) -> dict[str, list[int]]:
    """What could be killed: kind -> process ids."""
    found: dict[str, list[int]] = {"daemon": [daemon]}
    for pid in sorted(jobs.descendants(daemon)):
        kind = "emulator" if jobs.name_of(pid) == "mednafen" else "worker"
        found.setdefault(kind, []).append(pid)
    return found


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
