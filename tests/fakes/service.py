"""The observer as a service of a booted machine: its folders out here, the unit that `install-service` wrote in there."""

import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from fakes import jobs
from fakes.booted import Booted

from observer.core.errors import StoreError
from observer.core.layout import RunLayout
from observer.stages.status import status

OBSERVER = Path(sys.executable).with_name("observer")
#: a user of every Debian, who owns nothing
USER = "daemon"
#: inside; whatever a unit could stumble over
INSIDE = Path('/srv/my run: 100% "$HOME"')
UNIT = "observer.service"


class Service:
    """A configuration and a watched folder out here, the service that works on them in there."""

    def __init__(self, machine: Booted, site: Path) -> None:
        self.machine = machine
        self.site = site
        self.watched = site / "models" / "checkpoints"
        self.layout = RunLayout(site / "out")

    def begin_anew(self, *clips: str, **evaluation: int) -> None:
        """Stopped, with nothing to do and nothing done."""
        self.machine.ctl("stop", UNIT, check=False)
        self.machine.ctl("reset-failed", check=False)
        for folder in (self.watched, self.layout.output):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.site.chmod(0o755)
        shutil.chown(self.layout.output, USER)
        config = {
            "runs": [{"watch": "models/checkpoints", "output": "out"}],
            "watch": {"settle_seconds": 0.2, "rescan_seconds": 1},
            "evaluation": {"episodes": 4, "lanes": 2, "frame_limit": 600, "references": [], **evaluation},
            "workers": {"count": 1},
            "clips": {"choose": [*clips], "timelapse_seconds": 0},
        }
        (self.site / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def install(self, *options: str) -> str:
        """What the command says."""
        config = str(INSIDE / "config.yaml")
        return self.machine.run(str(OBSERVER), "install-service", "--config", config, *options).stdout

    def start(self, **settings: str) -> None:
        """Start it with settings of a test's own beside the unit's."""
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        drop_in = self.machine.inside(f"/run/systemd/system/{UNIT}.d/test.conf")
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(f"[Service]\n{lines}", encoding="utf-8")
        self.machine.ctl("daemon-reload")
        self.machine.ctl("start", UNIT)

    def drop(self) -> None:
        shutil.copyfile(jobs.sidecar(), self.watched / "environment.json")
        shutil.copyfile(jobs.demo_checkpoints()[-1], self.watched / "agent_1_steps.zip")

    @property
    def pid(self) -> int:
        return self.machine.main_pid(UNIT)

    def show(self, name: str) -> str:
        return self.machine.show(UNIT, name)

    def status(self) -> Mapping[str, Any]:
        try:
            return status(self.layout)
        except StoreError:
            return {"queue": {"done": 0, "running": 0, "waiting": 0}, "running": [], "evaluations": 0}

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait; what works in there is given the processor meanwhile."""
        for _ in range(600):
            if condition():
                return
            jobs.come_forward(jobs.descendants(self.machine.pid))
            threading.Event().wait(0.1)
        raise AssertionError(f"it never came to be: {self.status()}\n{self.machine.journal(UNIT)}")

    def is_playing(self) -> bool:
        return any(self.layout.jobs.glob("*/episodes.jsonl"))
