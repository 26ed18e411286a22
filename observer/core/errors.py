"""Every error the observer knows, and what each means for the work at hand.

ObserverError
|-- ConfigError                      stop: exit 78, all problems at once
|-- SetupError                       stop: exit 78 (ROM or emulator missing, wrong folder)
|-- AlreadyRunning                   another daemon holds the output: exit 75
|-- CheckpointError(word, sentence)
|   |-- CheckpointIncomplete         wait and look again
|   |-- CheckpointVanished           drop
|   `-- CheckpointCorrupt            park
|-- JobError
|   |-- WorkerCrashed                retry with back-off
|   |-- WorkerStalled                kill, retry
|   |-- OutOfMemory                  retry with back-off
|   |-- ResultInvalid                park
|   `-- StaleAttempt                 discard
|-- RenderError                      tried once more, then left out and why is recorded; the others are made
`-- StoreError -> SchemaTooNew       stop: exit 78
    |-- StoreBusy                    stop: exit 75
    `-- StoreDamaged                 stop: exit 75; the next start sets it aside

The class carries its consequence as `verdict`, so no caller needs a ladder of isinstance.
"""

from enum import IntEnum, StrEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command or a worker ends; the numbers from 64 on are those of sysexits.h."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    #: of a worker: the checkpoint is refused
    REFUSED = 65
    TRY_AGAIN = 75
    #: configuration, ROM or emulator; nothing runs before a person has mended it
    SETUP = 78


class Verdict(StrEnum):
    """What to do about an error."""

    WAIT = "wait"
    RETRY = "retry"
    PARK = "park"
    DROP = "drop"
    STOP = "stop"


class ObserverError(Exception):
    """Something that is said to a person in one sentence, without a traceback."""

    verdict: ClassVar[Verdict] = Verdict.STOP
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class ConfigError(ObserverError):
    """The configuration cannot be used; every problem is listed at once."""

    exit_code = ExitCode.SETUP

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join([f"{source}: {len(problems)} problem(s)", *(f"  {line}" for line in problems)]))
        self.source = source
        self.problems = problems


class SetupError(ObserverError):
    """Something the whole work stands on is missing; checkpoints wait until it is there."""

    exit_code = ExitCode.SETUP


class AlreadyRunning(ObserverError):
    """Another daemon works on this output folder."""

    exit_code = ExitCode.TRY_AGAIN


class CheckpointError(ObserverError):
    """A checkpoint cannot be used; `word` is stable for machines, `sentence` is for people."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(f"{word}: {sentence}")
        self.word = word
        self.sentence = sentence


class CheckpointIncomplete(CheckpointError):
    """It may still be being written."""

    verdict = Verdict.WAIT
    exit_code = ExitCode.TRY_AGAIN


class CheckpointVanished(CheckpointError):
    """It is no longer there."""

    verdict = Verdict.DROP


class CheckpointCorrupt(CheckpointError):
    """Waiting will not help."""

    verdict = Verdict.PARK


class JobError(ObserverError):
    """A job did not come to its end."""

    verdict = Verdict.RETRY
    #: what its checkpoint is parked under, should it come to that
    word: ClassVar[str] = "crashed"


class WorkerCrashed(JobError):
    """The worker process ended without a result."""

    def __init__(self, code: int, log_tail: str) -> None:
        super().__init__(f"the worker ended with code {code}: {log_tail or 'it wrote nothing to its log'}")
        self.code = code
        self.log_tail = log_tail


class WorkerStalled(JobError):
    """The worker used up its limit of CPU time or made no progress."""

    word = "stalled"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the worker made no progress in {seconds:.0f} s and was stopped")
        self.seconds = seconds


class OutOfMemory(JobError):
    """The worker came to the limit of memory that the observer's own service was given."""

    word = "out_of_memory"

    def __init__(self) -> None:
        super().__init__(
            "the memory limit of the observer's service was reached: raise MemoryMax, or lower workers.count or "
            "evaluation.lanes"
        )


class ResultInvalid(JobError):
    """The worker's result does not answer its request."""

    verdict = Verdict.PARK


class StaleAttempt(JobError):
    """A later attempt of the job has taken over; this result is thrown away."""

    verdict = Verdict.DROP


class RenderError(ObserverError):
    """A clip could not be made; the statistics and the other clips stand without it."""

    verdict = Verdict.RETRY


class EncoderMissing(RenderError):
    """No clip can be made before an encoder is installed; everything else goes on."""

    #: of a worker's failure.json
    word = "encoder"


class StoreError(ObserverError):
    """The database cannot be used."""

    exit_code = ExitCode.SETUP


class StoreDamaged(StoreError):
    """The database is damaged, or is somebody else's; the daemon sets it aside and finds it again from the results."""

    exit_code = ExitCode.TRY_AGAIN


class StoreBusy(StoreError):
    """Another process keeps the database locked; it may let go of it."""

    exit_code = ExitCode.TRY_AGAIN


class SchemaTooNew(StoreError):
    """The database was written by a newer observer."""
