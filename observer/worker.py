"""The worker: `python -m observer.worker JOB_DIR` does what the folder's request.json asks, and nothing else.

Exit codes: 0 result.json is there and whole; 65 the checkpoint is refused and 78 the ROM or the emulator is missing,
both with failure.json, or the disk has no room, without one; 75 try again; 1 anything else, with a traceback in the log.
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from env.boot import BootError
from env.errors import EmulatorMissing, EnvError, RomError
from observer.adapters import jobfiles
from observer.core.clock import SystemClock
from observer.core.errors import CheckpointError, CheckpointIncomplete, ExitCode
from observer.core.layout import JobFiles
from observer.core.models import EvaluationRequest, Failure, Progress, RenderRequest

log = structlog.get_logger()

#: of the disk, and so of no checkpoint: full, over a quota or a file's limit, or turned read-only
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


def work(folder: Path) -> int:
    """Do a job directory's request; the exit code."""
    files = JobFiles(folder)
    try:
        return _attempt(files)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return _without_room(files, error)
        log.exception("worker.failed", job=str(folder))
        return ExitCode.FAILED


def _attempt(files: JobFiles) -> int:
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


def _without_room(files: JobFiles, error: OSError) -> int:
    """All jobs wait, none is charged; the exit code has to do where even this sentence finds no room."""
    sentence = f"{files.folder}: {error.strerror}; free some disk space, or make the folder writable"
    with suppress(OSError):
        return _failed(files, "setup", sentence, code=ExitCode.SETUP)
    return ExitCode.SETUP


def main() -> None:
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and one folder
        print("usage: python -m observer.worker JOB_DIR", file=sys.stderr)  # noqa: T201
        raise SystemExit(ExitCode.USAGE)
    # before torch is imported: more threads than one slow down this worker and the training beside it
    os.environ["OMP_NUM_THREADS"] = "1"
    raise SystemExit(work(Path(sys.argv[1]).absolute()))


if __name__ == "__main__":
    main()
