"""The run's database as the program sees it: every method is one transaction, whole or not at all.

Refuses to read clocks, files of results, or to choose: `core.backlog` chooses.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from observer.adapters.store import attempts, rows
from observer.adapters.store.cartridges import Cartridges
from observer.adapters.store.copies import Copies
from observer.adapters.store.facts import FactName, Facts
from observer.adapters.store.requests import Requests
from observer.adapters.store.results import add_clips, add_evaluation
from observer.adapters.store.runjobs import RunJobs
from observer.adapters.store.session import Session
from observer.adapters.store.totals import UNAVAILABLE, Totals
from observer.core.backlog import BacklogPolicy, choose
from observer.core.companion import Companion
from observer.core.models import (
    Checkpoint,
    Clip,
    Digest,
    Evaluation,
    EvaluationPlan,
    EvaluationResult,
    Job,
    JobId,
    JobKind,
    JobState,
    ParkedFile,
    RenderSpec,
)
from observer.core.plan import plan_digest
from observer.core.runjob import AnyJob


class Store:
    """One run's database; a context manager. Whoever writes holds the lock of the output folder."""

    def __init__(self, path: Path, *, read_only: bool = False, to_ask: bool = False) -> None:
        """`to_ask`: only to leave requests, beside the daemon that has it."""
        self._session = Session(path, access="read" if read_only else "ask" if to_ask else "own")
        #: what people asked for
        self.requests = Requests(self._session)
        #: what holds of the whole run
        self.facts = Facts(self._session)
        self.totals = Totals(self._session)
        #: work of no checkpoint
        self.of_run = RunJobs(self._session)
        self.cartridges = Cartridges(self._session)
        self.copies = Copies(self._session)

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            StoreError: it cannot be used; SchemaTooNew: a newer observer wrote it.
        """
        self._session.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._session.connection

    # -- files and checkpoints

    def admit(
        self,
        checkpoint: Checkpoint,
        plans: Sequence[EvaluationPlan],
        *,
        path: str,
        seen_as: str,
        companion: Companion | None = None,
    ) -> list[JobId]:
        """Record a checkpoint, what belongs to it, and its evaluations; the new jobs, none where all were known."""
        with self._session.transaction(people_see_it=True) as connection:
            rows.add_checkpoint(connection, checkpoint)
            connection.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, NULL, NULL, ?)",
                (path, seen_as, checkpoint.digest, checkpoint.seen_at),
            )
            now = checkpoint.seen_at
            if companion is not None:
                rows.add_companion(connection, checkpoint.digest, companion)
            rows.take_copy_back(connection, checkpoint.digest, now=now)
            rows.plan_anew(connection, checkpoint.digest, plans, now=now)
            jobs = [rows.add_job(connection, JobKind.EVALUATE, checkpoint, plan, now=now) for plan in plans]
        return [job for job in jobs if job is not None]

    def companion(self, digest: Digest) -> Digest | None:
        """The hash of what is recorded beside a checkpoint."""
        row = self._connection.execute("SELECT digest FROM companion WHERE checkpoint = ?", (digest,)).fetchone()
        return None if row is None else Digest(row[0])

    def park_file(self, file: ParkedFile, *, seen_as: str) -> None:
        """Record a file that cannot be used, as it looked when that was found."""
        with self._session.transaction(people_see_it=True) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, NULL, ?, ?, ?)",
                (file.path, seen_as, file.word, file.sentence, file.seen_at),
            )

    def parked_files(self) -> list[ParkedFile]:
        """Files that cannot be used; newest last."""
        found = self._connection.execute(
            "SELECT path, word, sentence, seen_at FROM file WHERE word IS NOT NULL ORDER BY seen_at, path"
        )
        return [ParkedFile(path=row[0], word=row[1], sentence=row[2], seen_at=row[3]) for row in found]

    def forget_files(self, paths: Iterable[str]) -> None:
        """Parked files that are no longer there."""
        with self._session.transaction(people_see_it=True) as connection:
            connection.executemany("DELETE FROM file WHERE path = ? AND word IS NOT NULL", [(path,) for path in paths])

    def seen_files(self) -> dict[str, str]:
        """Path of every file looked at -> what it looked like."""
        return dict(self._connection.execute("SELECT path, seen_as FROM file"))

    def parked(self) -> list[ParkedFile]:
        """Files that cannot be used, and checkpoints whose evaluation cannot be done; newest last."""
        found = self._connection.execute(
            """SELECT path, word, sentence, seen_at FROM file WHERE word IS NOT NULL
            UNION ALL SELECT checkpoint.name, job.word, job.error, job.changed_at FROM job
            JOIN checkpoint ON checkpoint.digest = job.checkpoint WHERE job.state = 'parked' AND job.kind = 'evaluate'
            ORDER BY 4, 1"""
        )
        return [ParkedFile(path=row[0], word=row[1], sentence=row[2], seen_at=row[3]) for row in found]

    def evaluation_state(self, digest: Digest, plan: EvaluationPlan) -> JobState | None:
        """How far the evaluation of a checkpoint under a plan is; None: it was never asked for."""
        row = self._connection.execute(
            "SELECT state FROM job WHERE kind = 'evaluate' AND checkpoint = ? AND plan = ?", (digest, plan_digest(plan))
        ).fetchone()
        return None if row is None else JobState(row[0])

    # -- the queue

    def choose_and_claim(self, policy: BacklogPolicy, *, now: float) -> AnyJob | None:
        """Claim the next job that is due, and record what is passed over for it; nothing while the run is paused."""
        if not self._session.number("SELECT EXISTS (SELECT 1 FROM job WHERE state = 'waiting')"):
            return None
        with self._session.transaction(people_see_it=False) as connection:
            if self.facts.get(FactName.PAUSED) is not None:
                return None
            waiting = [rows.waiting_of(row) for row in connection.execute(rows.WAITING)]
            taken = connection.execute(
                "SELECT plan, checkpoint.step FROM job JOIN checkpoint ON checkpoint.digest = job.checkpoint "
                "WHERE kind = 'evaluate' AND state IN ('running', 'done')"
            )
            choice = choose(waiting, policy, now=now, taken=[(Digest(row[0]), row[1]) for row in taken])
            self._skip(choice.skip, now=now)
            if choice.claim is None:
                return None
            connection.execute(
                "UPDATE job SET state = 'running', attempt = attempt + 1, changed_at = ? WHERE id = ?",
                (now, choice.claim),
            )
        return self.job(choice.claim)

    def requeue(self, job: AnyJob, *, not_before: float, failures: int, error: str | None, kills: int = 0) -> None:
        """Put a running attempt back; `failures` and `kills` in a row are the caller's to count.

        Raises:
            StaleAttempt: it is not the attempt that runs.
        """
        is_news = error is not None and error.startswith(UNAVAILABLE) and error != job.error
        with self._session.transaction(people_see_it=is_news) as connection:
            if attempts.dropped_for_a_later_one(connection, job):
                return
            changed = connection.execute(
                "UPDATE job SET state = 'waiting', not_before = ?, failures = ?, kills = ?, error = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (not_before, failures, kills, error, job.id, job.attempt),
            )
            attempts.require_current(changed.rowcount, job)

    def park_job(self, job: AnyJob, *, word: str, sentence: str, now: float) -> None:
        """Give a running attempt's job up until somebody asks for it again.

        Raises:
            StaleAttempt: it is not the attempt that runs.
        """
        with self._session.transaction(people_see_it=True) as connection:
            if attempts.dropped_for_a_later_one(connection, job):
                return
            changed = connection.execute(
                "UPDATE job SET state = 'parked', word = ?, error = ?, changed_at = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (word, sentence, now, job.id, job.attempt),
            )
            attempts.require_current(changed.rowcount, job)

    def job(self, job: JobId) -> AnyJob:
        return rows.job_of(self._connection.execute(f"{rows.JOBS} WHERE job.id = ?", (job,)).fetchone())

    def jobs(self, *states: JobState) -> list[Job]:
        """The jobs of checkpoints in these states, or all, in the order they came."""
        marks = ", ".join("?" * len(wanted := states or tuple(JobState)))
        which = f"WHERE job.state IN ({marks}) AND job.checkpoint IS NOT NULL ORDER BY job.id"
        return [rows.checkpoint_job_of(row) for row in self._connection.execute(f"{rows.JOBS} {which}", wanted)]

    def running(self) -> list[AnyJob]:
        found = self._connection.execute(f"{rows.JOBS} WHERE job.state = 'running' ORDER BY job.id")
        return [rows.job_of(row) for row in found]

    def counts(self, kind: JobKind = JobKind.EVALUATE) -> Mapping[JobState, int]:
        """How many jobs of a kind are in each state; every state is there."""
        found = self._connection.execute("SELECT state, COUNT(*) FROM job WHERE kind = ? GROUP BY state", (kind,))
        return dict.fromkeys(JobState, 0) | {JobState(row[0]): row[1] for row in found}

    def unsettled(self) -> set[JobId]:
        """Jobs of any kind that are not done."""
        return {JobId(row[0]) for row in self._connection.execute("SELECT id FROM job WHERE state <> 'done'")}

    def unfinished(self) -> int:
        """Jobs of any kind that wait or run, but for clips whose encoder is missing: nobody waits for that."""
        waiting = f"state = 'waiting' AND coalesce(error, '') NOT LIKE '{UNAVAILABLE}%'"
        return self._session.number(f"SELECT COUNT(*) FROM job WHERE state = 'running' OR {waiting}")  # noqa: S608

    # -- results

    def commit_evaluation(
        self, job: Job, result: EvaluationResult, *, directory: PurePosixPath, render: RenderSpec | None, now: float
    ) -> int:
        """Record a result, exactly once, with the rendering it asks for; the evaluation's id.

        Raises:
            StaleAttempt: another attempt has taken over, or it is committed already.
        """
        with self._session.transaction(people_see_it=True) as connection:
            attempts.finish(connection, job, error=None, now=now)
            evaluation = add_evaluation(connection, job.id, result, directory=directory)
            if render is not None:
                rows.add_job(connection, JobKind.RENDER, job.checkpoint, job.plan, render=render, now=now)
        return evaluation

    def commit_clips(self, job: Job, clips: Iterable[Clip], *, problem: str | None, now: float) -> None:
        """Record what a rendering made.

        Raises:
            StaleAttempt: another attempt has taken over, or it is committed already.
        """
        with self._session.transaction(people_see_it=True) as connection:
            attempts.finish(connection, job, error=problem, now=now)
            evaluation = connection.execute(
                "SELECT id FROM evaluation WHERE checkpoint = ? AND plan = ?",
                (job.checkpoint.digest, plan_digest(job.plan)),
            ).fetchone()[0]
            add_clips(connection, evaluation, clips)

    def adopt(
        self,
        result: EvaluationResult,
        *,
        directory: PurePosixPath,
        clips: Sequence[Clip],
        render: RenderSpec | None,
    ) -> bool:
        """Record a result that lies on disk and that no job of ours led to; False: its job runs, and will say itself."""
        checkpoint, plan, now = result.checkpoint, result.plan, result.finished_at
        if self.evaluation_state(checkpoint.digest, plan) is JobState.RUNNING:
            return False
        with self._session.transaction(people_see_it=True) as connection:
            rows.add_checkpoint(connection, checkpoint)
            rows.add_job(connection, JobKind.EVALUATE, checkpoint, plan, now=now)
            job = connection.execute(
                "UPDATE job SET state = 'done', failures = 0, word = NULL, error = NULL, changed_at = ? "
                "WHERE kind = 'evaluate' AND checkpoint = ? AND plan = ? RETURNING id",
                (now, checkpoint.digest, plan_digest(plan)),
            ).fetchone()[0]
            add_clips(connection, add_evaluation(connection, job, result, directory=directory), clips)
            if render is not None:
                rows.add_job(connection, JobKind.RENDER, checkpoint, plan, render=render, now=now)
        return True

    def evaluations(self) -> list[Evaluation]:
        """The committed evaluations in the order of their commits, with their clips."""
        clips: dict[int, list[Clip]] = {}
        for evaluation, body in self._connection.execute("SELECT evaluation, body FROM clip ORDER BY id"):
            clips.setdefault(evaluation, []).append(rows.clip_of(body))
        found = self._connection.execute(f"{rows.EVALUATIONS} ORDER BY evaluation.id")
        return [rows.evaluation_of(row, tuple(clips.get(row[0], ()))) for row in found]

    def plans(self) -> list[Digest]:
        """The plans that were ever asked for, the one asked for last first: those of now before those of the past."""
        found = self._connection.execute(
            "SELECT plan FROM job WHERE kind = 'evaluate' GROUP BY plan ORDER BY MAX(id) DESC"
        )
        return [Digest(row[0]) for row in found]

    def newest(self) -> Checkpoint | None:
        """The checkpoint that training has come furthest with."""
        return self._furthest("")

    def newest_evaluated(self) -> Checkpoint | None:
        """The same, of those that are evaluated."""
        return self._furthest("WHERE EXISTS (SELECT 1 FROM evaluation WHERE evaluation.checkpoint = checkpoint.digest)")

    def _furthest(self, which: str) -> Checkpoint | None:
        row = self._connection.execute(
            f"SELECT {rows.CHECKPOINT_COLUMNS} FROM checkpoint {which} ORDER BY step DESC, seen_at DESC LIMIT 1"  # noqa: S608
        ).fetchone()
        return None if row is None else rows.checkpoint_of(row)

    def revision(self) -> int:
        """A number that every commit raises that changes what people see."""
        return self._session.number("SELECT number FROM revision")

    def cursor(self, writer: str) -> int:
        """How far a writer has published; 0: not at all."""
        return self._session.number("SELECT COALESCE(MAX(value), 0) FROM cursor WHERE writer = ?", writer)

    def advance(self, writer: str, value: int) -> None:
        """Record that a writer has published up to `value`."""
        with self._session.transaction(people_see_it=False) as connection:
            connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (writer, value))

    # -- inside a transaction

    def _skip(self, jobs: Sequence[JobId], *, now: float) -> None:
        self._connection.executemany(
            "UPDATE job SET state = 'skipped', changed_at = ? WHERE id = ? AND state = 'waiting'",
            [(now, job) for job in jobs],
        )
        if jobs:
            self._connection.execute("UPDATE revision SET number = number + 1")
