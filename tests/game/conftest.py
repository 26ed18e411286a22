"""One cache of start states for all tests of the game, and environments on it that are closed in the end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from env.boot import StartStates
from env.drmario import DrMarioEnv, DrMarioVectorEnv, start_states
from env.lane import GameSettings
from env.options import ActionsName, EnvironmentOptions, ObservationName, Scenario, Speed


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> StartStates:
    return start_states(None, folder=tmp_path_factory.mktemp("start-states"))


def settings(
    actions: ActionsName = "placement",
    observation: ObservationName = "planes",
    *,
    level: int = 0,
    speed: Speed = "med",
    frame_skip: int = 4,
    **others: Any,  # noqa: ANN401 -- of GameSettings
) -> GameSettings:
    options = EnvironmentOptions(
        scenario=Scenario(level=level, speed=speed), observation=observation, actions=actions, frame_skip=frame_skip
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
