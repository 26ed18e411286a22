"""Which waiting job runs next, and which are passed over because newer checkpoints wait.

Pure: values in, a choice out. A choice is a proposal; the store makes it true in one transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from observer.core.asking import Urgency
from observer.core.models import Digest, JobId, JobKind

Order = Literal["newest_first", "oldest_first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogPolicy:
    order: Order = "newest_first"
    #: evaluate the first checkpoint of every so many steps; 0: all
    every_steps: int = 0
    #: evaluate every so-manieth checkpoint, in the order they came; 1: all
    every_checkpoints: int = 1
    #: more than this many checkpoints waiting: older ones are skipped; 0: never
    backlog_limit: int = 8
    #: every so-manieth checkpoint of the run is never skipped for it; 0: none
    keep_every: int = 10
    #: a wait longer than this was written under another clock, and is over
    longest_wait_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A waiting job, as far as choosing goes."""

    id: JobId
    kind: JobKind
    #: empty: of no checkpoint
    plan: Digest
    step: int
    #: how many jobs of its kind came before it in this run; never changes
    position: int
    #: it was claimed before; games may be finished
    was_started: bool
    #: Unix seconds
    not_before: float
    urgency: Urgency = Urgency.USUAL

    @property
    def may_be_passed_over(self) -> bool:
        """Nobody asked for it, and no game of it was played."""
        return self.urgency is Urgency.USUAL and not self.was_started


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    #: to be claimed now; None: nothing is due
    claim: JobId | None
    #: to be recorded as skipped
    skip: tuple[JobId, ...]


Taken = Collection[tuple[Digest, int]]
"""Plan and step of the evaluations that run or are done."""


def choose(waiting: Sequence[Waiting], policy: BacklogPolicy, *, now: float, taken: Taken = ()) -> Choice:
    """The next job and the skipped ones.

    Evaluations go first, until more renderings than evaluations wait: clips come late under load, but they come. What
    training played is filmed when nothing else is due.
    What somebody asked for is not passed over, and what was asked for at once goes before all else.

    Args:
        waiting: every waiting job of the run.
        policy: the configuration's.
        now: Unix seconds.
        taken: what `every_steps` is counted against.
    """
    evaluations = [job for job in waiting if job.kind is JobKind.EVALUATE]
    renderings = [job for job in waiting if job.kind in {JobKind.RENDER, JobKind.TIMELAPSE}]
    films = [job for job in waiting if job.kind in {JobKind.FILM, JobKind.REFERENCE}]
    skipped = _outside_steps(evaluations, policy.every_steps, taken)
    skipped |= {job.id for job in evaluations if job.position % policy.every_checkpoints and job.may_be_passed_over}
    skipped |= _overflow([job for job in evaluations if job.id not in skipped], policy)
    evaluations = [job for job in evaluations if job.id not in skipped]
    first, second = evaluations, renderings
    if len(renderings) > len(evaluations):
        first, second = renderings, evaluations
    at_once = [job for job in evaluations if job.urgency is Urgency.NOW]
    claim = next((job for jobs in (at_once, first, second, films) if (job := _next(jobs, policy, now=now))), None)
    return Choice(claim=claim, skip=tuple(sorted(skipped)))


def _next(jobs: Sequence[Waiting], policy: BacklogPolicy, *, now: float) -> JobId | None:
    due = [job for job in jobs if not now < job.not_before <= now + policy.longest_wait_seconds]
    if not due:
        return None
    if policy.order == "newest_first":
        return max(due, key=lambda job: (job.step, job.id)).id
    return min(due, key=lambda job: (job.step, job.id)).id


def _outside_steps(evaluations: Sequence[Waiting], every_steps: int, taken: Taken) -> set[JobId]:
    if not every_steps:
        return set()
    used = {(plan, step // every_steps) for plan, step in taken}
    outside = set()
    for job in sorted(evaluations, key=lambda job: (job.step, job.id)):
        span = (job.plan, job.step // every_steps)
        if span in used and job.may_be_passed_over:
            outside.add(job.id)
        used.add(span)
    return outside


def _overflow(evaluations: Sequence[Waiting], policy: BacklogPolicy) -> set[JobId]:
    if not policy.backlog_limit:
        return set()
    may_go = [job for job in evaluations if job.may_be_passed_over and not _is_kept(job, policy.keep_every)]
    newest_first = sorted(may_go, key=lambda job: (job.step, job.id), reverse=True)
    waiting: dict[Digest, list[JobId]] = {}  # what is counted is checkpoints: each has a job a plan
    for job in newest_first:
        waiting.setdefault(job.plan, []).append(job.id)
    return {job for jobs in waiting.values() for job in jobs[policy.backlog_limit :]}


def _is_kept(job: Waiting, keep_every: int) -> bool:
    return keep_every > 0 and job.position % keep_every == 0
