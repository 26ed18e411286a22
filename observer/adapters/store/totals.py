"""A few figures about a whole run."""

from collections.abc import Mapping
from typing import Final

from observer.adapters.store.session import Session
from observer.core.highlights import Past
from observer.core.models import Digest, EvaluationPlan, Outcome
from observer.core.plan import plan_digest

#: What the error of a job begins with that waits for the encoder of clips.
UNAVAILABLE: Final = "clips unavailable: "


class Totals:
    """Asked of the database each time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def checkpoints(self) -> int:
        return self._session.number("SELECT COUNT(*) FROM checkpoint")

    def digests(self) -> set[Digest]:
        """Of every checkpoint."""
        return {Digest(row[0]) for row in self._session.connection.execute("SELECT digest FROM checkpoint")}

    def evaluations(self) -> int:
        return self._session.number("SELECT COUNT(*) FROM evaluation")

    def newest_seen_at(self) -> float | None:
        """When the newest checkpoint came; None: none did."""
        row = self._session.connection.execute("SELECT MAX(seen_at) FROM checkpoint").fetchone()
        return None if row[0] is None else float(row[0])

    def past(self, plan: EvaluationPlan, step: int) -> Past:
        """What a plan's games came to at the evaluated checkpoints of lower steps."""
        query = (
            "SELECT episode.evaluation, episode.seed, episode.outcome FROM episode "
            "JOIN evaluation ON evaluation.id = episode.evaluation "
            "JOIN checkpoint ON checkpoint.digest = evaluation.checkpoint "
            "WHERE evaluation.plan = ? AND checkpoint.step < ? ORDER BY checkpoint.step, evaluation.id"
        )
        games = self._session.connection.execute(query, (plan_digest(plan), step)).fetchall()
        last = games[-1][0] if games else None
        return Past(
            has_cleared=any(outcome == Outcome.WIN for _, _, outcome in games),
            not_won=frozenset(seed for game, seed, outcome in games if game == last and outcome != Outcome.WIN),
        )

    def wins(self) -> Mapping[int, tuple[int, int]]:
        """Evaluation -> games won, of how many."""
        found = self._session.connection.execute(
            "SELECT evaluation, SUM(outcome = 'win'), COUNT(*) FROM episode GROUP BY evaluation"
        )
        return {row[0]: (row[1], row[2]) for row in found}

    def unavailable(self) -> str:
        """Why clips wait for their encoder; empty: none does."""
        query = (
            f"SELECT error FROM job WHERE state = 'waiting' AND error LIKE '{UNAVAILABLE}%' ORDER BY id DESC LIMIT 1"  # noqa: S608
        )
        row = self._session.connection.execute(query).fetchone()
        return "" if row is None else str(row[0]).removeprefix(UNAVAILABLE)

    def awaited(self) -> set[int]:
        """Evaluations of which something is still to be filmed, or may be when somebody asks."""
        found = self._session.connection.execute(
            "SELECT evaluation.id FROM evaluation JOIN job ON job.checkpoint = evaluation.checkpoint "
            "AND job.plan = evaluation.plan WHERE job.kind <> 'evaluate' AND job.state <> 'done'"
        )
        return {row[0] for row in found}

    def games(self, plan: Digest) -> dict[int, dict[int, tuple[Outcome, Digest]]]:
        """Of every evaluation of a plan, by its id: seed -> how the game ended, and the hash of its replay."""
        query = (
            "SELECT episode.evaluation, episode.seed, episode.outcome, episode.replay_sha256 FROM episode "
            "JOIN evaluation ON evaluation.id = episode.evaluation WHERE evaluation.plan = ?"
        )
        found: dict[int, dict[int, tuple[Outcome, Digest]]] = {}
        for evaluation, seed, outcome, digest in self._session.connection.execute(query, (plan,)):
            found.setdefault(evaluation, {})[seed] = Outcome(outcome), Digest(digest)
        return found
