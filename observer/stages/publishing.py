"""Publishing: committed results, read from their evidence, to every writer that is behind.

A writer that fails is tried again later and stops no other. What an evaluation comes to is kept in memory once read;
its episodes are not. Never decides what a result is, and never touches the evidence.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import structlog

from observer.adapters import dropped, jobfiles
from observer.adapters.store import FactName, Store
from observer.adapters.writers import Publication, Published, Writer
from observer.core.clock import Clock
from observer.core.daemonstate import TrainingSpeed
from observer.core.errors import ResultInvalid
from observer.core.layout import RunLayout
from observer.core.models import Digest, Episode, Evaluation, EvaluationPlan, EvaluationResult, JobKind, JobState
from observer.core.recorded import NOTHING_RECORDED, Recorded
from observer.core.reference import Reference
from observer.core.timelapse import TimelapseResult

_FIRST_RETRY_SECONDS: Final = 2.0
_LAST_RETRY_SECONDS: Final = 300.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Pause:
    """A writer that failed waits until `until`, and twice as long after the next failure."""

    until: float
    seconds: float


class Publishing:
    """Brings the projections of a run up to date."""

    def __init__(
        self,
        store: Store,
        layout: RunLayout,
        writers: Sequence[Writer],
        *,
        clock: Clock,
        training: Callable[[], TrainingSpeed | None] = lambda: None,
        recorded: Callable[[], Recorded] = lambda: NOTHING_RECORDED,
    ) -> None:
        """`training` gives the trainer's speed, `recorded` its recorded games, as known when something is published."""
        self._store = store
        self._layout = layout
        self._writers = tuple(writers)
        self._clock = clock
        self._training = training
        self._recorded = recorded
        self._pauses: dict[str, _Pause] = {}
        self._read: dict[int, Published] = {}
        self._plans: dict[Digest, EvaluationPlan] = {}
        self._missing: set[int] = set()

    def flush(self) -> None:
        """Write what people have not seen yet; cheap where there is nothing new.

        A cursor moves once its writer's files are whole, to the revision that was read before the results were: what
        is committed meanwhile is published by the next flush.
        """
        revision = self._store.revision()
        due = [writer for writer in self._writers if self._is_due(writer, revision)]
        if not due:
            return
        publication = self._publication(revision)
        written = [writer.name for writer in due if self._write(writer, publication)]
        if written:
            _log.debug(
                "results.published", revision=revision, evaluations=len(publication.evaluations), writers=written
            )

    @property
    def is_behind(self) -> bool:
        """Whether a writer has not yet written the newest revision, or waits to try again."""
        revision = self._store.revision()
        return any(self._is_outdated(writer, revision) for writer in self._writers)

    def _is_outdated(self, writer: Writer, revision: int) -> bool:
        return self._store.cursor(writer.name) != revision or not writer.stands()

    def _is_due(self, writer: Writer, revision: int) -> bool:
        pause = self._pauses.get(writer.name)
        waits = pause is not None and self._clock.monotonic() < pause.until
        return not waits and self._is_outdated(writer, revision)

    def _write(self, writer: Writer, publication: Publication) -> bool:
        try:
            writer.write(publication)
        except (OSError, ResultInvalid) as error:
            self._pause(writer, error)
            return False
        self._pauses.pop(writer.name, None)
        self._store.advance(writer.name, publication.revision)
        return True

    def _pause(self, writer: Writer, error: Exception) -> None:
        before = self._pauses.get(writer.name)
        seconds = min(2 * before.seconds, _LAST_RETRY_SECONDS) if before else _FIRST_RETRY_SECONDS
        self._pauses[writer.name] = _Pause(self._clock.monotonic() + seconds, seconds)
        _log.warning("writer.failed", writer=writer.name, error=str(error), retry_seconds=seconds)

    def _publication(self, revision: int) -> Publication:
        gone = dropped.missing(self._layout.output, self._layout.dropped)
        found = (self._published(_without(evaluation, gone)) for evaluation in self._store.evaluations())
        return Publication(
            revision=revision,
            evaluations=tuple(entry for entry in found if entry is not None),
            plans=tuple(self._store.plans()),
            episodes=self._episodes,
            queue=self._queue(),
            parked=tuple(self._store.parked()),
            training=self._training(),
            clips_unavailable=self._store.totals.unavailable(),
            timelapse=self._timelapse(),
            recorded=self._recorded(),
            references=self._references(),
            ended="" if (ended := self._store.facts.get(FactName.ENDED)) is None else ended.value,
            is_final=self._store.facts.get(FactName.FINAL) is not None,
        )

    def _references(self) -> Mapping[Digest, tuple[Reference, ...]]:
        found: dict[Digest, tuple[Reference, ...]] = {}
        for subject, told in sorted(self._store.of_run.results(JobKind.REFERENCE).items()):
            plan, _, player = subject.partition("/")
            summary = jobfiles.summary_of(told)
            found[Digest(plan)] = (*found.get(Digest(plan), ()), Reference(player=player, summary=summary))  # type: ignore[arg-type]
        return found

    def _timelapse(self) -> TimelapseResult | None:
        """The newest that was made, while its films are there."""
        told = next(iter(self._store.of_run.results(JobKind.TIMELAPSE).values()), None)
        made = None if told is None else jobfiles.from_json(TimelapseResult, told, source="the time-lapse")
        if made is None or not (self._layout.output / made.video).is_file():
            return None
        return made

    def _queue(self) -> Mapping[str, int]:
        """The checkpoints by how far they are; a claim is no news, so waiting and running count as one."""
        counts = self._store.counts(JobKind.EVALUATE)
        return {
            "to play": counts[JobState.WAITING] + counts[JobState.RUNNING],
            "played": counts[JobState.DONE],
            "skipped": counts[JobState.SKIPPED],
            "parked": counts[JobState.PARKED],
        }

    def _published(self, evaluation: Evaluation) -> Published | None:
        """What is known of it, from memory or its evidence; None, said once, where the evidence is lost."""
        known = self._read.get(evaluation.id)
        if known is None:
            try:
                known = Published.of(evaluation, self._result(evaluation))
            except ResultInvalid as error:
                self._say_missing(evaluation, error)
                return None
            known = replace(known, plan=self._plans.setdefault(evaluation.plan_digest, known.plan))
        self._read[evaluation.id] = replace(known, evaluation=evaluation)
        return self._read[evaluation.id]

    def _say_missing(self, evaluation: Evaluation, error: ResultInvalid) -> None:
        if evaluation.id not in self._missing:
            self._missing.add(evaluation.id)
            _log.error("evidence.missing", folder=str(evaluation.directory), error=str(error))

    def _result(self, evaluation: Evaluation) -> EvaluationResult:
        return jobfiles.read(EvaluationResult, self._layout.output / evaluation.directory / "result.json")

    def _episodes(self, published: Published) -> Sequence[Episode]:
        return self._result(published.evaluation).episodes


def _without(evaluation: Evaluation, gone: Collection[PurePosixPath]) -> Evaluation:
    """The same, with the clips that were dropped named as such."""
    folder = evaluation.directory / "clips"
    lost = tuple(clip for clip in evaluation.clips if folder / clip.video in gone)
    if not lost:
        return evaluation
    return replace(evaluation, clips=tuple(clip for clip in evaluation.clips if clip not in lost), dropped=lost)
