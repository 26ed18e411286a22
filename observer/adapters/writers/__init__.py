"""What is handed to the writers of projections, and what a writer is.

Writers turn committed evaluations into files for people and tools. What they write may be deleted and comes back;
they never read the store and never decide anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from observer.core.daemonstate import TrainingSpeed
from observer.core.models import (
    Digest,
    Episode,
    Evaluation,
    EvaluationPlan,
    EvaluationResult,
    Outcome,
    ParkedFile,
    Provenance,
    Summary,
)
from observer.core.recorded import NOTHING_RECORDED, Recorded
from observer.core.reference import Reference
from observer.core.timelapse import TimelapseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A committed evaluation as every writer may keep it in memory: a few KB, without its episodes."""

    evaluation: Evaluation
    plan: EvaluationPlan
    summary: Summary
    provenance: Provenance
    #: outcome of each planned seed, in the order of the plan
    outcomes: tuple[Outcome, ...]
    #: how long each of them took, in NES frames
    frames: tuple[int, ...]

    @classmethod
    def of(cls, evaluation: Evaluation, result: EvaluationResult) -> Self:
        """What remains of a result once its episodes are put aside."""
        return cls(
            evaluation=evaluation,
            plan=result.plan,
            summary=result.summary,
            provenance=result.provenance,
            outcomes=tuple(episode.outcome for episode in result.episodes),
            frames=tuple(episode.frames for episode in result.episodes),
        )

    @property
    def won(self) -> Mapping[int, bool]:
        """Whether each seed was won: what a paired comparison needs."""
        return {seed: outcome is Outcome.WIN for seed, outcome in zip(self.plan.seeds, self.outcomes, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Everything people see of a run, at one moment."""

    #: raised by every change that people see
    revision: int
    #: in the order they were committed
    evaluations: tuple[Published, ...]
    #: in the order in which people look at their results
    plans: tuple[Digest, ...]
    #: reads the games of one of them, from its evidence
    episodes: Callable[[Published], Sequence[Episode]]
    #: checkpoints by how far they are
    queue: Mapping[str, int]
    parked: tuple[ParkedFile, ...]
    #: as far as the daemon has measured it
    training: TrainingSpeed | None = None
    #: its films lie in the run's folder; None: none was made yet
    timelapse: TimelapseResult | None = None
    #: why clips wait to be made; empty: they do not
    clips_unavailable: str = ""
    recorded: Recorded = NOTHING_RECORDED
    #: plan -> what the reference players came to in its games
    references: Mapping[Digest, tuple[Reference, ...]] = field(default_factory=dict)
    #: why training is taken to have ended; empty: it goes on
    ended: str = ""
    #: nothing that it left is still to be done
    is_final: bool = False


class Writer(Protocol):
    """One projection of a run."""

    @property
    def name(self) -> str:
        """Its cursor's name in the store; never changes."""
        ...

    def stands(self) -> bool:
        """Whether what it wrote is still there."""
        ...

    def write(self, publication: Publication) -> None:
        """Bring the projection up to date; whole or not at all.

        Raises:
            OSError: the disk is full or the folder not writable; what was there is as it was.
        """
        ...
