"""A trainer to be disturbed: `python -m bench.trainer THREADS FILE`: PPO on CartPole, a line an iteration, until killed.

THREADS 0 leaves the number to torch. A line holds the monotonic time and the steps so far.
"""

import sys
import time
from pathlib import Path
from typing import Any, Final, TextIO

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

#: wide enough that torch's threads share the work of a batch
_LAYERS: Final = [256, 256]
_FOREVER: Final = 10**9


class Diary(BaseCallback):
    """Writes down each rollout's end."""

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self._file = file

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._file.write(f"{time.monotonic()} {self.num_timesteps}\n")
        self._file.flush()


def main() -> None:
    """Train."""
    threads, path = sys.argv[1:]
    if int(threads):
        torch.set_num_threads(int(threads))
    with Path(path).open("w", encoding="ascii") as file:
        wide: dict[str, Any] = {"net_arch": _LAYERS}
        agent = PPO("MlpPolicy", "CartPole-v1", n_steps=256, batch_size=256, seed=0, device="cpu", policy_kwargs=wide)
        agent.learn(_FOREVER, callback=Diary(file))


if __name__ == "__main__":
    main()
