"""What a worker is given to do: a job as the request that its directory holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, EvaluationRequest, Job, Overlay, RenderRequest, RenderSpec, Trust
from observer.core.plan import plan_digest


def evidence_folder(job: Job, layout: RunLayout) -> Path:
    """Where the result of a job's evaluation lies, or will."""
    return layout.evaluation(job.checkpoint, job.plan.scenario.name, plan_digest(job.plan))


def evaluation_request(
    job: Job,
    layout: RunLayout,
    *,
    rom: Path,
    earlier: Sequence[JobFiles],
    trusted_classes: Mapping[str, str],
    trust: Trust,
) -> EvaluationRequest:
    """`earlier`: attempts whose finished games are not played again."""
    return EvaluationRequest(
        checkpoint=job.checkpoint,
        snapshot=str(layout.snapshot(job.checkpoint.digest)),
        plan=job.plan,
        rom=str(rom),
        start_states=str(layout.start_states),
        resume_from=tuple(str(files.folder) for files in earlier),
        trusted_classes=trusted_classes,
        trust=trust,
        opponent=None if job.plan.opponent_sha256 is None else str(layout.opponent(job.plan.opponent_sha256)),
    )


def render_request(
    job: Job, layout: RunLayout, *, rom: Path, overlay: bool, trusted_classes: Mapping[str, str]
) -> RenderRequest:
    """`overlay`: with a panel beside the game."""
    render = job.render or RenderSpec(highlights=())
    return RenderRequest(
        checkpoint=job.checkpoint,
        plan=job.plan,
        rom=str(rom),
        replays=str(evidence_folder(job, layout) / "replays"),
        highlights=render.highlights,
        encoding=render.encoding,
        overlay=_overlay(job.checkpoint.digest, layout, trusted_classes) if overlay else None,
    )


def _overlay(digest: Digest, layout: RunLayout, trusted_classes: Mapping[str, str]) -> Overlay:
    return Overlay(
        snapshot=str(layout.snapshot(digest)),
        normalization=str(layout.companion(digest, "vecnormalize")),
        trusted_classes=trusted_classes,
    )
