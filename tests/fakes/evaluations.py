"""Committed evaluations made up from a few numbers, with real result files and, where asked, real clips."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath

import av
import numpy as np

from env.options import EnvironmentOptions, Scenario
from observer.adapters import jobfiles
from observer.adapters.writers import Publication, Published
from observer.core.layout import evaluation_folder
from observer.core.models import (
    Checkpoint,
    Clip,
    Digest,
    Episode,
    Evaluation,
    EvaluationPlan,
    EvaluationResult,
    Highlight,
    Outcome,
    ParkedFile,
    Provenance,
)
from observer.core.plan import plan_digest
from observer.core.statistics import summarise
from observer.core.timelapse import TimelapseResult

#: 2026-01-02 03:04:05 UTC
STARTED_AT = 1767323045.0


def digest_of(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def make_plan(*, level: int = 0, episodes: int = 20) -> EvaluationPlan:
    return EvaluationPlan(
        environment=EnvironmentOptions(scenario=Scenario(level=level)),
        seeds=tuple(range(episodes)),
        frame_limit=8000,
        capsule_limit=None,
        policy_mode="deterministic",
        lanes=16,
        rom_sha256=digest_of("rom"),
    )


def make_episode(index: int, *, skill: float, viruses: int, generator: np.random.Generator) -> Episode:
    """One game of a player who wins a `skill` share of its games and times out in a few of the others."""
    won = bool(generator.random() < skill)
    timed_out = not won and bool(generator.random() < 0.2)
    cleared = viruses if won else int(generator.integers(0, viruses))
    length = int(generator.integers(20, 200)) if not timed_out else 500
    return Episode(
        index=index,
        seed=index,
        outcome=Outcome.WIN if won else Outcome.TIMEOUT if timed_out else Outcome.LOSS,
        topped_out=not won and not timed_out,
        viruses_cleared=cleared,
        max_combo=int(generator.integers(0, 4)),
        capsules=length // 2,
        episode_length=length,
        frames=length * 16,
        total_reward=round(cleared / viruses + float(generator.normal(0, 0.05)), 4),
        replay_sha256=digest_of(f"{index} {skill}"),
    )


def make_result(checkpoint: Checkpoint, plan: EvaluationPlan, *, skill: float, finished_at: float) -> EvaluationResult:
    """A whole result; the same arguments give the same games."""
    generator = np.random.Generator(np.random.PCG64(checkpoint.step))
    viruses = 4 * (plan.scenario.level + 1)
    games = tuple(make_episode(seed, skill=skill, viruses=viruses, generator=generator) for seed in plan.seeds)
    return EvaluationResult(
        checkpoint=checkpoint,
        plan=plan,
        episodes=games,
        summary=summarise(games),
        provenance=Provenance(
            versions={"observer": "0.1.0", "emulator": "mednafen 1.29.0", "torch": "2.13.0"},
            rom_sha256=plan.rom_sha256,
            rom_name="a game of the tests",
            cpu_capability="AVX2",
            machine="x86_64",
            confinement="landlock 7, network loopback, calls filtered",
        ),
        started_at=finished_at - 60,
        finished_at=finished_at,
    )


def make_clips(folder: Path, seeds: Sequence[int]) -> tuple[Clip, ...]:
    """Playable clips with posters, for the best, median and worst game."""
    folder.mkdir(parents=True, exist_ok=True)
    reasons = zip(("best", "median", "worst"), seeds, strict=True)
    return tuple(_make_clip(folder, Highlight(seed=seed, reason=reason)) for reason, seed in reasons)


def _make_clip(folder: Path, highlight: Highlight, *, frames: int = 60) -> Clip:
    name = f"{highlight.reason}-{highlight.seed}"
    with av.open(str(folder / f"{name}.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(39375000, 655171))
        stream.width, stream.height, stream.pix_fmt = 256, 240, "yuv420p"
        for number in range(frames):
            picture = np.full((240, 256, 3), (number * 4, 40, 90), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    _make_poster(folder / f"{name}.png", hue=highlight.seed)
    return Clip(
        highlight=highlight,
        video=f"{name}.mp4",
        poster=f"{name}.png",
        frames=frames,
        seconds=frames * 655171 / 39375000,
        width=256,
        height=240,
    )


def _make_poster(path: Path, *, hue: int) -> None:
    picture = np.zeros((240, 256, 3), np.uint8)
    picture[20:220, 88:168] = (30 + 40 * (hue % 5), 60, 120)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 256, 240, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@dataclass
class SampleRun:
    """An output folder that fills with evaluations, as the writers see it."""

    output: Path
    evaluations: list[Evaluation] = field(default_factory=list)
    parked: list[ParkedFile] = field(default_factory=list)
    queue: dict[str, int] = field(default_factory=dict)

    def add(self, step: int, *, skill: float = 0.5, plan: EvaluationPlan | None = None, name: str = "") -> Evaluation:
        """Commit one more evaluation: `result.json` is on disk, the next id is taken."""
        plan = plan or make_plan()
        number = len(self.evaluations) + 1
        finished_at = STARTED_AT + 600 * number
        name = name or f"rl_model_{step}_steps.zip"
        checkpoint = Checkpoint(
            digest=digest_of(f"{step} {name}"), step=step, name=name, size=1_000_000, seen_at=finished_at
        )
        folder = evaluation_folder(checkpoint, plan.scenario.name, plan_digest(plan))
        result = make_result(checkpoint, plan, skill=skill, finished_at=finished_at)
        jobfiles.write(self.output / folder / "result.json", result)
        evaluation = Evaluation(
            id=number,
            checkpoint=checkpoint,
            plan_digest=plan_digest(plan),
            scenario=plan.scenario.name,
            directory=PurePosixPath(folder),
            finished_at=finished_at,
        )
        self.evaluations.append(evaluation)
        return evaluation

    def result(self, evaluation: Evaluation) -> EvaluationResult:
        return jobfiles.read(EvaluationResult, self.output / evaluation.directory / "result.json")

    def publication(self, *, timelapse: TimelapseResult | None = None) -> Publication:
        """What Publishing would hand to the writers."""
        by_id = {evaluation.id: evaluation for evaluation in self.evaluations}
        return Publication(
            revision=len(self.evaluations),
            evaluations=tuple(Published.of(evaluation, self.result(evaluation)) for evaluation in self.evaluations),
            plans=tuple(dict.fromkeys(entry.plan_digest for entry in reversed(self.evaluations))),
            episodes=lambda entry: self.result(by_id[entry.evaluation.id]).episodes,
            queue=self.queue,
            parked=tuple(self.parked),
            timelapse=timelapse,
        )
