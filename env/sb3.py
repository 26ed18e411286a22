"""Our vector environment as stable-baselines3's `VecEnv`, for training.

SB3 has no adapter for Gymnasium's `VectorEnv`. What an attribute or method of a single environment would be is
answered for every lane by the vector environment as a whole.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from env.errors import EnvError
from env.observation import Planes


class DrMarioVecEnv(VecEnv):
    """N games in flight for `PPO(..., env)` and `MaskablePPO(..., env)`.

    Args:
        games: a `DrMarioVectorEnv`, wrapped or not, made with `AutoresetMode.SAME_STEP`, as SB3 expects the next observation in the step that ends a game.
    """

    def __init__(self, games: VectorEnv[Planes, NDArray[np.int64], NDArray[Any]]) -> None:
        if games.metadata["autoreset_mode"] is not AutoresetMode.SAME_STEP:
            raise EnvError("training needs a DrMarioVectorEnv with AutoresetMode.SAME_STEP")
        self._games = games
        self._actions: NDArray[Any] = np.zeros(games.num_envs, np.int64)
        super().__init__(games.num_envs, games.single_observation_space, games.single_action_space)

    def reset(self) -> Planes:
        """Begin a game in every lane; after `seed(n)` the first draws follow from n."""
        first = self._seeds[0]
        if first is not None:
            np_random, _ = gym.utils.seeding.np_random(first)
            self._games.np_random = np_random
        self._reset_seeds()
        observations, _ = self._games.reset()
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Step every lane; the info of a finished game holds its record and `terminal_observation`."""
        observations, rewards, terminations, truncations, infos = self._games.step(self._actions)
        dones = terminations | truncations
        lanes = [
            _finished(infos, lane, truncated=bool(truncations[lane])) if dones[lane] else {} for lane in self._lanes()
        ]
        return observations, rewards.astype(np.float32), dones, lanes

    def close(self) -> None:
        self._games.close()

    def has_attr(self, attr_name: str) -> bool:
        return attr_name == "render_mode" or hasattr(self._games.unwrapped, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        games = self._games.unwrapped
        value = getattr(games, attr_name, None) if attr_name == "render_mode" else getattr(games, attr_name)
        return [value for _ in self._lanes(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:  # noqa: ANN401 -- SB3's
        del value, indices
        raise EnvError(f"{attr_name} cannot be set while games run; make the environment with it")

    def env_method(
        self,
        method_name: str,
        *method_args: Any,  # noqa: ANN401 -- SB3's
        indices: VecEnvIndices = None,
        **method_kwargs: Any,  # noqa: ANN401 -- as above
    ) -> list[Any]:
        """Call a method of the vector environment whose answer has a row per lane, such as `action_masks`."""
        rows = getattr(self._games.unwrapped, method_name)(*method_args, **method_kwargs)
        return [rows[lane] for lane in self._lanes(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        del wrapper_class
        return [False for _ in self._lanes(indices)]

    def _lanes(self, indices: VecEnvIndices = None) -> Sequence[int]:
        if indices is None:
            return range(self.num_envs)
        return [indices] if isinstance(indices, int) else list(indices)


def _finished(infos: dict[str, Any], lane: int, *, truncated: bool) -> dict[str, Any]:
    """The record of the game that ended; the flat infos beside it already tell of the lane's next one."""
    ended = infos["final_info"]
    record = {key: ended[key][lane] for key in ended if not key.startswith("_")}
    return {**record, "terminal_observation": infos["final_obs"][lane], "TimeLimit.truncated": truncated}
