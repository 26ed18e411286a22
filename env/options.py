"""What decides how the game is played and seen: the scenario and the environment's options.

Pure values, with the JSON form that a trainer leaves beside its checkpoints as `environment.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal, Self, get_args

from env.errors import EnvError

Mode = Literal["1p", "2p", "vs_cpu"]
Speed = Literal["low", "med", "hi"]
Side = Literal[1, 2, "both"]
Length = Literal["round", "match"]
ObservationName = Literal["planes", "relative", "original"]
ActionsName = Literal["pad", "placement", "reach", "original", "original_literal"]
RewardName = Literal["clear", "shaped", "original"]
OpponentName = Literal["noop", "random", "scripted", "checkpoint"]

#: Highest level that the game's own options screen offers.
HIGHEST_LEVEL: Final = 20
MOST_FRAME_SKIP: Final = 60
ENVIRONMENT_SCHEMA: Final = "training-run-observer/environment/1"
ENVIRONMENT_FILE: Final = "environment.json"
#: an empty file that a trainer leaves beside its checkpoints when it has ended
TRAINING_DONE_FILE: Final = "training.done"
_NAMES: Final[Mapping[str, Any]] = {
    "observation": ObservationName,
    "actions": ActionsName,
    "reward": RewardName,
    "opponent": OpponentName,
}


class OptionsError(EnvError):
    """An option has a value that the environment does not know."""


def _require(*, ok: bool, sentence: str) -> None:
    if not ok:
        raise OptionsError(sentence)


def _require_known(name: str, value: object, known: tuple[object, ...]) -> None:
    _require(ok=value in known, sentence=f"{name}: {value!r} is not known; choose {' or '.join(map(str, known))}")


def _is_number(value: object, offered: range) -> bool:
    """Whether it is a whole number of the range; True and 1.0 equal 1 and are none."""
    return type(value) is int and value in offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The game that is chosen in the menus.

    Raises:
        OptionsError: a value is outside what the game offers.
    """

    #: `vs_cpu`: against the computer that some cartridges have, which is player 2
    mode: Mode = "1p"
    #: of both players
    level: int = 0
    #: of both players
    speed: Speed = "med"
    #: which player the agent is; `both`: player 1 in games of an even seed, player 2 in the others
    side: Side = 1
    #: `match`: to three won rounds
    length: Length = "round"

    def __post_init__(self) -> None:
        _require(
            ok=self.mode in get_args(Mode),
            sentence=f"mode: {self.mode!r} is not a mode of the game; choose 1p, 2p or vs_cpu",
        )
        _require(
            ok=_is_number(self.level, range(HIGHEST_LEVEL + 1)),
            sentence=f"level: {self.level!r} is not a level of the game; choose 0 to {HIGHEST_LEVEL}",
        )
        _require(
            ok=self.speed in get_args(Speed),
            sentence=f"speed: {self.speed!r} is not a speed of the game; choose low, med or hi",
        )
        self._check_side_and_length()

    def _check_side_and_length(self) -> None:
        _require(
            ok=self.side == "both" or _is_number(self.side, range(1, 3)),
            sentence=f"side: {self.side!r} is not a side; choose 1, 2 or both",
        )
        _require(
            ok=self.side == 1 or self.mode == "2p",
            sentence=f"side: {self.side} is played in mode 2p alone; in mode {self.mode} the agent is player 1",
        )
        _require_known("length", self.length, get_args(Length))
        _require(
            ok=self.length == "round" or self.has_rival,
            sentence="length: a match is played in the modes 2p and vs_cpu; in mode 1p choose round",
        )

    @property
    def has_rival(self) -> bool:
        """Whether a second player takes part."""
        return self.mode != "1p"

    def of_game(self, seed: int) -> "Scenario":
        """The scenario that a game of this seed is played in: with `both`, the side that it falls to."""
        return self if self.side != "both" else replace(self, side=1 if seed % 2 == 0 else 2)

    @property
    def player(self) -> int:
        """Which player the agent is, 1 or 2; of `both`, that of an even seed."""
        return 2 if self.side == 2 else 1  # noqa: PLR2004 -- the other player

    @property
    def name(self) -> str:
        """A short word for folders and charts, such as `1p-level0-med` or `2p-level5-hi-side2-match`."""
        side = {1: "", 2: "-side2", "both": "-both"}[self.side]
        length = "" if self.length == "round" else f"-{self.length}"
        return f"{self.mode}-level{self.level}-{self.speed}{side}{length}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOptions:
    """Everything a checkpoint's environment was made with that shapes what the agent sees and does.

    Raises:
        OptionsError: a name is unknown, the frame skip is not positive, or an option does not go with the scenario.
    """

    scenario: Scenario = field(default_factory=Scenario)
    observation: ObservationName = "planes"
    actions: ActionsName = "pad"
    reward: RewardName = "clear"
    frame_skip: int = 4
    #: who plays the other side of a two-player game; `checkpoint`: one that whoever plays the game is to name
    opponent: OpponentName = "noop"

    def __post_init__(self) -> None:
        for name, kind in _NAMES.items():
            _require_known(name, getattr(self, name), get_args(kind))
        _require(
            ok=_is_number(self.frame_skip, range(1, MOST_FRAME_SKIP + 1)),
            sentence=f"frame_skip: {self.frame_skip!r} is not a number of frames from 1 to {MOST_FRAME_SKIP}",
        )
        _require(
            ok=self.opponent == "noop" or self.scenario.mode == "2p",
            sentence=f"opponent: {self.opponent} plays in mode 2p alone; leave it out in mode {self.scenario.mode}",
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
        _require(ok=isinstance(scenario, Mapping), sentence='scenario: not an object such as {"level": 0}')
        _require(
            ok="players" not in scenario,
            sentence='scenario: `players` has become `mode`; write "mode": "1p" instead of "players": 1',
        )
        wrong = sorted(set(scenario) - {entry.name for entry in fields(Scenario)})
        _require(ok=not wrong, sentence=f"scenario: unknown key(s) {', '.join(wrong)}")
        return cls(**{**data, "scenario": Scenario(**scenario)})
