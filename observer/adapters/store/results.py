"""Results as rows: an evaluation with its games, and clips. For use within a transaction."""

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePosixPath

from observer.adapters.store import rows
from observer.core.models import Clip, EvaluationResult, JobId
from observer.core.plan import canonical_json, plan_digest


def add_evaluation(
    connection: sqlite3.Connection, job: JobId, result: EvaluationResult, *, directory: PurePosixPath
) -> int:
    """Record what a job came to; the evaluation's id."""
    plan = result.plan
    evaluation = connection.execute(
        "INSERT INTO evaluation(job, checkpoint, plan, scenario, directory, finished_at, provenance) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job,
            result.checkpoint.digest,
            plan_digest(plan),
            plan.scenario.name,
            str(directory),
            result.finished_at,
            canonical_json(asdict(result.provenance)),
        ),
    ).lastrowid
    connection.executemany(
        "INSERT INTO episode VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (evaluation, game.seed, game.index, game.outcome, game.viruses_cleared, game.frames, game.replay_sha256)
            for game in result.episodes
        ],
    )
    return int(evaluation or 0)


def add_clips(connection: sqlite3.Connection, evaluation: int, clips: Iterable[Clip]) -> None:
    """Record what was filmed of an evaluation."""
    connection.executemany(
        "INSERT INTO clip(evaluation, body) VALUES (?, ?)", [(evaluation, rows.clip_text(clip)) for clip in clips]
    )
