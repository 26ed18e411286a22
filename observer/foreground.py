"""One evaluation for one person, here and now: the worker over a private job directory, without database or daemon."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from env.errors import EnvError
from env.options import ENVIRONMENT_FILE, EnvironmentOptions, OptionsError
from observer.adapters import jobfiles
from observer.adapters.backends.process import ProcessBackend
from observer.adapters.checkpoint_folder import companion_name, read_sidecar
from observer.adapters.opponents import read_opponent
from observer.adapters.recognition import checkpoint_of
from observer.app import WORKER_COMMAND
from observer.checkpointfile import read_file
from observer.config import Config
from observer.core.clock import SystemClock
from observer.core.errors import (
    CheckpointCorrupt,
    CheckpointError,
    CheckpointIncomplete,
    ExitCode,
    JobError,
    ObserverError,
    ResultInvalid,
    SetupError,
    WorkerCrashed,
)
from observer.core.layout import JobFiles, evaluation_name
from observer.core.models import Digest, EvaluationPlan, EvaluationRequest, EvaluationResult, Failure, Progress
from observer.core.plan import Planned, plan_digest, plan_name
from observer.files import write_whole
from observer.planner import Planner
from observer.sb3zip import check_archive

POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a checkpoint came to, by the name of each plan."""

    results: Mapping[str, EvaluationResult]
    #: why a scenario was not played; at least one other was
    refused: Mapping[str, str]


def evaluate_file(
    file: Path,
    config: Config,
    *,
    rom_sha256: Digest,
    output: Path | None,
    on_progress: Callable[[Progress], None],
    steps_behind: bool = True,
) -> Evaluated:
    """Evaluate a checkpoint by the configuration's plans.

    Args:
        file: the zip; an `environment.json` beside it wins over the configuration.
        config: the whole configuration, whose set-up was checked.
        rom_sha256: of its ROM.
        output: a new folder that keeps result, table and replays, in a folder for each scenario where there are
            several; None keeps nothing.
        on_progress: told about once a second.
        steps_behind: leave training all that it wants; else it competes, for games that somebody waits for.

    Raises:
        CheckpointError: the zip cannot be used in any scenario.
        OptionsError: its environment can be in none.
        SetupError: `output` exists, or the ROM or the emulator have gone.
        JobError: the worker came to no result.
    """
    blob, _ = read_file(file)
    check_archive(blob)
    opponent = read_opponent(config.evaluation.opponent)
    digest = None if opponent is None else opponent.digest
    planner = Planner(evaluation=config.evaluation, rom_sha256=rom_sha256, opponent_sha256=digest)
    planned = planner.planned(_environment(file, config))
    if not planned.plans:
        raise OptionsError("; ".join(planned.refused.values()))
    with _folder(output) as folder:
        snapshot = folder / "checkpoint.zip"
        write_whole(snapshot, blob)
        first = _request(file, blob, snapshot=snapshot, config=config, plan=planned.plans[0])
        first = replace(first, normalization=_keep_statistics(file, folder))
        if opponent is not None:
            write_whole(folder / "opponent.zip", opponent.blob)
            first = replace(first, opponent=str(folder / "opponent.zip"))
        play = partial(_play, on_progress=on_progress, steps_behind=steps_behind)
        if not config.evaluation.has_several_plans:
            return Evaluated(results={plan_name(first.plan): play(first, folder)}, refused={})
        return _play_all([replace(first, plan=plan) for plan in planned.plans], planned, folder, play=play)


def _play_all(
    requests: Sequence[EvaluationRequest],
    planned: Planned,
    folder: Path,
    *,
    play: Callable[[EvaluationRequest, Path], EvaluationResult],
) -> Evaluated:
    """Play every scenario that the checkpoint fits; one that it does not fit stops no other."""
    results: dict[str, EvaluationResult] = {}
    refused = dict(planned.refused)
    problem: CheckpointError | None = None
    for request in requests:
        name, place = plan_name(request.plan), evaluation_name(request.plan.scenario.name, plan_digest(request.plan))
        try:
            results[name] = play(request, folder / place)
        except CheckpointError as error:
            problem, refused[name] = error, str(error)
    if problem is not None and not results:
        raise problem
    return Evaluated(results=results, refused=refused)


def _play(
    request: EvaluationRequest, folder: Path, *, on_progress: Callable[[Progress], None], steps_behind: bool
) -> EvaluationResult:
    folder.mkdir(exist_ok=True)
    files = JobFiles(folder)
    jobfiles.write(files.request, request)
    return _run(files, request, on_progress, steps_behind=steps_behind)


@contextmanager
def _folder(output: Path | None) -> Iterator[Path]:
    if output is None:
        with TemporaryDirectory(prefix="observer-") as folder:
            yield Path(folder)
        return
    try:
        output.mkdir(parents=True)
    except OSError as error:
        raise SetupError(f"{output}: {error.strerror}; name a folder that does not exist yet") from error
    try:
        yield output.absolute()
    except (ObserverError, EnvError):
        shutil.rmtree(output, ignore_errors=True)  # nothing came of it, and the next try wants the same folder
        raise


def _keep_statistics(file: Path, folder: Path) -> str | None:
    """A copy of VecNormalize's statistics beside a checkpoint; None: there are none."""
    beside = file.with_name(companion_name(file.name))
    if not beside.exists():
        return None
    copy = folder / "vecnormalize.pkl"
    write_whole(copy, read_file(beside)[0])
    return str(copy)


def _environment(file: Path, config: Config) -> EnvironmentOptions:
    return read_sidecar(file.parent) if (file.parent / ENVIRONMENT_FILE).exists() else config.environment.options()


def _request(file: Path, blob: bytes, *, snapshot: Path, config: Config, plan: EvaluationPlan) -> EvaluationRequest:
    return EvaluationRequest(
        checkpoint=checkpoint_of(blob, name=file.name, trust=config.policy.trust, seen_at=SystemClock().now()),
        snapshot=str(snapshot),
        plan=plan,
        rom=str(config.environment.rom_path.absolute()),
        start_states=None,
        trusted_classes=config.policy.classes,
        trust=config.policy.trust,
    )


def _run(
    files: JobFiles, request: EvaluationRequest, on_progress: Callable[[Progress], None], *, steps_behind: bool
) -> EvaluationResult:
    run_worker(files, on_progress, steps_behind=steps_behind)
    return jobfiles.read_result(files.result, request)


def run_worker(files: JobFiles, on_progress: Callable[[Progress], None], *, steps_behind: bool) -> None:
    """Have the request of a private job directory done.

    Raises:
        CheckpointError, SetupError, JobError: it was not; `evaluate_file` says which means what.
    """
    backend = ProcessBackend(slots=1, command=WORKER_COMMAND, steps_behind=steps_behind)
    backend.start(files.folder)
    try:
        while not (exits := backend.poll()):
            _tell(files, on_progress)
            threading.Event().wait(POLL_SECONDS)
    finally:
        backend.stop(files.folder)
    if exits[0].code != ExitCode.DONE:
        raise _failure(files, exits[0].code)


def _tell(files: JobFiles, on_progress: Callable[[Progress], None]) -> None:
    try:
        on_progress(jobfiles.read(Progress, files.progress))
    except ResultInvalid:
        return  # the worker has not begun to tell


def _failure(files: JobFiles, code: int) -> Exception:
    """What the worker said of its failure, as the error that it is."""
    try:
        said = jobfiles.read(Failure, files.failure)
    except ResultInvalid:
        return WorkerCrashed(code, jobfiles.last_words(files))
    kinds: dict[int, Exception] = {
        ExitCode.REFUSED: CheckpointCorrupt(said.word, said.sentence),
        ExitCode.TRY_AGAIN: CheckpointIncomplete(said.word, said.sentence),
        ExitCode.SETUP: SetupError(said.sentence),
    }
    return kinds.get(code, JobError(said.sentence))
