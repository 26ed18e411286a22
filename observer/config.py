"""The configuration: one file, every key with a default, every problem named at once.

Owns reading and checking. Refuses to act on it: each part of the program is handed its own section.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from env.options import (
    OptionsError,
)
from observer.configproblems import problems
from observer.configtext import mapping_of, text_of
from observer.core.backlog import BacklogPolicy, Order
from observer.core.encoding import Encoding, PixelAspect, Preset
from observer.core.errors import ConfigError
from observer.core.models import Reason, Trust
from observer.playconfig import EnvironmentSection, EvaluationSection, FilePath, GameSection, Section

CONFIG_FILE: Final = "config.yaml"


class RunSection(Section):
    """One training run: the folder it drops checkpoints into, and the folder for what we make of them."""

    name: str = Field(default="baseline", min_length=1, max_length=80)
    watch: FilePath = Path("models/checkpoints")
    output: FilePath = Path("observations")
    #: where the training process records its games; None: the folder `recordings` beside the watched one
    recordings: FilePath | None = None
    #: the trainer's TensorBoard log: a folder; None: looked for beside and in the watched folder
    training_log: FilePath | None = None
    #: None: the section `environment`
    environment: EnvironmentSection | None = None

    @property
    def recordings_folder(self) -> Path:
        return self.recordings or self.watch.parent / "recordings"


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

    def policy(self) -> BacklogPolicy:
        return BacklogPolicy(
            order=self.order,
            every_steps=self.every_steps,
            every_checkpoints=self.every_checkpoints,
            backlog_limit=self.backlog_limit,
            keep_every=self.keep_every,
            longest_wait_seconds=max(self.backoff_seconds),
        )


class WorkersSection(Section):
    count: PositiveInt = 2
    #: CPU seconds of a worker without a new frame or game, after which it is stopped
    stall_cpu_seconds: PositiveFloat = 300.0
    #: the same on the clock, for a worker that waits for ever
    stall_seconds: PositiveFloat = 1800.0


class PolicySection(Section):
    #: dotted class name in the zip -> dotted name to import
    classes: dict[str, str] = Field(default_factory=dict)
    trust: Trust = "data"


def _as_written(value: object) -> object:
    """YAML 1.1 reads 8:7 as a number to base sixty."""
    return "8:7" if value == 8 * 60 + 7 else value


class EncoderSection(Section):
    preset: Preset = "veryfast"
    crf: int = Field(default=20, ge=0, le=51)


class ClipsSection(Section):
    choose: tuple[Reason, ...] = ("best", "median", "worst", "first_clear", "combo", "last_virus", "top_out")
    scale: int = Field(default=1, ge=1, le=8)
    pixel_aspect: Annotated[PixelAspect, BeforeValidator(_as_written)] = "square"
    encoder: EncoderSection = EncoderSection()
    overlay: bool = False
    #: of each checkpoint; 0: no time-lapse
    timelapse_seconds: float = Field(default=4.0, ge=0, le=30)
    #: of the games that training recorded, every so-manieth is filmed; 0: none
    training_every: NonNegativeInt = 100

    def encoding(self) -> Encoding:
        return Encoding(
            scale=self.scale, preset=self.encoder.preset, crf=self.encoder.crf, pixel_aspect=self.pixel_aspect
        )


class DiskSection(Section):
    """How much room each run may take; what is dropped for it can be made again, or lies in an archive."""

    #: of a run's output folder, without closed runs; None: as much as there is
    quota_gib: PositiveFloat | None = None
    #: left free on the disk, for training above all; with less, nothing is started
    free_floor_gib: NonNegativeFloat = 1.0
    #: for copies of checkpoints that were passed over
    skipped_gib: NonNegativeFloat = 5.0


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
    disk: DiskSection = DiskSection()
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
                    _ = environment and self.evaluation.against(section.options(environment.options()))
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
    return parse(text_of(path), source=str(path), folder=path.absolute().parent)


def parse(text: str, *, source: str, folder: Path) -> Config:
    """The configuration in a YAML text; relative paths count from `folder`.

    Raises:
        ConfigError: as `load` says.
    """
    data = mapping_of(text, source)
    data.setdefault("runs", [{}])
    data.setdefault("environment", {})
    try:
        return Config.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(source, problems(error, Config)) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    return Config.model_json_schema()
