"""From a checkpoint's environment to what is played with it: a plan for each scenario of the configuration.

Owns which options a scenario changes. Refuses to fit what does not fit: a scenario that the environment cannot play is
told with its reason, and the others are planned.
"""

from dataclasses import dataclass, replace
from typing import Self

from env.options import EnvironmentOptions, OptionsError
from observer.adapters.opponents import read_opponent
from observer.core.layout import RunLayout
from observer.core.models import Digest, EvaluationPlan
from observer.core.plan import Planned, plan_seeds
from observer.playconfig import EvaluationSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Environment options -> the plans that every checkpoint of them is evaluated by."""

    evaluation: EvaluationSection
    rom_sha256: Digest
    #: of the checkpoint that the section names as opponent
    opponent_sha256: Digest | None = None

    @classmethod
    def read(cls, evaluation: EvaluationSection, rom_sha256: Digest, *, keep_in: RunLayout | None = None) -> Self:
        """With the opponent's file read, and a copy of it kept in a run's output folder.

        Raises:
            SetupError: it cannot be used.
            OSError: no copy can be kept.
        """
        opponent = read_opponent(evaluation.opponent)
        if opponent is not None and keep_in is not None:
            opponent.keep(keep_in)
        digest = None if opponent is None else opponent.digest
        return cls(evaluation=evaluation, rom_sha256=rom_sha256, opponent_sha256=digest)

    def planned(self, environment: EnvironmentOptions) -> Planned:
        """A plan for each of the configured scenarios, or the environment's own, and for each way to play."""
        if not self.evaluation.scenarios:
            try:
                return Planned(plans=tuple(self._plans(environment)))
            except OptionsError as error:
                return Planned(plans=(), refused={environment.scenario.name: str(error)})
        plans: list[EvaluationPlan] = []
        refused = {}
        for section in self.evaluation.scenarios:
            try:
                plans += self._plans(section.options(environment), section.frame_limit)
            except OptionsError as error:
                refused[section.scenario().name] = str(error)
        return Planned(plans=tuple(plans), refused=refused)

    def _plans(self, environment: EnvironmentOptions, frame_limit: int | None = None) -> list[EvaluationPlan]:
        faced = self.evaluation.against(environment)
        first, *others = self.evaluation.policy_modes
        plan = EvaluationPlan(
            environment=faced,
            seeds=plan_seeds(self.evaluation.first_seed, self.evaluation.episodes),
            frame_limit=frame_limit or self.evaluation.frame_limit,
            capsule_limit=self.evaluation.capsule_limit,
            policy_mode=first,
            lanes=self.evaluation.lanes,
            rom_sha256=self.rom_sha256,
            opponent_sha256=self.opponent_sha256 if faced.opponent == "checkpoint" else None,
        )
        return [plan, *(replace(plan, policy_mode=mode) for mode in others)]
