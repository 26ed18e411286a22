"""What recording costs a training process, with and without the wrappers, and the bytes of what was recorded.

Random actions, and nobody learns: learning makes a step longer and the cost a smaller part of it. Two vectors of games, one
of them recorded, play the same games by turns of a few steps, so that both meet the machine in the same moods. The cost is
the processor's time that this process spends more, for the wrappers run in it and nowhere else, as a part of the seconds
that the steps take without them.
"""

import statistics
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from env.actions import ACTIONS
from env.boot import StartStates
from env.drmario import DrMarioVectorEnv, start_states
from env.lane import GameSettings
from env.options import ActionsName, EnvironmentOptions
from env.wrappers import MetricsLogger, ReplayRecorder

_LANES: Final = 4
_SEEDS: Final = range(4000, 4200)
_MILLION: Final = 1_000_000
#: Emulated frames of a step, about.
_FRAMES: Final[dict[ActionsName, int]] = {"pad": 4, "placement": 60}
#: of every lane, in a turn
_TURN_FRAMES: Final = 400


@dataclass(slots=True)
class _Side:
    """One of the two vectors, and what each of its turns took."""

    games: VectorEnv[Any, Any, Any]
    #: of the clock
    seconds: list[float] = field(default_factory=list)
    #: of the processor, in this process alone
    busy: list[float] = field(default_factory=list)

    def play(self, choices: NDArray[np.int64]) -> None:
        began, busy = time.perf_counter(), time.process_time()
        for chosen in choices:
            self.games.step(chosen)
        self.seconds.append(time.perf_counter() - began)
        self.busy.append(time.process_time() - busy)


def measure(*, frames: int, actions: ActionsName) -> dict[str, object]:
    """`frames`: of every lane, recorded; as many are played without."""
    turns = _turns(frames, actions=actions)
    with TemporaryDirectory() as folder:
        starts, recorded = start_states(None, folder=Path(folder) / "states"), Path(folder) / "recorded"
        plain, logged = _games(starts, actions=actions), _games(starts, actions=actions)
        logged = MetricsLogger(ReplayRecorder(logged, recorded), recorded)
        with closing(plain), closing(logged):
            sides = _Side(_begun(plain)), _Side(_begun(logged))
            sizes = []
            for number, choices in enumerate(turns):
                for side in sides if number % 2 else reversed(sides):
                    side.play(choices)
                sizes.append(sum(path.stat().st_size for path in recorded.glob("*.segment")))
    without, with_it = sides
    more = [after - before for before, after in zip(without.busy, with_it.busy, strict=True)]
    step_seconds = statistics.mean(without.seconds)
    half = len(turns) // 2  # what a segment begins with is behind it by then
    return {
        "actions": actions,
        "steps": sum(choices.size for choices in turns),
        "cost": round(statistics.mean(more) / step_seconds, 4),
        "cost_95_percent": round(1.96 * statistics.stdev(more) / len(more) ** 0.5 / step_seconds, 4),
        "steps_a_second_with_over_without": round(sum(without.seconds) / sum(with_it.seconds), 4),
        "bytes_a_million_steps": round(
            (sizes[-1] - sizes[half]) * _MILLION / sum(choices.size for choices in turns[half + 1 :])
        ),
    }


def _turns(frames: int, *, actions: ActionsName) -> list[NDArray[np.int64]]:
    """The actions of each turn, (steps, lanes)."""
    generator, size = np.random.default_rng(0), (_TURN_FRAMES // _FRAMES[actions], _LANES)
    return [generator.integers(0, ACTIONS[actions].count, size) for _ in range(frames // _TURN_FRAMES)]


def _games(starts: StartStates, *, actions: ActionsName) -> VectorEnv[Any, Any, Any]:
    settings = GameSettings(options=EnvironmentOptions(actions=actions), record=False)
    return DrMarioVectorEnv(_LANES, starts, settings, game_seeds=_SEEDS, autoreset_mode=AutoresetMode.SAME_STEP)


def _begun(games: VectorEnv[Any, Any, Any]) -> VectorEnv[Any, Any, Any]:
    """With the same games ahead as every other."""
    games.reset(seed=0)
    return games
