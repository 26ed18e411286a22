"""From a checkpoint's environment to what is played with it: a plan for each scenario of the configuration.

Owns which options a scenario changes. Refuses to fit what does not fit: a scenario that the environment cannot play is
told with its reason, and the others are planned.
"""

from dataclasses import dataclass

from env.options import EnvironmentOptions, OptionsError
from observer.config import EvaluationSection
from observer.core.models import Digest, EvaluationPlan
from observer.core.plan import Planned, plan_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Environment options -> the plans that every checkpoint of them is evaluated by."""

    evaluation: EvaluationSection
    rom_sha256: Digest

    def planned(self, environment: EnvironmentOptions) -> Planned:
        """A plan for each of the configured scenarios; for the environment's own where none are configured."""
        if not self.evaluation.scenarios:
            return Planned(plans=(self._plan(environment),))
        plans, refused = [], {}
        for section in self.evaluation.scenarios:
            try:
                plans.append(self._plan(section.options(environment), section.frame_limit))
            except OptionsError as error:
                refused[section.scenario().name] = str(error)
        return Planned(plans=tuple(plans), refused=refused)

    def _plan(self, environment: EnvironmentOptions, frame_limit: int | None = None) -> EvaluationPlan:
        return EvaluationPlan(
            environment=environment,
            seeds=plan_seeds(self.evaluation.first_seed, self.evaluation.episodes),
            frame_limit=frame_limit or self.evaluation.frame_limit,
            capsule_limit=self.evaluation.capsule_limit,
            policy_mode=self.evaluation.policy,
            lanes=self.evaluation.lanes,
            rom_sha256=self.rom_sha256,
        )
