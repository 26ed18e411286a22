"""What people ask of a run through its database: pause, resume, retry, evaluate now.

Pure values. A request is kept until the daemon has done it, however long that takes and whoever runs meanwhile.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

from observer.core.models import Digest, JobId


class Urgency(IntEnum):
    """How much somebody wants a job."""

    #: as the backlog's policy has it
    USUAL = 0
    #: asked for: in its turn, and never passed over
    ASKED = 1
    #: before everything else
    NOW = 2


class CommandKind(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    EVALUATE = "evaluate"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Which parked or skipped work is put back: exactly one of these says so."""

    job: JobId | None = None
    step: int | None = None
    #: the name of a file, as it lies in the watched folder
    name: str | None = None
    every: Literal["parked", "skipped"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateNow:
    """A zip that was laid into the letter box under its hash."""

    digest: Digest
    #: the file it was, with its folder; for people
    path: str
    #: text of the `environment.json` beside it; None: the run's own
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRun:
    """The run is over; another one begins in its folder."""

    #: under which it is kept
    name: str


Argument = Retry | EvaluateNow | CloseRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request that waits for the daemon."""

    id: int
    kind: CommandKind
    #: of the kinds RETRY, EVALUATE and CLOSE
    argument: Argument
    #: Unix seconds
    asked_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that holds of a whole run, and since when."""

    value: str
    #: Unix seconds
    since: float
