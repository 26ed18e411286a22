"""The queue, worked off: choose, claim, write JOB_DIR, start a worker, and settle how it ended.

Running is at least once, committing exactly once. A failure is counted only where no new game was finished; a stop or
death of the daemon, or a kill from outside, counts nothing.
"""

import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from env.errors import EnvError
from observer.adapters import jobfiles
from observer.adapters.backends import Backend, Exit
from observer.adapters.store import UNAVAILABLE, FactName, Store
from observer.core.clock import Clock
from observer.core.errors import (
    EncoderMissing,
    ExitCode,
    JobError,
    OutOfMemory,
    ResultInvalid,
    Verdict,
    WorkerCrashed,
    WorkerStalled,
)
from observer.core.idleness import Idleness
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Failure, Job, Progress
from observer.core.runjob import AnyJob, RunJob
from observer.stages.dispatch.products import Products
from observer.stages.dispatch.settings import DispatchSettings

log = structlog.get_logger()

KILLED_FROM_OUTSIDE: Final = frozenset(-sent for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
SETUP_HOLD_SECONDS: Final = 60.0


@dataclass(slots=True, kw_only=True)
class _Flight:
    """A worker that runs. Idle means: without a new frame or game."""

    job: AnyJob
    files: JobFiles
    idleness: Idleness


class Dispatch:
    """One run's queue, worked off."""

    def __init__(
        self,
        *,
        settings: DispatchSettings,
        products: Products,
        store: Store,
        layout: RunLayout,
        backend: Backend,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._products = products
        self._store = store
        self._layout = layout
        self._backend = backend
        self._clock = clock
        self._flights: dict[Path, _Flight] = {}
        #: how workers ended, or why they were stopped, whose jobs are still to be settled
        self._ended: dict[Path, Exit | WorkerStalled] = {}
        self._hold_until = float("-inf")
        self._held_for = ""

    @property
    def held_for(self) -> str:
        """What every worker misses, while all jobs wait for it; empty: nothing."""
        return self._held_for

    def reconfigure(self, settings: DispatchSettings, products: Products) -> None:
        """Go on by other settings; workers that run end by those they were started with."""
        self._settings = settings
        self._products = products
        self._hold_until, self._held_for = float("-inf"), ""

    def recover(self) -> None:
        """Take up what a daemon before us left running: whole results are adopted, the rest goes back, not counted."""
        for job in self._store.running():
            flight = self._flight(job)
            if flight.files.result.exists():
                log.info("job.adopted", job=job.id, attempt=job.attempt)
                self._flights[flight.files.folder] = flight
                self._ended[flight.files.folder] = Exit(job_dir=flight.files.folder, code=ExitCode.DONE)
            else:
                self._return(job, "the daemon before this one ended while it was being played")

    def note(self, exits: Sequence[Exit]) -> None:
        """Remember workers that ended until `collect` deals with them; those of other runs are not ours."""
        self._ended |= {exit_.job_dir: exit_ for exit_ in exits if exit_.job_dir in self._flights}

    def collect(self) -> None:
        """Deal with the workers that ended.

        Raises:
            OSError: the disk is full or not writable; the next call goes on with the other workers, then tries again.
        """
        for folder in tuple(self._ended):
            ended = self._ended.pop(folder)
            try:
                self._settle(self._flights[folder], ended)
            except BaseException:
                self._ended[folder] = ended  # behind the others
                raise
            del self._flights[folder]

    def stop_stalled(self) -> None:
        """Kill the workers that use time up and bring nothing."""
        for folder in tuple(self._flights.keys() - self._ended.keys()):
            seconds = self._idle(self._flights[folder])
            if seconds is not None:
                self._backend.stop(folder)
                self._ended[folder] = WorkerStalled(seconds)
        self.collect()

    def start_one(self) -> bool:
        """Start the next job that is due, if the backend has room; whether one was started."""
        if self._backend.running >= self._backend.slots or self._clock.monotonic() < self._hold_until:
            return False
        job = self._store.choose_and_claim(self._settings.backlog, now=self._clock.now())
        if job is None:
            return False
        if isinstance(job, Job) and job.plan.rom_sha256 != self._settings.rom_sha256:  # one that was asked for again
            self._park(job, "other_rom", "it was planned for another ROM than the present one")
            return True
        flight = self._flight(job)
        try:
            self._write_request(job, flight.files)
            self._backend.start(flight.files.folder)
        except (OSError, EnvError) as error:
            self._hold(str(error))
            self._return(job, "it could not be started")
            return False
        except JobError as error:  # there is nothing to ask its worker for; the next one may do
            self._decide(job, error)
            return True
        self._flights[flight.files.folder] = flight
        log.info("job.claimed", job=job.id, attempt=job.attempt, kind=job.kind.value, **_whose(job))
        return True

    def rest(self) -> None:
        """Stop what runs, if the run is paused: whoever pauses wants the machine now."""
        if self._store.facts.get(FactName.PAUSED) is not None:
            self._stop(tuple(self._flights.keys() - self._ended.keys()), "the run is paused")

    def stop_all(self) -> None:
        """Kill the workers; their jobs go back and resume later, nothing is counted."""
        self._stop(tuple(self._flights), "the daemon stops")

    def _stop(self, folders: Sequence[Path], reason: str) -> None:
        for folder in folders:
            self._backend.stop(folder)
            self._return(self._flights[folder].job, reason)
            del self._flights[folder]

    # -- one attempt

    def _flight(self, job: AnyJob) -> _Flight:
        files = self._layout.job(job.id, job.attempt)
        return _Flight(job=job, files=files, idleness=Idleness(checked_at=self._clock.monotonic()))

    def _write_request(self, job: AnyJob, files: JobFiles) -> None:
        shutil.rmtree(files.folder, ignore_errors=True)
        files.folder.mkdir(parents=True)
        jobfiles.write(files.request, self._products.request(job, self._earlier(job)))

    def _earlier(self, job: AnyJob) -> list[JobFiles]:
        attempts = (self._layout.job(job.id, attempt) for attempt in range(1, job.attempt))
        return [files for files in attempts if files.folder.is_dir()]

    # -- its end

    def _settle(self, flight: _Flight, ended: Exit | WorkerStalled) -> None:
        try:
            if isinstance(ended, WorkerStalled):
                raise ended
            self._settle_exit(flight.job, flight.files, ended)
        except JobError as error:
            self._decide(flight.job, error)

    def _settle_exit(self, job: AnyJob, files: JobFiles, ended: Exit) -> None:
        code = ended.code
        if code == ExitCode.DONE:
            self._commit(job, files)
        elif code == ExitCode.REFUSED:
            failure = jobfiles.read(Failure, files.failure)
            self._park(job, failure.word, failure.sentence)
        elif code == ExitCode.SETUP:
            self._hold(jobfiles.last_words(files) or "a worker could not write down what it misses: is the disk full?")
            self._return(job, "something that every worker needs is missing")
        elif ended.memory_short == "ours":
            raise OutOfMemory
        elif code in KILLED_FROM_OUTSIDE or ended.memory_short:
            self._return_killed(job, "the machine ran out of memory" if ended.memory_short else _sender(code))
        elif code == ExitCode.TRY_AGAIN and _misses_encoder(files):
            self._put_off(job, jobfiles.last_words(files))
        else:
            raise WorkerCrashed(code, jobfiles.last_words(files))

    def _decide(self, job: AnyJob, error: JobError) -> None:
        if error.verdict is Verdict.PARK:
            self._park(job, "result_invalid", str(error))
        elif error.verdict is Verdict.DROP:
            log.debug("job.superseded", job=job.id, attempt=job.attempt)
        else:
            self._retry(job, error)

    def _commit(self, job: AnyJob, files: JobFiles) -> None:
        self._held_for = ""  # a worker missed nothing
        earlier = self._earlier(job)
        self._products.commit(job, files, earlier)
        for attempt in (files, *earlier):
            shutil.rmtree(attempt.folder, ignore_errors=True)

    def _return(self, job: AnyJob, reason: str) -> None:
        """Back into the queue as if it had not been started."""
        self._store.requeue(job, not_before=0.0, failures=job.failures, error=job.error, kills=job.kills)
        log.info("job.returned", job=job.id, attempt=job.attempt, **_whose(job), reason=reason)

    def _put_off(self, job: AnyJob, sentence: str) -> None:
        """Clips wait for their encoder, uncharged, as long as anything is ever waited for; statistics go on."""
        wait = max(self._settings.backoff_seconds)
        error, not_before = f"{UNAVAILABLE}{sentence}", self._clock.now() + wait
        self._store.requeue(job, not_before=not_before, failures=job.failures, error=error, kills=job.kills)
        log.warning("clip.put_off", job=job.id, **_whose(job), wait_seconds=wait, problem=sentence)

    def _return_killed(self, job: AnyJob, reason: str) -> None:
        """Back, uncharged; but whatever kills one worker after the other is left more and more time to pass."""
        kills = 1 if self._finished_new_games(job) else job.kills + 1
        wait = self._wait_seconds(kills)
        self._store.requeue(
            job, not_before=self._clock.now() + wait, failures=job.failures, error=job.error, kills=kills
        )
        told = {"job": job.id, "attempt": job.attempt, **_whose(job), "wait_seconds": wait}
        log.info("job.returned", reason=reason, **told)

    def _wait_seconds(self, times: int) -> float:
        waits = self._settings.backoff_seconds
        return waits[min(max(times, 1), len(waits)) - 1]

    def _retry(self, job: AnyJob, error: JobError) -> None:
        failures = 0 if self._finished_new_games(job) else job.failures + 1
        if failures >= self._products.max_failures(job):
            self._park(job, error.word, f"{failures} attempts in a row brought nothing; the last: {error}")
            return
        wait = self._wait_seconds(failures)
        self._store.requeue(job, not_before=self._clock.now() + wait, failures=failures, error=str(error))
        log.warning("job.retried", job=job.id, attempt=job.attempt, wait_seconds=wait, problem=str(error))

    def _park(self, job: AnyJob, word: str, sentence: str) -> None:
        told = f"{job.subject if isinstance(job, RunJob) else job.plan.scenario.name}: {sentence}"
        self._store.park_job(job, word=word, sentence=told, now=self._clock.now())
        log.error("job.parked", job=job.id, **_whose(job), word=word, sentence=told)

    def _hold(self, sentence: str) -> None:
        """Something that every worker needs is missing: all wait, none is charged."""
        self._hold_until = self._clock.monotonic() + SETUP_HOLD_SECONDS
        if sentence != self._held_for:
            log.error("setup.missed", problem=sentence, waiting=f"looking again every {SETUP_HOLD_SECONDS:.0f} s")
        self._held_for = sentence

    def _finished_new_games(self, job: AnyJob) -> bool:
        now = {game.seed for game in jobfiles.read_episodes(self._layout.job(job.id, job.attempt).episodes)}
        before = {game.seed for files in self._earlier(job) for game in jobfiles.read_episodes(files.episodes)}
        return bool(now - before)

    def _idle(self, flight: _Flight) -> float | None:
        """The seconds that a worker has brought nothing, where they are too many."""
        cpu_seconds = self._backend.cpu_seconds(flight.files.folder)
        marker = _marker(flight.files)
        flight.idleness = flight.idleness.after(self._clock.monotonic(), marker=marker, cpu_seconds=cpu_seconds)
        limits, idleness = self._settings, flight.idleness
        return idleness.too_long(stall_cpu_seconds=limits.stall_cpu_seconds, stall_seconds=limits.stall_seconds)


def _whose(job: AnyJob) -> dict[str, object]:
    """Whose job it is, for the log."""
    return {"subject": job.subject} if isinstance(job, RunJob) else {"step": job.checkpoint.step}


def _misses_encoder(files: JobFiles) -> bool:
    try:
        return jobfiles.read(Failure, files.failure).word == EncoderMissing.word
    except ResultInvalid:
        return False


def _sender(code: int) -> str:
    return f"its worker was ended from outside ({signal.Signals(-code).name})"


def _marker(files: JobFiles) -> tuple[int, int]:
    """What moves while a worker gets on: games and frames."""
    try:
        progress = jobfiles.read(Progress, files.progress)
    except ResultInvalid:
        return (0, 0)
    return (progress.done, progress.frames)
