"""The configuration's sections that decide what is played: environment, scenarios, evaluation.

Owns their keys and what goes together. `observer.config` is the whole file.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationInfo,
    model_validator,
)

from env.options import (
    HIGHEST_LEVEL,
    MOST_FRAME_SKIP,
    ActionsName,
    EnvironmentOptions,
    Length,
    Mode,
    ObservationName,
    OpponentName,
    OptionsError,
    RewardName,
    Scenario,
    Side,
    Speed,
)
from env.stand_in import stand_in_rom
from observer.core.models import PolicyMode
from observer.core.plan import plan_seeds
from observer.core.reference import Player


def _against_folder(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path.cwd())
    return Path(os.path.normpath(folder / path.expanduser()))


FilePath = Annotated[Path, AfterValidator(_against_folder)]
"""Absolute after reading: a relative path counts from the folder of the configuration file."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def _as_problem(make: Callable[[], object]) -> None:
    """What the environment itself refuses is a problem of the section that says it."""
    try:
        make()
    except OptionsError as error:
        raise ValueError(str(error)) from error


class ScenarioSection(Section):
    mode: Mode = "1p"
    level: int = Field(default=0, ge=0, le=HIGHEST_LEVEL)
    speed: Speed = "med"
    side: Side = 1
    length: Length = "round"

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        _as_problem(self.scenario)
        return self

    def scenario(self) -> Scenario:
        return Scenario(**self.model_dump())


class EnvironmentSection(Section):
    """What a checkpoint was trained with, unless an `environment.json` beside it says so itself."""

    scenario: ScenarioSection = ScenarioSection()
    observation: ObservationName = "planes"
    actions: ActionsName = "pad"
    reward: RewardName = "clear"
    frame_skip: int = Field(default=4, ge=1, le=MOST_FRAME_SKIP)
    opponent: OpponentName = "noop"

    @model_validator(mode="after")
    def _is_offered(self) -> Self:
        _as_problem(self.options)
        return self

    def options(self) -> EnvironmentOptions:
        return EnvironmentOptions(scenario=self.scenario.scenario(), **self.model_dump(exclude={"scenario", "rom"}))


class GameSection(EnvironmentSection):
    #: None: the stand-in game that comes with the package
    rom: FilePath | None = None

    @property
    def rom_path(self) -> Path:
        return self.rom if self.rom is not None else stand_in_rom()


class MatrixSection(ScenarioSection):
    """One of the scenarios that every checkpoint plays."""

    #: None: that of the section `evaluation`
    frame_limit: PositiveInt | None = None

    def scenario(self) -> Scenario:
        return Scenario(**self.model_dump(exclude={"frame_limit"}))

    def options(self, environment: EnvironmentOptions) -> EnvironmentOptions:
        """The environment in this scenario; its opponent stays where there is one.

        Raises:
            OptionsError: the environment cannot be in this scenario.
        """
        scenario = self.scenario()
        return replace(
            environment, scenario=scenario, opponent=environment.opponent if scenario.mode == "2p" else "noop"
        )


class EvaluationSection(Section):
    episodes: PositiveInt = 100
    first_seed: NonNegativeInt = 0
    frame_limit: PositiveInt = 8000
    capsule_limit: PositiveInt | None = None
    #: both: two plans, each with results of its own
    policy: PolicyMode | Literal["both"] = "deterministic"
    lanes: int = Field(default=16, ge=1, le=64)
    #: empty: the one of the environment
    scenarios: tuple[MatrixSection, ...] = ()
    #: None: the environment's own; a path: a checkpoint
    opponent: Literal["noop", "random", "scripted"] | FilePath | None = None
    #: players that the report measures checkpoints by
    references: tuple[Player, ...] = ("random", "scripted")

    @model_validator(mode="after")
    def _seeds_are_ours(self) -> Self:
        plan_seeds(self.first_seed, self.episodes)
        return self

    @model_validator(mode="after")
    def _scenarios_differ(self) -> Self:
        names = [section.scenario().name for section in self.scenarios]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"scenarios: {', '.join(twice)} is there twice; results of one scenario are compared, so say it once"
            )
        return self

    @property
    def policy_modes(self) -> tuple[PolicyMode, ...]:
        """The ways in which every checkpoint plays; what is shown first comes first."""
        return ("deterministic", "stochastic") if self.policy == "both" else (self.policy,)

    @property
    def has_several_plans(self) -> bool:
        """Whether a checkpoint may come to more than one result."""
        return bool(self.scenarios) or len(self.policy_modes) > 1

    def against(self, environment: EnvironmentOptions) -> EnvironmentOptions:
        """The environment with this section's opponent: without scenarios of its own the game of two, on both sides.

        Raises:
            OptionsError: the opponent is a checkpoint that nobody names.
        """
        if self.opponent is None:
            if environment.opponent == "checkpoint":
                raise OptionsError("opponent: checkpoint does not say which; name its file under evaluation.opponent")
            return environment
        scenario = environment.scenario
        if not self.scenarios:
            scenario = replace(scenario, mode="2p", side="both")
        if scenario.mode != "2p":
            return environment
        named = "checkpoint" if isinstance(self.opponent, Path) else self.opponent
        return replace(environment, scenario=scenario, opponent=named)
