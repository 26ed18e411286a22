"""A worker that plays no game: the real protocol over a job directory, with made-up episodes.

Run as `python worker.py JOB_DIR`. A file `.work/behaviour.json` beside the jobs tells it what to do instead, by kind of
job or by step: crash (after two games), hang, spin, the same at_once, dawdle (a game every 50 ms), refuse, setup, garbage.
"""

import hashlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

from observer.adapters import jobfiles
from observer.core.clock import SystemClock
from observer.core.layout import JobFiles
from observer.core.models import (
    Clip,
    Digest,
    Episode,
    EvaluationRequest,
    EvaluationResult,
    Failure,
    Highlight,
    Outcome,
    Progress,
    Provenance,
    RenderRequest,
    RenderResult,
)
from observer.core.plan import in_plan_order, missing_seeds
from observer.core.selftest import SelfTestRequest, SelfTestResult
from observer.core.statistics import summarise
from observer.core.timelapse import TimelapseRequest, TimelapseResult


def replay_of(digest: str, seed: int) -> bytes:
    return f"replay of {digest} seed {seed}".encode()


def episode_of(digest: str, seed: int, *, index: int) -> Episode:
    won = seed % 2 == 0
    return Episode(
        index=index,
        seed=seed,
        outcome=Outcome.WIN if won else Outcome.LOSS,
        topped_out=not won,
        viruses_cleared=4 if won else seed % 4,
        max_combo=1,
        capsules=10 + seed,
        episode_length=100 + seed,
        frames=400 + 4 * seed,
        total_reward=float(seed),
        replay_sha256=Digest(hashlib.sha256(replay_of(digest, seed)).hexdigest()),
    )


def evaluate(files: JobFiles, request: EvaluationRequest, behaviour: str) -> None:
    if request.player is None:
        Path(request.snapshot).read_bytes()
    files.replays.mkdir()
    digest, plan = request.checkpoint.digest, request.plan
    finished = [game for folder in request.resume_from for game in resumed(files, Path(folder))]
    started_at = SystemClock().now()
    for count, seed in enumerate(missing_seeds(plan, finished)):
        misbehave(files, behaviour, count)
        game = episode_of(digest, seed, index=plan.seeds.index(seed))
        (files.replays / f"{seed}.replay").write_bytes(replay_of(digest, seed))
        jobfiles.append_episode(files.episodes, game)
        finished.append(game)
        progress = Progress(done=len(finished), total=len(plan.seeds), frames=400 * (count + 1), cpu_seconds=0.0)
        jobfiles.write(files.progress, progress)
    games = in_plan_order(plan, finished)
    files.table.write_text(jobfiles.episodes_csv(games), encoding="utf-8")
    result = EvaluationResult(
        checkpoint=request.checkpoint,
        plan=plan,
        episodes=games,
        summary=summarise(games),
        provenance=Provenance(
            versions={"observer": "test"},
            rom_sha256=plan.rom_sha256,
            rom_name="a game",
            cpu_capability="",
            machine="",
            confinement="",
        ),
        started_at=started_at,
        finished_at=SystemClock().now(),
    )
    jobfiles.write(files.result, result)


def resumed(files: JobFiles, earlier: Path) -> list[Episode]:
    games = list(jobfiles.read_episodes(JobFiles(earlier).episodes))
    for game in games:
        name = f"{game.seed}.replay"
        (files.replays / name).write_bytes((JobFiles(earlier).replays / name).read_bytes())
    return games


def misbehave(files: JobFiles, behaviour: str, count: int) -> None:
    if behaviour.startswith(("dawdle", "hang", "spin")):
        take_time(behaviour, is_time=behaviour.endswith("at_once") or count == 1)
    elif behaviour == "crash_at_once" or (behaviour == "crash" and count == 2):
        raise RuntimeError("told to crash")
    elif behaviour == "killed" and count == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "garbage":
        files.result.write_text("{}", encoding="utf-8")
        sys.exit(0)
    elif behaviour == "trap" and count == 1:
        (files.replays / "trap.replay").symlink_to("/etc/passwd")
    elif behaviour == "another_game" and count == 1:
        (files.replays / f"{files.folder.name}.replay").write_bytes(b"")
        next(files.replays.glob("0.replay")).write_bytes(b"not what was played")


def take_time(behaviour: str, *, is_time: bool) -> None:
    if behaviour == "dawdle":
        threading.Event().wait(0.05)
    elif behaviour.startswith("hang") and is_time:
        threading.Event().wait()
    while behaviour.startswith("spin") and is_time:
        pass


def render(files: JobFiles, request: RenderRequest) -> None:
    files.clips.mkdir()
    clips = tuple(clip_of(files, request, highlight) for highlight in request.highlights)
    jobfiles.write(files.result, RenderResult(clips=clips, started_at=0.0, finished_at=1.0))


def clip_of(files: JobFiles, request: RenderRequest, highlight: Highlight) -> Clip:
    name = f"{highlight.reason}-{highlight.seed}"
    (files.clips / f"{name}.mp4").write_bytes((Path(request.replays) / f"{highlight.seed}.replay").read_bytes())
    (files.clips / f"{name}.png").write_bytes(b"poster")
    video, poster = f"{name}.mp4", f"{name}.png"
    return Clip(highlight=highlight, video=video, poster=poster, frames=60, seconds=1.0, width=256, height=224)


def make_timelapse(files: JobFiles, request: TimelapseRequest) -> int:
    """A film of each checkpoint, named by its step, and both that they are joined to."""
    films = tuple(f"part-{sight.step}.mp4" for sight in request.sights)
    files.clips.mkdir()
    for name in ("timelapse.mp4", "timelapse-grid.mp4", *films):
        if request.films is None or not (Path(request.films) / name).exists():
            (files.clips / name).write_bytes(" ".join(films).encode())
    steps = tuple(sight.step for sight in request.sights)
    result = TimelapseResult(
        seed=request.seed, video="timelapse.mp4", grid="timelapse-grid.mp4", video_seconds=1.0, grid_seconds=1.0,
        steps=steps, grid_steps=steps, films=films, started_at=0.0, finished_at=1.0,
    )  # fmt: skip
    jobfiles.write(files.result, result)
    return 0


def behaviour_of(files: JobFiles, keys: tuple[str, ...]) -> str:
    path = next(above / "behaviour.json" for above in files.folder.parents if above.name == ".work")
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return next((told[key] for key in keys if key in told), "")


def self_test(files: JobFiles, request: SelfTestRequest) -> int:
    """Finds nothing wrong, or the sentence that the test told; the exit code."""
    if problem := behaviour_of(files, ("self test",)):
        jobfiles.write(files.failure, Failure(word="setup", sentence=problem))
        return 78
    tested_at = SystemClock().now()
    jobfiles.write(files.result, SelfTestResult(subject=request.subject, games=0, frames=0, tested_at=tested_at))
    return 0


def work(files: JobFiles) -> int:
    """Do what the request asks, or what the test told; the exit code."""
    kind = jobfiles.request_kind(files.request)
    request = jobfiles.read(kind, files.request)
    if isinstance(request, SelfTestRequest):
        return self_test(files, request)
    if isinstance(request, TimelapseRequest):
        return make_timelapse(files, request)
    return work_on_checkpoint(files, request)


def work_on_checkpoint(files: JobFiles, request: EvaluationRequest | RenderRequest) -> int:
    name = "evaluate" if isinstance(request, EvaluationRequest) else "render"
    behaviour = behaviour_of(files, (f"{name} {request.checkpoint.step if request.checkpoint else 0}", name))
    if behaviour == "refuse":
        jobfiles.write(files.failure, Failure(word="space_mismatch", sentence="the spaces are not those of the game"))
        return 65
    if behaviour == "setup":
        jobfiles.write(files.failure, Failure(word="setup", sentence="mednafen is not installed"))
        return 78
    if behaviour == "no encoder":
        jobfiles.write(files.failure, Failure(word="encoder", sentence="install PyAV's own wheel"))
        return 75
    if isinstance(request, EvaluationRequest):
        evaluate(files, request, behaviour)
    elif behaviour == "crash":
        raise RuntimeError("told to crash")
    elif behaviour == "hang":
        threading.Event().wait()
    else:
        render(files, request)
    return 0


if __name__ == "__main__":
    sys.exit(work(JobFiles(Path(sys.argv[1]))))
