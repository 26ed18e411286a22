"""What is said and kept while a training runs: how its games go, and that a person wants it to end.

Callbacks of stable-baselines3; they look on, and change nothing of what is learnt.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, Final

from stable_baselines3.common.callbacks import BaseCallback

#: Games that a figure of the progress is over.
RECENT: Final = 100


class Progress(BaseCallback):
    """Says after every rollout how far it is and how the last hundred games went; in SB3's own log as well.

    Args:
        timesteps: of the whole training.
        say: takes one line.
    """

    def __init__(self, timesteps: int, say: Callable[[str], None]) -> None:
        super().__init__()
        self._timesteps = timesteps
        self._say = say
        self._games: deque[tuple[float, float]] = deque(maxlen=RECENT)
        self._began = (0.0, 0)

    def _on_training_start(self) -> None:
        self._began = (monotonic(), self.num_timesteps)

    def _on_step(self) -> bool:
        ended = [info for info in self.locals["infos"] if "outcome" in info]
        self._games.extend((float(info["viruses_cleared"]), float(info["won"])) for info in ended)
        return True

    def _on_rollout_end(self) -> None:
        seconds, steps = monotonic() - self._began[0], self.num_timesteps - self._began[1]
        words = [f"{self.num_timesteps:,} of {self._timesteps:,} steps", f"{steps / seconds:.0f} steps/s"]
        if self._games:
            viruses, won = (sum(column) / len(self._games) for column in zip(*self._games, strict=True))
            self.logger.record("rollout/viruses_cleared", viruses)
            self.logger.record("rollout/win_rate", won)
            words.append(f"last {len(self._games)} games: {viruses:.2f} viruses, {won:.0%} won")
        left = max(0, self._timesteps - self.num_timesteps) * seconds / steps
        self._say(", ".join([*words, f"about {left / 60:.0f} min left"]))


class Stop(BaseCallback):
    """Ends a training between two steps where a signal asks for it; a second signal ends the process at once."""

    def __init__(self) -> None:
        super().__init__()
        #: the signal that asked
        self.signal: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes Ctrl-C and SIGTERM for a wish to stop."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, _frame: FrameType | None) -> Any:  # noqa: ANN401 -- what the signal module expects
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _on_step(self) -> bool:
        return self.signal is None
