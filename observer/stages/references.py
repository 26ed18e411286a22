"""The reference players: each plays the games of every plan once, for the report to draw its line beside the checkpoints.

What they come to lies in `references/`, apart from all checkpoints, and is in no table of theirs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from observer.adapters import evidence, jobfiles
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, Evaluation, EvaluationRequest, EvaluationResult, JobKind
from observer.core.plan import canonical_json
from observer.core.reference import Player, as_checkpoint, played_by
from observer.core.runjob import RunJob

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSettings:
    rom: Path
    rom_sha256: Digest
    #: none: nobody plays
    players: tuple[Player, ...]
    #: of the checkpoint that they may meet as opponent
    classes: Mapping[str, str] = field(default_factory=dict)


class References:
    """One run's reference players."""

    def __init__(self, *, settings: ReferenceSettings, store: Store, layout: RunLayout, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._layout = layout
        self._clock = clock
        #: what was there when they were last ordered
        self._seen = 0

    def refresh(self) -> None:
        """Have them play each plan that a result came of; cheap where none has landed since the last time."""
        if not self._settings.players or (count := self._store.totals.evaluations()) == self._seen:
            return
        playable = self._store.cartridges.plans(self._settings.rom_sha256)
        for plan, evaluation in {one.plan_digest: one for one in self._store.evaluations()}.items():
            if plan in playable:
                self._want(evaluation)
        self._seen = count

    def _want(self, evaluation: Evaluation) -> None:
        known = self._store.of_run.newest(JobKind.REFERENCE)
        for player in self._settings.players:
            subject = f"{evaluation.plan_digest}/{player}"
            order = canonical_json({"player": player, "result": str(evaluation.directory)})
            if subject not in known and not self._is_adopted(subject, order):
                self._store.of_run.want(JobKind.REFERENCE, subject, order, now=self._clock.now())

    def _is_adopted(self, subject: str, order: str) -> bool:
        """Whether it lies there from before a database was lost, and holds: then it is not played again."""
        files = JobFiles(self._layout.reference(subject))
        if not files.result.exists():
            return False
        try:
            result = jobfiles.read_result(files.result, self._request(order))
            evidence.check_replays(files, result)
        except ResultInvalid:
            return False
        told = canonical_json(jobfiles.plain(result.summary))
        return self._store.of_run.adopt(JobKind.REFERENCE, subject, order, result=told, now=self._clock.now())

    def request(self, job: RunJob) -> EvaluationRequest:
        """See `RunWork.request`.

        Raises:
            ResultInvalid: the result whose plan it is to play is gone, or is of another ROM.
        """
        return replace(self._request(job.detail), resume_from=tuple(str(files.folder) for files in self._earlier(job)))

    def _request(self, order: str) -> EvaluationRequest:
        told = json.loads(order)
        plan = jobfiles.read(EvaluationResult, self._layout.output / told["result"] / "result.json").plan
        if plan.rom_sha256 != self._settings.rom_sha256:  # its worker would refuse, and with that hold up all others
            raise ResultInvalid("it was planned for another ROM than the present one; put that one back to play it")
        rival = plan.opponent_sha256
        request = EvaluationRequest(
            checkpoint=as_checkpoint(told["player"]),
            snapshot="",
            plan=plan,
            rom=str(self._settings.rom),
            start_states=str(self._layout.start_states),
            trusted_classes=self._settings.classes,
            opponent=None if rival is None else str(self._layout.opponent(rival)),
        )
        return played_by(told["player"], request)

    def _earlier(self, job: RunJob) -> Sequence[JobFiles]:
        attempts = (self._layout.job(job.id, attempt) for attempt in range(1, job.attempt))
        return [files for files in attempts if files.folder.is_dir()]

    def commit(self, job: RunJob, files: JobFiles) -> None:
        """See `RunWork.commit`."""
        result = jobfiles.read_result(files.result, self.request(job))
        evidence.check_files(files)
        evidence.check_replays(files, result)
        evidence.place_evaluation(files, self._layout.reference(job.subject))
        self._store.of_run.commit(
            job, canonical_json(jobfiles.plain(result.summary)), problem=None, now=self._clock.now()
        )
        rate = f"{result.summary.wins}/{result.summary.episodes}"
        log.info("reference.played", job=job.id, player=result.checkpoint.name, won=rate)
