"""What decides how the game is played and seen: the scenario and the environment's options.

Pure values, with the JSON form that a trainer leaves beside its checkpoints as `environment.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, Self, get_args

from env.errors import EnvError

Speed = Literal["low", "med", "hi"]
ObservationName = Literal["planes", "relative"]
ActionsName = Literal["pad", "placement"]
RewardName = Literal["clear"]

#: Highest level that the game's own options screen offers.
HIGHEST_LEVEL: Final = 20
MOST_FRAME_SKIP: Final = 60
ENVIRONMENT_SCHEMA: Final = "training-run-observer/environment/1"
ENVIRONMENT_FILE: Final = "environment.json"


class OptionsError(EnvError):
    """An option has a value that the environment does not know."""


def _require(*, ok: bool, sentence: str) -> None:
    if not ok:
        raise OptionsError(sentence)


def _is_number(value: object, offered: range) -> bool:
    """Whether it is a whole number of the range; True and 1.0 equal 1 and are none."""
    return type(value) is int and value in offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The game that is chosen in the menus.

    Raises:
        OptionsError: a value is outside what the game offers.
    """

    players: int = 1
    level: int = 0
    speed: Speed = "med"

    def __post_init__(self) -> None:
        _require(
            ok=_is_number(self.players, range(1, 2)),
            sentence=f"players: {self.players!r} is not offered; the one-player game is 1",
        )
        _require(
            ok=_is_number(self.level, range(HIGHEST_LEVEL + 1)),
            sentence=f"level: {self.level!r} is not a level of the game; choose 0 to {HIGHEST_LEVEL}",
        )
        _require(
            ok=self.speed in get_args(Speed),
            sentence=f"speed: {self.speed!r} is not a speed of the game; choose low, med or hi",
        )

    @property
    def name(self) -> str:
        """A short word for folders and charts, such as `1p-level0-med`."""
        return f"{self.players}p-level{self.level}-{self.speed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOptions:
    """Everything a checkpoint's environment was made with that shapes what the agent sees and does.

    Raises:
        OptionsError: a name is unknown or the frame skip is not positive.
    """

    scenario: Scenario = field(default_factory=Scenario)
    observation: ObservationName = "planes"
    actions: ActionsName = "pad"
    reward: RewardName = "clear"
    frame_skip: int = 4

    def __post_init__(self) -> None:
        for name, kind in (("observation", ObservationName), ("actions", ActionsName), ("reward", RewardName)):
            value, known = getattr(self, name), get_args(kind)
            _require(ok=value in known, sentence=f"{name}: {value!r} is not known; choose {' or '.join(known)}")
        _require(
            ok=_is_number(self.frame_skip, range(1, MOST_FRAME_SKIP + 1)),
            sentence=f"frame_skip: {self.frame_skip!r} is not a number of frames from 1 to {MOST_FRAME_SKIP}",
        )

    def to_json(self) -> str:
        """The text of `environment.json`."""
        return json.dumps({"schema": ENVIRONMENT_SCHEMA, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """The options that `to_json` wrote.

        Args:
            text: the content of the file.
            source: the file's name, for the sentence of an error.

        Raises:
            OptionsError: it is not such a file; the sentence names `source` and the key.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise OptionsError(f"{source}: not JSON ({error})") from error
        if not isinstance(data, dict) or data.pop("schema", None) != ENVIRONMENT_SCHEMA:
            raise OptionsError(f"{source}: its `schema` is not {ENVIRONMENT_SCHEMA!r}")
        try:
            return cls.from_mapping(data)
        except OptionsError as error:
            raise OptionsError(f"{source}: {error}") from error

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """The options in plain JSON values; what is left out has its default."""
        known = {entry.name for entry in fields(cls)}
        scenario = data.get("scenario", {})
        wrong = sorted(set(data) - known)
        _require(ok=not wrong, sentence=f"unknown option(s) {', '.join(wrong)}; known are {', '.join(sorted(known))}")
        _require(ok=isinstance(scenario, Mapping), sentence="scenario: not an object with players, level and speed")
        wrong = sorted(set(scenario) - {entry.name for entry in fields(Scenario)})
        _require(ok=not wrong, sentence=f"scenario: unknown key(s) {', '.join(wrong)}")
        return cls(**{**data, "scenario": Scenario(**scenario)})
