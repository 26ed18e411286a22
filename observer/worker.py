"""The worker: `python -m observer.worker JOB_DIR` does what the folder's request.json asks, and nothing else.

Exit codes: 0 result.json is there and whole; 65 the checkpoint is refused and 78 the ROM or the emulator is missing,
both with failure.json; 75 try again; 1 anything else, with a traceback in the log.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from env.boot import BootError
from env.errors import EmulatorMissing, EnvError, RomError
from observer.adapters import jobfiles
from observer.core.clock import SystemClock
from observer.core.errors import CheckpointError, CheckpointIncomplete, ExitCode
from observer.core.layout import JobFiles
from observer.core.models import EvaluationRequest, Failure, Progress, RenderRequest

log = structlog.get_logger()


def work(folder: Path) -> int:
    """Do a job directory's request; the exit code."""
    files = JobFiles(folder)
    try:
        _do(files)
    except CheckpointIncomplete as error:
        return _failed(files, error.word, error.sentence, code=ExitCode.TRY_AGAIN)
    except CheckpointError as error:
        return _failed(files, error.word, error.sentence, code=ExitCode.REFUSED)
    except (RomError, EmulatorMissing, BootError) as error:
        return _failed(files, "setup", str(error), code=ExitCode.SETUP)
    except EnvError as error:
        return _failed(files, "emulator", str(error), code=ExitCode.TRY_AGAIN)
    except Exception:
        log.exception("worker.failed", job=str(folder))
        return ExitCode.FAILED
    return ExitCode.DONE


def _do(files: JobFiles) -> None:
    kind = jobfiles.request_kind(files.request)
    clock = SystemClock()
    on_progress: Callable[[Progress], None] = partial(jobfiles.write, files.progress)
    result: object
    if kind is EvaluationRequest:
        from observer.stages.evaluation import evaluate  # noqa: PLC0415 -- torch, which rendering does without

        request = jobfiles.read(EvaluationRequest, files.request)
        result = evaluate(request, files, clock=clock, on_progress=on_progress)
    else:
        from observer.stages.rendering import render  # noqa: PLC0415 -- the encoder, which evaluation does without

        result = render(jobfiles.read(RenderRequest, files.request), files, clock=clock, on_progress=on_progress)
    jobfiles.write(files.result, result)


def _failed(files: JobFiles, word: str, sentence: str, *, code: int) -> int:
    jobfiles.write(files.failure, Failure(word=word, sentence=sentence))
    log.error("worker.refused", word=word, sentence=sentence)
    return code


def main() -> None:
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and one folder
        print("usage: python -m observer.worker JOB_DIR", file=sys.stderr)  # noqa: T201
        raise SystemExit(ExitCode.USAGE)
    # before torch is imported: more threads than one slow down this worker and the training beside it
    os.environ["OMP_NUM_THREADS"] = "1"
    raise SystemExit(work(Path(sys.argv[1]).absolute()))


if __name__ == "__main__":
    main()
