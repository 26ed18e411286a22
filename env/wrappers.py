"""What a training process puts around its environments: each game recorded, and its metrics in a table.

`ReplayRecorder` and `MetricsLogger` go around a `DrMarioEnv` or a `DrMarioVectorEnv`, alone or one around the other, and
change nothing that the agent sees. The observer reads what they leave.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, overload

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper
from numpy.typing import NDArray

from env.drmario import DrMarioEnv, DrMarioVectorEnv
from env.errors import EnvError
from env.lane import Ended
from env.observation import Planes
from env.recordings import Count, GameLog, MetricsTable, check_run_name

FOLDER: Final = Path("models/recordings")

Single = gym.Env[Planes, np.int64]
Vector = VectorEnv[Planes, NDArray[np.int64], NDArray[Any]]


class _Log(Protocol):
    """What is told of every finished game, one for each lane."""

    def note(self, ended: Ended, count_here: Count) -> None: ...

    def close(self) -> None: ...


class _Games:
    """A lane's games, recorded."""

    def __init__(self, log: GameLog) -> None:
        self._log = log

    def note(self, ended: Ended, count_here: Count) -> None:
        if ended.replay is not None:
            self._log.add(ended.replay, count_here=count_here)

    def close(self) -> None:
        self._log.close()


class _Metrics:
    """A lane's games, in a table."""

    def __init__(self, table: MetricsTable) -> None:
        self._table = table

    def note(self, ended: Ended, count_here: Count) -> None:
        self._table.add(ended.record, count_here=count_here)

    def close(self) -> None:
        self._table.close()


class _Listening:
    """Counts each lane's games for its log."""

    def __init__(self, logs: list[_Log], *, workers: int) -> None:
        self._logs = logs
        self._workers = workers
        self._episodes = [0] * len(logs)

    def __call__(self, lane: int, ended: Ended) -> None:
        here = Count(episode=self._episodes[lane], timestep=ended.steps * self._workers)
        self._episodes[lane] += 1
        self._logs[lane].note(ended, here)

    def close(self) -> None:
        for log in self._logs:
            log.close()


class _Logged(gym.Wrapper[Planes, np.int64, Planes, np.int64]):
    """A single environment whose games are told."""

    def __init__(self, env: Single, listening: _Listening) -> None:
        super().__init__(env)
        self._listening = listening

    def close(self) -> None:
        self.env.close()
        self._listening.close()


class _LoggedVector(VectorWrapper[Planes, NDArray[np.int64], Planes, NDArray[np.int64], NDArray[Any]]):
    """A vector environment whose games are told."""

    def __init__(self, env: Vector, listening: _Listening) -> None:
        super().__init__(env)
        self._listening = listening

    def close(self, **kwargs: Any) -> None:  # noqa: ANN401 -- Gymnasium's signature
        self.env.close(**kwargs)
        self._listening.close()


@overload
def ReplayRecorder(
    env: Single, folder: Path | str = ..., *, run: str = ..., number: int = ..., workers: int | None = ...
) -> Single: ...
@overload
def ReplayRecorder(
    env: Vector, folder: Path | str = ..., *, run: str = ..., number: int = ..., workers: int | None = ...
) -> Vector: ...
def ReplayRecorder(  # noqa: N802 -- reads like the wrappers of Gymnasium, whichever kind it is put around
    env: Single | Vector,
    folder: Path | str = FOLDER,
    *,
    run: str = "run",
    number: int = 0,
    workers: int | None = None,
) -> Single | Vector:
    """Record every game's inputs, start state and RAM hashes in `<run>-<env>-<n>.segment`; a few hundred bytes a game.

    Args:
        env: a `DrMarioEnv` or `DrMarioVectorEnv`, wrapped or not.
        folder: made when the first game ends.
        run: what the files begin with.
        number: of this environment among those of the run; the lanes of a vector count on from it. Two that share one
            write files of their own all the same.
        workers: how many environments learn side by side, for the training's step; by default the lanes of this one.

    Raises:
        EnvError: it is another environment.
        ValueError: files cannot be named after `run`.
    """
    check_run_name(run)

    def make(lane: int) -> _Log:
        return _Games(GameLog(Path(folder), run=run, env=number + lane))

    return _logged(env, make, workers=workers, with_replay=True)


@overload
def MetricsLogger(
    env: Single, folder: Path | str = ..., *, run: str = ..., number: int = ..., workers: int | None = ...
) -> Single: ...
@overload
def MetricsLogger(
    env: Vector, folder: Path | str = ..., *, run: str = ..., number: int = ..., workers: int | None = ...
) -> Vector: ...
def MetricsLogger(  # noqa: N802 -- as above
    env: Single | Vector,
    folder: Path | str = FOLDER,
    *,
    run: str = "run",
    number: int = 0,
    workers: int | None = None,
) -> Single | Vector:
    """Append a row for every game to `<run>-<env>.csv`: what it came to, and when; arguments as of `ReplayRecorder`.

    A table that another process writes is left to it, and the next free number is taken.

    Raises:
        EnvError: it is another environment.
        ValueError: files cannot be named after `run`.
    """
    check_run_name(run)

    def make(lane: int) -> _Log:
        return _Metrics(MetricsTable(Path(folder), run=run, env=number + lane))

    return _logged(env, make, workers=workers, with_replay=False)


def _logged(
    env: Single | Vector, make: Callable[[int], _Log], *, workers: int | None, with_replay: bool
) -> Single | Vector:
    inner = env.unwrapped
    if not isinstance(inner, DrMarioEnv | DrMarioVectorEnv):
        raise EnvError(f"{type(inner).__name__} cannot be recorded: give a DrMarioEnv or a DrMarioVectorEnv")
    lanes = inner.num_envs if isinstance(inner, DrMarioVectorEnv) else 1
    listening = _Listening([make(lane) for lane in range(lanes)], workers=workers or lanes)
    inner.listen(listening, with_replay=with_replay)
    return _Logged(env, listening) if isinstance(env, gym.Env) else _LoggedVector(env, listening)
