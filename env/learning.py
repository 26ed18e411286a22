"""What learns: an algorithm of stable-baselines3, with the network and the settings that suit the actions.

Begins a new one or goes on from a checkpoint. That is loaded as SB3 does it, by unpickling: only what this trainer
itself has written is a checkpoint to go on from.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from zipfile import BadZipFile, ZipFile

import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.vec_env import VecEnv

from env.landing import LandingPolicy
from env.network import ColumnPolicy, OriginalCNN
from env.options import EnvironmentOptions, OptionsError

AlgorithmName = Literal["maskable_ppo", "ppo"]
ALGORITHMS: Final[Mapping[str, Any]] = {"maskable_ppo": MaskablePPO, "ppo": PPO}

#: of which one is a whole capsule
CAPSULE_ACTIONS: Final = frozenset({"placement", "reach"})
ROLLOUT: Final = 1_024
BATCH: Final = 128
_STEPS: Final = re.compile(r"_(\d+)_steps\.zip$")

#: A step is a capsule, and a game is some fifty of them. Measured: eight epochs learn faster than four.
CAPSULE_SETTINGS: Final[Mapping[str, Any]] = {
    "learning_rate": 5e-4,
    "n_epochs": 8,
    "gamma": 0.95,
    "gae_lambda": 0.9,
    "clip_range": 0.2,
    "ent_coef": 0.003,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}
#: A step is a few frames, and what it leads to is seen dozens of steps later.
PAD_SETTINGS: Final[Mapping[str, Any]] = {**CAPSULE_SETTINGS, "n_epochs": 4, "gamma": 0.995, "gae_lambda": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How an agent is taught.

    Raises:
        OptionsError: the algorithm or the device is not known, or not of this machine.
    """

    options: EnvironmentOptions
    #: where TensorBoard's files go
    log: Path
    #: `maskable_ppo` or `ppo`
    algorithm: str = "maskable_ppo"
    #: as torch names it; `auto` takes a GPU where there is one
    device: str = "auto"
    seed: int = 0
    #: about how many agent steps of all games together lie between two updates
    rollout: int = ROLLOUT

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise OptionsError(f"algo: {self.algorithm!r} is not known; choose {' or '.join(ALGORITHMS)}")
        _require_device(self.device)

    def begin(self, games: VecEnv) -> OnPolicyAlgorithm:
        """A model that has learnt nothing yet."""
        policy, kwargs = self._network()
        settings = CAPSULE_SETTINGS if self.options.actions in CAPSULE_ACTIONS else PAD_SETTINGS
        model: OnPolicyAlgorithm = ALGORITHMS[self.algorithm](
            policy, games, seed=self.seed, device=self.device, policy_kwargs=kwargs, tensorboard_log=str(self.log),
            **settings, **self._sizes(games.num_envs),
        )  # fmt: skip
        return model

    def resume(self, checkpoint: Path, games: VecEnv) -> OnPolicyAlgorithm:
        """The model of a checkpoint: its weights, its optimizer's state, its count of steps; other games follow.

        Raises:
            OptionsError: another algorithm wrote it.
        """
        changed = {"tensorboard_log": str(self.log), **self._sizes(games.num_envs)}
        model: OnPolicyAlgorithm = ALGORITHMS[self.algorithm].load(checkpoint, games, self.device, **changed)
        if isinstance(model.policy, MaskableActorCriticPolicy) != (self.algorithm == "maskable_ppo"):
            raise OptionsError(f"algo: {checkpoint.name} was not trained with {self.algorithm}; choose the other one")
        model.set_random_seed(self.seed + model.num_timesteps)
        return model

    def _sizes(self, lanes: int) -> dict[str, int]:
        """Of a rollout, in steps a game, and of its batches: all of one size, or SB3 warns."""
        batch = max(2, min(BATCH, self.rollout))
        whole = math.lcm(lanes, batch)
        return {"n_steps": max(1, round(self.rollout / whole)) * whole // lanes, "batch_size": batch}

    def _network(self) -> tuple[type[BasePolicy], dict[str, Any]]:
        if self.algorithm == "ppo":
            return ActorCriticPolicy, {"features_extractor_class": OriginalCNN}
        if self.options.actions != "placement":
            return MaskableActorCriticPolicy, {"features_extractor_class": OriginalCNN}
        return (LandingPolicy if self.options.observation == "relative" else ColumnPolicy), {}


def newest(checkpoints: Path) -> Path:
    """The checkpoint with the most steps of those that are whole.

    Raises:
        OptionsError: there is none.
    """
    found = {int(match[1]): path for path in checkpoints.glob("*.zip") if (match := _STEPS.search(path.name))}
    for _, path in sorted(found.items(), reverse=True):
        if _is_whole(path):
            return path
    raise OptionsError(f"resume: {checkpoints} holds no checkpoint to go on from; leave --resume out to begin")


def _is_whole(path: Path) -> bool:
    """Whether every byte is there: a trainer that was killed may have left half a file."""
    try:
        with ZipFile(path) as archive:
            return archive.testzip() is None
    except (BadZipFile, OSError):
        return False


def _require_device(name: str) -> None:
    if name == "auto":
        return
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise OptionsError(f"device: {name!r} is not here; choose auto or cpu") from error
