"""The configuration: one file, every key with a default, every problem named at once.

Owns reading and checking. Refuses to act on it: each part of the program is handed its own section.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
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
from observer.configproblems import problems
from observer.core.backlog import Order
from observer.core.errors import ConfigError
from observer.core.models import PolicyMode, Reason, Trust
from observer.core.plan import plan_seeds

CONFIG_FILE: Final = "config.yaml"


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


class RunSection(Section):
    """One training run: the folder it drops checkpoints into, and the folder for what we make of them."""

    name: str = Field(default="baseline", min_length=1, max_length=80)
    watch: FilePath = Path("models/checkpoints")
    output: FilePath = Path("observations")
    #: the trainer's TensorBoard log: a folder; None: looked for beside and in the watched folder
    training_log: FilePath | None = None
    #: None: the section `environment`
    environment: EnvironmentSection | None = None


class WatchSection(Section):
    settle_seconds: float = Field(default=2.0, ge=0)
    network_settle_seconds: float = Field(default=10.0, ge=0)
    rescan_seconds: PositiveFloat = 10.0
    ended_after_hours: float = Field(default=24.0, ge=0)


class QueueSection(Section):
    order: Order = "newest_first"
    every_steps: NonNegativeInt = 0
    every_checkpoints: PositiveInt = 1
    backlog_limit: NonNegativeInt = 8
    keep_every: NonNegativeInt = 10
    max_failures: PositiveInt = 3
    backoff_seconds: tuple[PositiveFloat, ...] = Field(default=(10.0, 60.0, 300.0), min_length=1)


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
    policy: PolicyMode = "deterministic"
    lanes: int = Field(default=16, ge=1, le=64)
    #: empty: the one of the environment
    scenarios: tuple[MatrixSection, ...] = ()

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


class WorkersSection(Section):
    count: PositiveInt = 2
    #: CPU seconds of a worker without a new frame or game, after which it is stopped
    stall_cpu_seconds: PositiveFloat = 300.0
    #: the same on the clock, for a worker that waits for ever
    stall_seconds: PositiveFloat = 1800.0


class PolicySection(Section):
    #: dotted class name in the zip -> dotted name to import
    classes: dict[str, str] = {}
    trust: Trust = "data"


class ClipsSection(Section):
    choose: tuple[Reason, ...] = ("best", "median", "worst")
    scale: int = Field(default=1, ge=1, le=8)


class ServiceSection(Section):
    log: Literal["auto", "terminal", "journal"] = "auto"


class Config(Section):
    """The whole file."""

    runs: tuple[RunSection, ...] = Field(default=(RunSection(),), min_length=1)
    watch: WatchSection = WatchSection()
    queue: QueueSection = QueueSection()
    environment: GameSection = GameSection()
    evaluation: EvaluationSection = EvaluationSection()
    workers: WorkersSection = WorkersSection()
    policy: PolicySection = PolicySection()
    clips: ClipsSection = ClipsSection()
    service: ServiceSection = ServiceSection()

    @model_validator(mode="after")
    def _runs_are_apart(self) -> Self:
        found = [*self._shared("name"), *self._shared("output"), *self._mixed(), *self._unplayable()]
        if found:
            raise ValueError("; ".join(found))
        return self

    def _shared(self, key: Literal["name", "output"]) -> Iterator[str]:
        values = [getattr(run, key) for run in self.runs]
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            yield f"two runs have the same {key}: {', '.join(twice)}"

    def _mixed(self) -> Iterator[str]:
        """Checkpoints that would lie in a folder that we write into: there we may not even make a folder."""
        for number, run in enumerate(self.runs):
            for other in self.runs:
                if other.watch.is_relative_to(run.output):
                    folders = f"the output folder {run.output} holds the watched folder {other.watch}"
                    yield f"runs.{number}: {folders}; give `output` a folder of its own"

    def _unplayable(self) -> Iterator[str]:
        """Scenarios that an environment of this file cannot be in; one of an `environment.json` is looked at later."""
        named = [
            ("environment", self.environment),
            *((f"runs.{n}", run.environment) for n, run in enumerate(self.runs)),
        ]
        for name, environment in named:
            for number, section in enumerate(self.evaluation.scenarios):
                try:
                    _ = environment and section.options(environment.options())
                except OptionsError as error:
                    yield f"evaluation.scenarios.{number}: with {name}, {error}"

    @classmethod
    def default(cls, folder: Path | None = None) -> Self:
        """Every key at its default; paths count from `folder`, or from where the program was started."""
        context = {"folder": folder or Path.cwd()}
        return cls.model_validate({"runs": [{}], "environment": {}}, context=context)


def load(path: Path | None) -> Config:
    """Read the configuration.

    Args:
        path: the file; None takes `config.yaml` in the folder the program was started in, or else the defaults.

    Raises:
        ConfigError: every problem with its path in the file, such as `queue.max_failures: ...`.
    """
    if path is None:
        path = Path.cwd() / CONFIG_FILE
        if not path.exists():
            return Config.default()
    return parse(_text(path), source=str(path), folder=path.absolute().parent)


def parse(text: str, *, source: str, folder: Path) -> Config:
    """The configuration in a YAML text; relative paths count from `folder`.

    Raises:
        ConfigError: as `load` says.
    """
    data = _mapping(text, source)
    data.setdefault("runs", [{}])
    data.setdefault("environment", {})
    try:
        return Config.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(source, problems(error, Config)) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    return Config.model_json_schema()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["there is no such file: check the path, or leave it out for the defaults"]) from (
            error
        )
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [f"not a text in UTF-8 ({error.reason} at byte {error.start})"]) from error
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from error


def _mapping(text: str, source: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(source, [f"line {line}: {error.problem or 'not YAML'}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError(source, [f"not YAML ({error})"]) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(source, ["not a mapping of sections such as `runs:` and `queue:`"])
    # a section whose every key is commented out is null in YAML: it is at its defaults
    return {str(key): value for key, value in data.items() if value is not None}
