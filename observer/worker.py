"""The worker: `python -m observer.worker JOB_DIR` does what the folder's request.json asks, and nothing else.

Exit codes: 0 result.json is there and whole; 65 the checkpoint is refused and 78 the ROM or the emulator is missing or no
game can be compared, both with failure.json, or the disk has no room, without one; 75 try again; 1 anything else, with a traceback in the log.
"""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from env.errors import BootError, EmulatorMissing, EnvError, NotComparable, RomError
from observer.adapters import confinement, jobfiles
from observer.adapters.backends import ONE_THREAD
from observer.adapters.confinement import Needs, python
from observer.core.clock import SystemClock
from observer.core.errors import CheckpointError, CheckpointIncomplete, EncoderMissing, ExitCode
from observer.core.layout import JobFiles
from observer.core.models import EvaluationRequest, Failure, Progress, RenderRequest
from observer.core.selftest import SelfTestRequest
from observer.core.timelapse import TimelapseRequest

log = structlog.get_logger()

#: of the disk, and so of no checkpoint: full, over a quota or a file's limit, or turned read-only
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
#: without which there are no clips, and everything else
_VIDEO_LIBRARIES: Final = ("av", "cv2")

Request = EvaluationRequest | RenderRequest | SelfTestRequest | TimelapseRequest
Confine = Callable[[Request, JobFiles], str]


def free(_request: Request, _files: JobFiles) -> str:
    """For a process that is not a worker's own."""
    return "none"


def work(folder: Path, *, confine: Confine = free) -> int:
    """Do a job directory's request, confined before a checkpoint or a replay is opened; the exit code."""
    files = JobFiles(folder)
    try:
        return _attempt(files, confine)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return _without_room(files, error)
        log.exception("worker.failed", job=str(folder))
        return ExitCode.FAILED


def _attempt(files: JobFiles, confine: Confine) -> int:
    try:
        _do(files, confine)
    except CheckpointIncomplete as error:
        return _failed(files, error.word, error.sentence, code=ExitCode.TRY_AGAIN)
    except CheckpointError as error:
        return _failed(files, error.word, error.sentence, code=ExitCode.REFUSED)
    except (RomError, EmulatorMissing, BootError, NotComparable) as error:
        return _failed(files, "setup", str(error), code=ExitCode.SETUP)
    except (EncoderMissing, ModuleNotFoundError) as error:
        return _without_encoder(files, error)
    except EnvError as error:
        return _failed(files, "emulator", str(error), code=ExitCode.TRY_AGAIN)
    return ExitCode.DONE


def _do(files: JobFiles, confine: Confine) -> None:
    kind = jobfiles.request_kind(files.request)
    clock = SystemClock()
    on_progress: Callable[[Progress], None] = partial(jobfiles.write, files.progress)
    result: object
    if kind is EvaluationRequest:
        from observer.stages.evaluation import evaluate  # noqa: PLC0415 -- torch, which rendering does without

        request = jobfiles.read(EvaluationRequest, files.request)
        confined = confine(request, files)
        result = evaluate(request, files, clock=clock, on_progress=on_progress, confinement=confined)
    elif kind is SelfTestRequest:
        from observer.stages.selftest import run_self_test  # noqa: PLC0415 -- as above

        testing = jobfiles.read(SelfTestRequest, files.request)
        confine(testing, files)
        result = run_self_test(testing, clock=clock)
    elif kind is TimelapseRequest:
        from observer.stages.lapsing import lapse  # noqa: PLC0415 -- as below

        lapsing = jobfiles.read(TimelapseRequest, files.request)
        confine(lapsing, files)
        result = lapse(lapsing, files, clock=clock, on_progress=on_progress)
    else:
        from observer.stages.rendering import render  # noqa: PLC0415 -- the encoder, which evaluation does without

        rendering = jobfiles.read(RenderRequest, files.request)
        confine(rendering, files)
        result = render(rendering, files, clock=clock, on_progress=on_progress)
    jobfiles.write(files.result, result)


def _failed(files: JobFiles, word: str, sentence: str, *, code: int) -> int:
    jobfiles.write(files.failure, Failure(word=word, sentence=sentence))
    log.error("worker.refused", word=word, sentence=sentence)
    return code


def _without_encoder(files: JobFiles, error: EncoderMissing | ModuleNotFoundError) -> int:
    """Clips wait, everything else goes on."""
    sentence = str(error)
    if isinstance(error, ModuleNotFoundError):
        if error.name not in _VIDEO_LIBRARIES:
            raise error
        sentence = f"the package {error.name} is not installed: install it again (pip install av opencv-python)"
    return _failed(files, EncoderMissing.word, sentence, code=ExitCode.TRY_AGAIN)


def _without_room(files: JobFiles, error: OSError) -> int:
    """All jobs wait, none is charged; the exit code has to do where even this sentence finds no room."""
    sentence = f"{files.folder}: {error.strerror}; free some disk space, or make the folder writable"
    with suppress(OSError):
        return _failed(files, "setup", sentence, code=ExitCode.SETUP)
    return ExitCode.SETUP


def confine_to_job(request: Request, files: JobFiles) -> str:
    """Keep nothing but the job directory to write in, and to read what the request names; in words."""
    files.temporary.mkdir(exist_ok=True)
    tempfile.tempdir = str(files.temporary)  # emulators have their homes there
    confined = confinement.confine(_needs(request, files))
    if confined.problem:
        log.warning("worker.confined_in_part", confinement=str(confined), problem=confined.problem)
    return str(confined)


def _needs(request: Request, files: JobFiles) -> Needs:
    return Needs(
        reads=[Path(request.rom), *_reads(request)],
        executes=python.executable("mednafen", "setpriv"),
        writes=(files.folder,),
        devices=python.devices(),
    )


def _reads(request: Request) -> Iterator[Path]:
    if not isinstance(request, EvaluationRequest):
        if isinstance(request, RenderRequest):
            yield Path(request.replays)
            yield from _overlaid(request)
        if isinstance(request, TimelapseRequest):
            yield from (Path(sight.replay) for sight in request.sights if Path(sight.replay).exists())
            yield from [] if request.films is None else [Path(request.films)]
        yield from python.readable(("observer", "env"))
        return
    named = (request.snapshot, request.normalization, request.opponent, request.start_states, *request.resume_from)
    yield from (Path(path) for path in named if path)
    yield from python.readable(("observer", "env", *request.trusted_classes.values()))
    if request.trust == "unpickle":
        yield from python.importable()


def _overlaid(request: RenderRequest) -> Iterator[Path]:
    """What the panel beside a game is made from, as far as it is there."""
    if request.overlay is not None:
        named = (request.overlay.snapshot, request.overlay.normalization)
        yield from (Path(name) for name in named if name is not None and Path(name).exists())
        yield from python.readable(tuple(request.overlay.trusted_classes.values()))


def main() -> None:
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and one folder
        print("usage: python -m observer.worker JOB_DIR", file=sys.stderr)  # noqa: T201
        raise SystemExit(ExitCode.USAGE)
    if not os.environ.items() >= ONE_THREAD.items():  # numpy has its threads by now: begin again
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **ONE_THREAD})  # noqa: S606 -- this very command
    folder = Path(sys.argv[1]).absolute()
    try:
        code = work(folder, confine=confine_to_job)
    finally:
        shutil.rmtree(JobFiles(folder).temporary, ignore_errors=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
