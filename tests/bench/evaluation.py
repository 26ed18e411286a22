"""What a whole evaluation comes to: frames per second of a worker from its start to its result."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from env.cartridge import Cartridge
from env.options import ENVIRONMENT_FILE, EnvironmentOptions
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.core.layout import JobFiles
from observer.core.models import Checkpoint, Digest, EvaluationPlan, EvaluationRequest, EvaluationResult
from observer.core.plan import plan_seeds

_CHECKPOINTS = Path(__file__).parents[2] / "docs" / "demo" / "checkpoints"


def measure(*, games: int) -> dict[str, object]:
    """Play the newest of the demo's checkpoints with the worker, as the daemon would but at ordinary priority.

    Returns:
        games, NES frames, seconds from the worker's start to its end, seconds of play, and frames per second of both;
        a run of one game tells what starting costs.
    """
    whole, start = _run(games), _run(1)
    frames, seconds = whole["frames"], whole["seconds"]
    return {
        "games": games,
        "frames": round(frames),
        "seconds": round(seconds, 2),
        "seconds_of_one_game": round(start["seconds"], 2),
        "frames_per_second": round(frames / seconds),
        "frames_per_second_without_start": round((frames - start["frames"]) / (seconds - start["seconds"])),
    }


def _run(games: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        files = JobFiles(Path(folder))
        jobfiles.write(files.request, _request(games))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "observer.worker", folder], check=True)
        seconds = time.perf_counter() - began
        result = jobfiles.read(EvaluationResult, files.result)
        return {"seconds": seconds, "frames": float(sum(episode.frames for episode in result.episodes))}


def _request(games: int) -> EvaluationRequest:
    checkpoint = max(_CHECKPOINTS.glob("*_steps.zip"), key=lambda path: int(path.stem.split("_")[-2]))
    sidecar = _CHECKPOINTS / ENVIRONMENT_FILE
    return EvaluationRequest(
        checkpoint=Checkpoint(digest=Digest("0" * 64), step=0, name=checkpoint.name, size=0, seen_at=0.0),
        snapshot=str(checkpoint),
        plan=EvaluationPlan(
            environment=EnvironmentOptions.from_json(sidecar.read_text(), source=sidecar.name),
            seeds=plan_seeds(0, games),
            frame_limit=8_000,
            capsule_limit=None,
            policy_mode="deterministic",
            lanes=16,
            rom_sha256=Digest(Cartridge.read(stand_in_rom()).sha256),
        ),
        rom=str(stand_in_rom()),
        start_states=None,
    )
