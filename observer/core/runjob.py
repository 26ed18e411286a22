"""A job of no checkpoint: work on the whole run, such as its time-lapse."""

from dataclasses import dataclass

from observer.core.models import Job, JobId, JobKind, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """Work on the whole run, of no checkpoint."""

    id: JobId
    kind: JobKind
    #: what is made of it; of a kind and subject only one waits at a time
    subject: str
    #: its order, as the stage that wants it writes it down
    detail: str
    #: for the order of the queue, as if it were a checkpoint's
    step: int
    state: JobState
    attempt: int = 0
    failures: int = 0
    kills: int = 0
    not_before: float = 0.0
    error: str | None = None
    #: what it came to, as the stage that wanted it writes it down; None: it is not done
    result: str | None = None


AnyJob = Job | RunJob
