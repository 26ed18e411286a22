"""What `doctor` tries this machine with: `python -m observer.sample checkpoint FILE`, or `clip FILE`.

A checkpoint of an agent that has learnt nothing, saved by stable-baselines3 as it is installed here, for the spaces
that the environment.json beside it names; or a clip of a black picture. In a process of its own: the rest needs no torch.
"""

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from env.drmario import action_space, observation_space
from env.options import ENVIRONMENT_FILE, EnvironmentOptions

_FRAMES = 6


class _Nothing(gymnasium.Env[Any, Any]):
    """Has spaces, and is never played."""

    def __init__(self, options: EnvironmentOptions) -> None:
        self.observation_space = observation_space(options)
        self.action_space = action_space(options)


def save_checkpoint(path: Path) -> None:
    """Write the checkpoint."""
    from stable_baselines3 import PPO  # noqa: PLC0415 -- torch, which a clip does without

    text = (path.parent / ENVIRONMENT_FILE).read_text(encoding="utf-8")
    options = EnvironmentOptions.from_json(text, source=ENVIRONMENT_FILE)
    model = PPO(
        "MlpPolicy", _Nothing(options), n_steps=2, batch_size=2, seed=0, device="cpu", policy_kwargs={"net_arch": []}
    )
    model.save(path)


def make_clip(path: Path) -> None:
    """Encode a moment of nothing, picture and sound."""
    from observer.adapters.video import ClipWriter  # noqa: PLC0415 -- the encoder, which a checkpoint does without

    with ClipWriter(path, width=256, height=224) as writer:
        for _ in range(_FRAMES):
            writer.add_picture(np.zeros((224, 256, 3), np.uint8))
            writer.add_sound(np.zeros(800, np.int16))
        writer.finish()


def main() -> None:
    """As the module says."""
    what, path = sys.argv[1:]
    {"checkpoint": save_checkpoint, "clip": make_clip}[what](Path(path))


if __name__ == "__main__":
    main()
