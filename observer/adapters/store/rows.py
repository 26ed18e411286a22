"""Rows to values and back: plans and clips are kept as JSON, everything that is asked for by itself as columns.

What adds a row is for use within a transaction.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Final

from pydantic import TypeAdapter

from observer.core.asking import Urgency
from observer.core.backlog import Waiting
from observer.core.companion import Companion
from observer.core.models import (
    Checkpoint,
    Clip,
    Digest,
    Evaluation,
    EvaluationPlan,
    Job,
    JobId,
    JobKind,
    JobState,
    RenderSpec,
)
from observer.core.plan import canonical_json, plan_digest
from observer.core.runjob import AnyJob, RunJob

_PLAN: Final = TypeAdapter(EvaluationPlan)
_RENDER: Final = TypeAdapter(RenderSpec)
_CLIP: Final = TypeAdapter(Clip)

CHECKPOINT_COLUMNS: Final = "checkpoint.digest, checkpoint.step, checkpoint.name, checkpoint.size, checkpoint.seen_at"

JOBS: Final = f"""SELECT job.id, job.kind, job.state, job.attempt, job.failures, job.not_before, job.error, job.detail,
    plan.body, {CHECKPOINT_COLUMNS}, job.kills, job.subject, job.step, job.result
    FROM job LEFT JOIN checkpoint ON checkpoint.digest = job.checkpoint
    LEFT JOIN plan ON plan.digest = job.plan"""  # noqa: S608

#: `position` counts the jobs of a kind in the order they came, so it never changes. What is being made for the run is
#: not made a second time beside it.
WAITING: Final = """SELECT * FROM (
        SELECT job.id, job.kind, COALESCE(job.plan, ''), COALESCE(checkpoint.step, job.step),
            ROW_NUMBER() OVER (PARTITION BY job.kind, job.plan ORDER BY job.id) - 1 AS position,
            job.attempt > 0, job.not_before, job.urgency, job.state, job.subject
        FROM job LEFT JOIN checkpoint ON checkpoint.digest = job.checkpoint
    ) AS asked WHERE state = 'waiting' AND NOT EXISTS (
        SELECT 1 FROM job AS before WHERE before.checkpoint IS NULL AND before.kind = asked.kind
        AND before.subject = asked.subject AND before.state = 'running'
    )"""

EVALUATIONS: Final = f"""SELECT evaluation.id, evaluation.plan, evaluation.scenario, evaluation.directory,
    evaluation.finished_at, {CHECKPOINT_COLUMNS}
    FROM evaluation JOIN checkpoint ON checkpoint.digest = evaluation.checkpoint"""  # noqa: S608


def checkpoint_of(columns: tuple[str, int, str, int, float]) -> Checkpoint:
    digest, step, name, size, seen_at = columns
    return Checkpoint(digest=Digest(digest), step=step, name=name, size=size, seen_at=seen_at)


def job_of(row: sqlite3.Row) -> AnyJob:
    """A row of JOBS."""
    return run_job_of(row) if row[8] is None else checkpoint_job_of(row)


def run_job_of(row: sqlite3.Row) -> RunJob:
    """A row of JOBS that belongs to no checkpoint."""
    return RunJob(
        id=JobId(row[0]),
        kind=JobKind(row[1]),
        state=JobState(row[2]),
        attempt=row[3],
        failures=row[4],
        not_before=row[5],
        error=row[6],
        detail=row[7],
        kills=row[14],
        subject=row[15],
        step=row[16],
        result=row[17],
    )


def checkpoint_job_of(row: sqlite3.Row) -> Job:
    """A row of JOBS that belongs to a checkpoint."""
    return Job(
        id=JobId(row[0]),
        kind=JobKind(row[1]),
        state=JobState(row[2]),
        attempt=row[3],
        failures=row[4],
        not_before=row[5],
        error=row[6],
        render=_RENDER.validate_json(row[7]) if row[7] else None,
        plan=_PLAN.validate_json(row[8]),
        checkpoint=checkpoint_of(tuple(row[9:14])),
        kills=row[14],
    )


def waiting_of(row: sqlite3.Row) -> Waiting:
    """A row of WAITING."""
    return Waiting(
        id=JobId(row[0]),
        kind=JobKind(row[1]),
        plan=Digest(row[2]),
        step=row[3],
        position=row[4],
        was_started=bool(row[5]),
        not_before=row[6],
        urgency=Urgency(row[7]),
    )


def evaluation_of(row: sqlite3.Row, clips: tuple[Clip, ...]) -> Evaluation:
    """A row of EVALUATIONS."""
    return Evaluation(
        id=row[0],
        plan_digest=Digest(row[1]),
        scenario=row[2],
        directory=PurePosixPath(row[3]),
        finished_at=row[4],
        checkpoint=checkpoint_of(tuple(row[5:10])),
        clips=clips,
    )


def plan_text(plan: EvaluationPlan) -> str:
    return canonical_json(asdict(plan))


def detail_text(render: RenderSpec | None) -> str:
    return "" if render is None else canonical_json(asdict(render))


def clip_text(clip: Clip) -> str:
    return canonical_json(asdict(clip))


def clip_of(text: str) -> Clip:
    return _CLIP.validate_python(json.loads(text))


def add_checkpoint(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Have it recorded."""
    connection.execute(
        "INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?, ?, ?)",
        (checkpoint.digest, checkpoint.step, checkpoint.name, checkpoint.size, checkpoint.seen_at),
    )


def plan_anew(connection: sqlite3.Connection, digest: Digest, plans: Sequence[EvaluationPlan], *, now: float) -> None:
    """What waits by another plan, untouched and unasked for, is not wanted any more; what was so is wanted again."""
    wanted = [plan_digest(plan) for plan in plans]
    marks = ", ".join("?" * len(wanted))
    of_it = "kind = 'evaluate' AND checkpoint = ?"
    connection.execute(
        f"UPDATE job SET state = 'skipped', word = 'replanned', changed_at = ? WHERE {of_it} "  # noqa: S608
        f"AND state = 'waiting' AND attempt = 0 AND urgency = 0 AND plan NOT IN ({marks})",
        (now, digest, *wanted),
    )
    connection.execute(
        f"UPDATE job SET state = 'waiting', word = NULL, changed_at = ? WHERE {of_it} "  # noqa: S608
        f"AND state = 'skipped' AND word = 'replanned' AND plan IN ({marks})",
        (now, digest, *wanted),
    )


def take_copy_back(connection: sqlite3.Connection, digest: Digest, *, now: float) -> None:
    """A checkpoint whose copy was dropped has one again: what somebody had asked for meanwhile can be played."""
    gone = connection.execute("DELETE FROM dropped_copy WHERE checkpoint = ?", (digest,))
    if gone.rowcount:
        connection.execute(
            "UPDATE job SET state = 'waiting', word = NULL, error = NULL, changed_at = ? "
            "WHERE kind = 'evaluate' AND checkpoint = ? AND state = 'skipped' AND urgency > 0",
            (now, digest),
        )


def add_companion(connection: sqlite3.Connection, digest: Digest, companion: Companion) -> None:
    """Have it recorded; of several of a kind the newest counts. What was refused for want of it is wanted again."""
    connection.execute(
        "UPDATE job SET state = 'waiting', failures = 0, word = NULL, error = NULL, changed_at = ? "
        "WHERE checkpoint = ? AND state = 'parked' AND word GLOB '*vecnormalize*'",
        (companion.seen_at, digest),
    )
    connection.execute(
        "INSERT OR REPLACE INTO companion VALUES (?, ?, ?, ?, ?, ?)",
        (digest, companion.kind, companion.digest, companion.name, companion.size, companion.seen_at),
    )


def add_job(
    connection: sqlite3.Connection,
    kind: JobKind,
    checkpoint: Checkpoint,
    plan: EvaluationPlan,
    *,
    now: float,
    render: RenderSpec | None = None,
) -> JobId | None:
    """Have it in the queue; None: it was known."""
    digest = plan_digest(plan)
    connection.execute("INSERT OR IGNORE INTO plan VALUES (?, ?)", (digest, plan_text(plan)))
    added = connection.execute(
        "INSERT OR IGNORE INTO job(kind, checkpoint, plan, detail, state, changed_at) VALUES (?, ?, ?, ?, 'waiting', ?)",
        (kind, checkpoint.digest, digest, detail_text(render), now),
    )
    return JobId(added.lastrowid or 0) if added.rowcount == 1 else None
