"""The identity of a plan, and what remains of it to be played.

Pure: the same plan has the same digest on every machine, whatever order its keys were written in.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field

from env.game import EVALUATION_SEEDS
from observer.core.models import Digest, Episode, EvaluationPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is played with every checkpoint of an environment."""

    #: one a scenario, in the order of the configuration
    plans: tuple[EvaluationPlan, ...]
    #: name of a scenario -> why this environment cannot play it
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def to_queue(self) -> tuple[EvaluationPlan, ...]:
        """The order to queue them in: of a checkpoint's jobs, the one that came last is played and shown first."""
        return self.plans[::-1]


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def plan_digest(plan: EvaluationPlan) -> Digest:
    """sha256 of the plan's canonical JSON."""
    return Digest(hashlib.sha256(canonical_json(asdict(plan)).encode()).hexdigest())


def plan_name(plan: EvaluationPlan) -> str:
    """What a plan is called among those of a checkpoint: its scenario, and that actions are drawn where they are."""
    return plan.scenario.name if plan.policy_mode == "deterministic" else f"{plan.scenario.name}-stochastic"


def plan_seeds(first_seed: int, episodes: int) -> tuple[int, ...]:
    """The seeds of a plan: consecutive, all of them reserved for evaluation.

    Raises:
        ValueError: the range leaves the seeds that training never draws.
    """
    if first_seed < 0 or episodes < 1 or first_seed + episodes > EVALUATION_SEEDS:
        raise ValueError(
            f"seeds {first_seed} to {first_seed + episodes - 1}: choose from 0 to {EVALUATION_SEEDS - 1}, "
            "which training never draws"
        )
    return tuple(range(first_seed, first_seed + episodes))


def missing_seeds(plan: EvaluationPlan, finished: Collection[Episode]) -> tuple[int, ...]:
    """The planned seeds that no finished episode has, in the order of the plan."""
    done = {episode.seed for episode in finished}
    return tuple(seed for seed in plan.seeds if seed not in done)


def in_plan_order(plan: EvaluationPlan, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """Every planned episode once, in the order of the plan.

    Raises:
        ValueError: a planned seed is missing, or one is there that was not planned.
    """
    by_seed = {episode.seed: episode for episode in episodes}
    missing = [seed for seed in plan.seeds if seed not in by_seed]
    foreign = sorted(set(by_seed) - set(plan.seeds))
    if missing or foreign:
        raise ValueError(f"the plan's games are not complete: missing seeds {missing}, not planned {foreign}")
    return tuple(by_seed[seed] for seed in plan.seeds)
