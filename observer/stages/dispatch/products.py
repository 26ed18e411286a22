"""What each kind of job asks of its worker, and what becomes of the result: moved into place, then committed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import structlog

from observer.adapters import evidence, jobfiles
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.errors import JobError
from observer.core.highlights import choose as choose_highlights
from observer.core.layout import JobFiles, RunLayout, evaluation_folder
from observer.core.models import EvaluationRequest, EvaluationResult, Job, JobKind, RenderResult, RenderSpec
from observer.core.plan import plan_digest
from observer.core.runjob import AnyJob, RunJob
from observer.core.tasks import evaluation_request, evidence_folder, render_request
from observer.stages.dispatch.settings import DispatchSettings

log = structlog.get_logger()

#: a clip that fails twice will fail again
MAX_RENDER_FAILURES: Final = 2


class RunWork(Protocol):
    """A stage that makes something of the whole run by jobs of a kind of its own."""

    def request(self, job: RunJob) -> object:
        """What its worker is given to do, as jobfiles writes it."""

    def commit(self, job: RunJob, files: JobFiles) -> None:
        """Move what the worker made into place, then have it recorded by `Store.of_run.commit`.

        Raises:
            JobError: it is not what was asked for.
        """


class Products:
    """One run's requests and results."""

    def __init__(
        self,
        *,
        settings: DispatchSettings,
        store: Store,
        layout: RunLayout,
        clock: Clock,
        of_run: Mapping[JobKind, RunWork],
    ) -> None:
        self._settings = settings
        self._store = store
        self._layout = layout
        self._clock = clock
        self._of_run = of_run

    def request(self, job: AnyJob, earlier: Sequence[JobFiles]) -> object:
        """`earlier`: attempts whose finished games are not played again."""
        if isinstance(job, RunJob):
            return self._of_run[job.kind].request(job)
        if job.kind is JobKind.RENDER:
            settings = self._settings
            return render_request(
                job,
                self._layout,
                rom=settings.rom,
                overlay=settings.overlay,
                trusted_classes=settings.trusted_classes,
            )
        return self._evaluation_request(job, earlier)

    def commit(self, job: AnyJob, files: JobFiles, earlier: Sequence[JobFiles]) -> None:
        """Have the result where it stays, and recorded.

        Raises:
            JobError: it does not answer the request, or another attempt was faster.
        """
        if isinstance(job, RunJob):
            self._of_run[job.kind].commit(job, files)
        elif job.kind is JobKind.RENDER:
            self._commit_clips(job, files)
        else:
            self._commit_evaluation(job, files, earlier)

    def max_failures(self, job: AnyJob) -> int:
        """In a row, after which it is given up."""
        return self._settings.max_failures if job.kind is JobKind.EVALUATE else MAX_RENDER_FAILURES

    def render_spec(self, result: EvaluationResult) -> RenderSpec | None:
        """What is to be filmed of a result; None: nothing."""
        folder = self._layout.evaluation(result.checkpoint, result.plan.scenario.name, plan_digest(result.plan))
        past = self._store.totals.past(result.plan, result.checkpoint.step)
        moments = evidence.moments(folder, result)
        highlights = choose_highlights(result.episodes, self._settings.reasons, moments=moments, past=past)
        return RenderSpec(highlights=tuple(highlights), encoding=self._settings.encoding) if highlights else None

    def _evaluation_request(self, job: Job, earlier: Sequence[JobFiles]) -> EvaluationRequest:
        request = evaluation_request(
            job,
            self._layout,
            rom=self._settings.rom,
            earlier=earlier,
            trusted_classes=self._settings.trusted_classes,
            trust=self._settings.trust,
        )
        statistics = self._layout.companion(job.checkpoint.digest, "vecnormalize")
        return replace(request, normalization=str(statistics) if statistics.is_file() else None)

    def _commit_evaluation(self, job: Job, files: JobFiles, earlier: Sequence[JobFiles]) -> None:
        result = jobfiles.read_result(files.result, self._evaluation_request(job, earlier))
        evidence.check_files(files)
        evidence.check_replays(files, result)
        evidence.place_evaluation(files, evidence_folder(job, self._layout))
        directory = evaluation_folder(job.checkpoint, job.plan.scenario.name, plan_digest(job.plan))
        self._store.commit_evaluation(
            job, result, directory=directory, render=self.render_spec(result), now=self._clock.now()
        )
        if self._settings.trust == "data":  # what ran code may have made states for others to begin from
            evidence.keep_start_states(files, self._layout.start_states)
        rate = f"{result.summary.wins}/{result.summary.episodes}"
        log.info("job.committed", job=job.id, attempt=job.attempt, step=job.checkpoint.step, won=rate)

    def _commit_clips(self, job: Job, files: JobFiles) -> None:
        result = jobfiles.read(RenderResult, files.result)
        problem = "; ".join(f"{reason}: {sentence}" for reason, sentence in result.problems.items()) or None
        if problem and not job.failures:
            raise JobError(problem)
        names = evidence.check_clips(files, result.clips)
        evidence.place_clips(files, evidence_folder(job, self._layout) / "clips", names=names)
        self._store.commit_clips(job, result.clips, problem=problem, now=self._clock.now())
        if problem:
            log.error("clip.failed", job=job.id, step=job.checkpoint.step, problem=problem)
        log.info("clip.rendered", job=job.id, step=job.checkpoint.step, clips=len(result.clips))
