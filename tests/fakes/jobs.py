"""Real jobs for the real worker: job directories over the demo's checkpoints and the stand-in game."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from env.cartridge import Cartridge
from env.options import EnvironmentOptions
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.core.encoding import Encoding
from observer.core.layout import JobFiles
from observer.core.models import Checkpoint, Digest, EvaluationPlan, EvaluationRequest, Highlight, RenderRequest
from observer.worker import work

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "demo" / "checkpoints"
WORKER = (sys.executable, "-m", "observer.worker")


def demo_checkpoints() -> list[Path]:
    """The demo's checkpoints, the least trained first; the very files may be exchanged."""
    return sorted(FOLDER.glob("*.zip"), key=lambda path: int(path.stem.split("_")[-2]))


def sidecar() -> Path:
    """The `environment.json` of their training."""
    return FOLDER / "environment.json"


def environment() -> EnvironmentOptions:
    return EnvironmentOptions.from_json(sidecar().read_text(encoding="utf-8"), source="environment.json")


def plan_of(seeds: Sequence[int], **changes: Any) -> EvaluationPlan:  # noqa: ANN401 -- any field of a plan
    """Short games in two lanes."""
    plan = EvaluationPlan(
        environment=environment(),
        seeds=tuple(seeds),
        frame_limit=600,
        capsule_limit=None,
        policy_mode="deterministic",
        lanes=2,
        rom_sha256=Digest(Cartridge.read(stand_in_rom()).sha256),
    )
    return replace(plan, **changes)


def job(folder: Path, checkpoint: Path, plan: EvaluationPlan, **changes: Any) -> JobFiles:  # noqa: ANN401 -- as above
    """A job directory that asks for an evaluation."""
    blob = checkpoint.read_bytes()
    asked = EvaluationRequest(
        checkpoint=Checkpoint(
            digest=Digest(hashlib.sha256(blob).hexdigest()), step=0, name=checkpoint.name, size=len(blob), seen_at=0.0
        ),
        snapshot=str(checkpoint),
        plan=plan,
        rom=str(stand_in_rom()),
        start_states=None,
    )
    folder.mkdir()
    files = JobFiles(folder)
    jobfiles.write(files.request, replace(asked, **changes))
    return files


def rendering(folder: Path, *highlights: Highlight, replays: str = "") -> JobFiles:
    """A job directory that asks for clips."""
    asked = RenderRequest(
        checkpoint=Checkpoint(digest=Digest("0" * 64), step=0, name="a.zip", size=1, seen_at=0.0),
        plan=plan_of(range(3)),
        rom=str(stand_in_rom()),
        replays=replays or str(folder),
        highlights=highlights,
        encoding=Encoding(),
    )
    folder.mkdir()
    jobfiles.write(JobFiles(folder).request, asked)
    return JobFiles(folder)


def start_worker(files: JobFiles) -> subprocess.Popen[str]:
    """The worker as its own process, as the daemon starts it but with the usual priority."""
    with files.log.open("w") as log:
        return subprocess.Popen([*WORKER, str(files.folder)], stdout=log, stderr=log, text=True)


def play(files: JobFiles) -> JobFiles:
    """The worker does the job."""
    with start_worker(files) as worker:
        code = worker.wait()
    assert code == 0, files.log.read_text(encoding="utf-8")
    return files


def play_here(files: JobFiles) -> JobFiles:
    """The worker does the job in this process, which has torch already."""
    code = work(files.folder)
    assert code == 0
    return files


def descendants(pid: int) -> set[int]:
    """Process ids of the children of a process, their children, and so on."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def name_of(pid: int) -> str:
    """The program of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def come_forward(pids: set[int]) -> None:
    """A test need not wait until a busy machine has nothing better to do; only root may ask for that."""
    for pid in pids:
        try:
            os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
            os.setpriority(os.PRIO_PROCESS, pid, 0)
            Path(f"/proc/{pid}/autogroup").write_text("0", encoding="ascii")
        except OSError:
            continue


@contextmanager
def coming_forward(pid: int) -> Iterator[None]:
    """Have whatever a process starts come forward while it is at work."""
    has_ended = threading.Event()

    def look() -> None:
        while not has_ended.wait(0.2):
            come_forward(descendants(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()
