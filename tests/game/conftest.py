"""One cache of start states for all tests of the game, and environments on it that are closed in the end."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import pytest
from models.machine import CARTRIDGE, Machine

from env.boot import StartStates
from env.drmario import DrMarioEnv, DrMarioVectorEnv, start_states
from env.emulator import Emulator
from env.game import (
    ACTION,
    CAPSULE,
    COLUMN,
    COLUMNS,
    EMPTY,
    FIELD,
    HEIGHT,
    MODE,
    ROWS,
    VIRUSES_LEFT,
    Action,
    Mode,
)
from env.lane import GameSettings
from env.options import ActionsName, EnvironmentOptions, ObservationName, OpponentName, Scenario

Cells = Mapping[tuple[int, int], int]


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> StartStates:
    return start_states(None, folder=tmp_path_factory.mktemp("start-states"))


def settings(
    actions: ActionsName = "placement",
    observation: ObservationName = "planes",
    *,
    frame_skip: int = 4,
    rival: OpponentName = "noop",
    scenario: Scenario | None = None,
    **others: Any,  # noqa: ANN401 -- of GameSettings
) -> GameSettings:
    options = EnvironmentOptions(
        scenario=scenario or Scenario(),
        observation=observation,
        actions=actions,
        frame_skip=frame_skip,
        opponent=rival,
    )
    return GameSettings(options=options, **others)


MakeSettings = Callable[..., GameSettings]


@pytest.fixture(scope="session")
def make_settings() -> MakeSettings:
    return settings


@pytest.fixture
def make_env(starts: StartStates) -> Iterator[Callable[..., DrMarioEnv]]:
    """`make_env(actions, observation, render_mode=..., **settings)`."""
    made: list[DrMarioEnv] = []

    def make(*words: Any, render_mode: str | None = None, **others: Any) -> DrMarioEnv:  # noqa: ANN401 -- as settings
        made.append(DrMarioEnv(starts, settings(*words, **others), render_mode=render_mode))
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture
def make_games(starts: StartStates) -> Iterator[Callable[..., DrMarioVectorEnv]]:
    """`make_games(lanes, settings, autoreset_mode=...)`."""
    made: list[DrMarioVectorEnv] = []

    def make(lanes: int, chosen: GameSettings | None = None, **others: Any) -> DrMarioVectorEnv:  # noqa: ANN401 -- as DrMarioVectorEnv
        made.append(DrMarioVectorEnv(lanes, starts, chosen or settings(), **others))
        return made[-1]

    yield make
    for games in made:
        games.close()


class BuildRam(Protocol):
    def __call__(self, values: Mapping[int, int] = ..., *, field: Cells = ...) -> bytes:
        """RAM of a live round with an empty field, a capsule falling in the middle, and these bytes and cells."""


@pytest.fixture(scope="session")
def build_ram() -> BuildRam:
    def build(values: Mapping[int, int] = MappingProxyType({}), *, field: Cells = MappingProxyType({})) -> bytes:
        ram = bytearray(2048)
        ram[FIELD : FIELD + ROWS * COLUMNS] = bytes([EMPTY]) * (ROWS * COLUMNS)
        falling = {MODE: Mode.PLAY, ACTION: Action.FALLING, VIRUSES_LEFT: 4, CAPSULE + 1: 1, COLUMN: 3, HEIGHT: 8}
        cells = {FIELD + row * COLUMNS + column: cell for (row, column), cell in field.items()}
        for address, value in (falling | cells | dict(values)).items():
            ram[address] = value
        return bytes(ram)

    return build


class BuildVersusRam(Protocol):
    def __call__(
        self,
        first: Mapping[int, int] = ...,
        second: Mapping[int, int] = ...,
        *,
        fields: tuple[Cells, Cells] = ...,
        shared: Mapping[int, int] = ...,
    ) -> bytes:
        """RAM of a live round of two; the bytes of both blocks at player 1's addresses."""


@pytest.fixture(scope="session")
def build_versus_ram(build_ram: BuildRam) -> BuildVersusRam:
    def build(
        first: Mapping[int, int] = MappingProxyType({}),
        second: Mapping[int, int] = MappingProxyType({}),
        *,
        fields: tuple[Cells, Cells] = (MappingProxyType({}), MappingProxyType({})),
        shared: Mapping[int, int] = MappingProxyType({}),
    ) -> bytes:
        ram = bytearray(build_ram({**first, **shared}, field=fields[0]))
        other = build_ram(second, field=fields[1])
        ram[0x380:0x3B0] = other[0x300:0x330]
        ram[0x500:0x580] = other[0x400:0x480]
        return bytes(ram)

    return build


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """The cartridge beside the rules model."""
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        machine.boot()
        yield machine
