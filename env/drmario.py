"""Dr. Mario (NES) as Gymnasium environments: `DrMarioEnv`, and `DrMarioVectorEnv` with many games in flight.

They run a real cartridge or the stand-in game that comes with this package; both keep the same RAM.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from env.actions import ACTIONS
from env.boot import StartStates
from env.cartridge import Cartridge
from env.errors import EnvError
from env.game import FRAMES_PER_SECOND, GAME_SEEDS, seats
from env.lane import Ended, GameSettings, Lane
from env.observation import Planes, shape
from env.options import EnvironmentOptions
from env.play import drive, drive_all
from env.stand_in import stand_in_rom


def observation_shape(options: EnvironmentOptions) -> tuple[int, int, int]:
    """Rows from the top, columns, channels: (16, 8, 12), and of `planes` (16, 8, 24) where a rival plays."""
    scenario = options.scenario
    return shape(options.observation, seats(scenario.player, has_rival=scenario.has_rival))


def observation_space(options: EnvironmentOptions) -> spaces.Space[Planes]:
    """Box(0, 1, `observation_shape`, float32)."""
    space: spaces.Space[Planes] = spaces.Box(0.0, 1.0, observation_shape(options), np.float32)
    return space


def action_space(options: EnvironmentOptions) -> spaces.Discrete[Any]:
    return spaces.Discrete(ACTIONS[options.actions].count)


def start_states(rom: Path | None, *, folder: Path | None = None, shared: Sequence[Path] = ()) -> StartStates:
    """The start states of a ROM, or of the stand-in game where none is given.

    Raises:
        RomError: the file is not a NES cartridge; the sentence names it.
    """
    return StartStates(Cartridge.read(rom or stand_in_rom()), folder=folder, shared=shared)


class DrMarioEnv(gym.Env[Planes, np.int64]):
    """One game of Dr. Mario.

    Observation: Box(0, 1, (16, 8, 12), float32), `planes` with 24 channels where a rival plays, see `env.observation`. Action:
    Discrete, see `env.actions`. `info` at the end of an episode: seed, outcome (win, loss, draw, timeout), won, topped_out,
    viruses_cleared, max_combo, capsules, episode_length (agent steps), frames (NES frames of play), total_reward, replay
    (bytes); of a match also rounds_won and rounds_lost. An episode is a round or a match, as the scenario has it.

    Args:
        starts: where games begin; by default those of the stand-in game, not kept.
        settings: options, limits, recording.
        game_seeds: what `reset(seed=None)` draws from.
        render_mode: `rgb_array` gives the emulator's own picture, (224, 256, 3) uint8.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": float(FRAMES_PER_SECOND)}  # noqa: RUF012 -- Gymnasium's form

    def __init__(
        self,
        starts: StartStates | None = None,
        settings: GameSettings | None = None,
        *,
        game_seeds: range = range(GAME_SEEDS),
        render_mode: str | None = None,
    ) -> None:
        settings = settings or GameSettings()
        self.observation_space = observation_space(settings.options)
        self.action_space = action_space(settings.options)
        self.render_mode = render_mode
        self._game_seeds = game_seeds
        self._lane = Lane(starts or start_states(None), settings)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Planes, dict[str, Any]]:
        """Begin a game.

        Args:
            seed: the game's own seed modulo 32,767; None draws one from `np_random`.
            options: none are known.
        """
        super().reset(seed=seed)
        del options
        return drive(self._lane.ready(), self._lane.begin(_game_seed(seed, self._game_seeds, self.np_random)))

    def step(self, action: np.int64 | int) -> tuple[Planes, float, bool, bool, dict[str, Any]]:
        """Carry out an action: `frame_skip` frames with `pad`, a whole capsule with `placement`.

        Raises:
            EnvError: the episode is over.
        """
        step = drive(self._lane.emulator, self._lane.step(int(action)))
        return step.observation, step.reward, step.terminated, step.truncated, step.info

    def listen(self, listener: Callable[[int, Ended], None], *, with_replay: bool = False) -> None:
        """Have `listener(0, ended)` called for every game that ends from the next reset on."""
        self._lane.listen(partial(listener, 0), with_replay=with_replay)

    def action_masks(self) -> NDArray[np.bool_]:
        """(actions,) bool, as sb3-contrib's MaskablePPO asks for it."""
        return self._lane.mask()

    def render(self) -> Any:  # noqa: ANN401 -- Gymnasium's signature
        """The picture of this moment, (224, 256, 3) uint8 RGB; None without a render mode."""
        if self.render_mode is None:
            return None
        return self._lane.emulator.screenshot()

    def close(self) -> None:
        self._lane.close()


def _game_seed(seed: int | None, game_seeds: range, generator: np.random.Generator) -> int:
    return seed if seed is not None else game_seeds[int(generator.integers(len(game_seeds)))]


class DrMarioVectorEnv(VectorEnv[Planes, NDArray[np.int64], NDArray[Any]]):
    """N games in flight from one thread: inputs go to all emulators, then the answers are collected.

    Lane by lane it equals N `DrMarioEnv`s. With `AutoresetMode.DISABLED` a lane whose game is over stands still
    (reward 0, neither terminated nor truncated again) until `reset` with a `reset_mask` that holds it; lanes that
    were never reset start no emulator. With `SAME_STEP` the next game begins in the step that ended one: the
    info's `seed` is the new game's, and the ended one's record is also in `final_info`, beside `final_obs`.
    """

    metadata: dict[str, Any] = {**DrMarioEnv.metadata, "autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 -- as above

    def __init__(
        self,
        num_envs: int,
        starts: StartStates | None = None,
        settings: GameSettings | None = None,
        *,
        game_seeds: range = range(GAME_SEEDS),
        autoreset_mode: AutoresetMode = AutoresetMode.DISABLED,
    ) -> None:
        if autoreset_mode not in {AutoresetMode.DISABLED, AutoresetMode.SAME_STEP}:
            raise EnvError(f"autoreset mode {autoreset_mode} is not offered; choose DISABLED or SAME_STEP")
        settings = settings or GameSettings()
        self.num_envs = num_envs
        self.metadata = {**type(self).metadata, "autoreset_mode": autoreset_mode}
        self.single_observation_space = observation_space(settings.options)
        self.single_action_space = action_space(settings.options)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._autoreset_mode = autoreset_mode
        self._game_seeds = game_seeds
        self._starts = starts or start_states(None)
        self._lanes = [Lane(self._starts, settings) for _ in range(num_envs)]
        self._observations = np.zeros((num_envs, *observation_shape(settings.options)), np.float32)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Planes, dict[str, Any]]:
        """Begin games.

        Args:
            seed: one per lane (None draws one); an int n gives lane i the seed n + i.
            options: `reset_mask`, (num_envs,) bool: only these lanes begin anew.

        Raises:
            ValueError: another number of seeds, or a mask that holds no lane or has another shape.
        """
        if isinstance(seed, int):
            super().reset(seed=seed)
        mask = self._reset_mask((options or {}).get("reset_mask"))
        infos = self._begin({lane: s for lane, s in enumerate(self._seeds(seed)) if mask[lane]})
        return self._observations.copy(), infos

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Planes, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Carry out one action in every lane that plays.

        Returns:
            observations (num_envs, 16, 8, channels), rewards, terminations, truncations (num_envs,), infos with `_key` masks.

        Raises:
            ValueError: another number of actions, or one that a lane which plays has not; nothing was played.
            EnvError: a lane failed; the games of all lanes have broken off, reset them.
        """
        if np.shape(actions) != (self.num_envs,):
            raise ValueError(f"actions have the shape {np.shape(actions)}: give one for each of {self.num_envs} lanes")
        playing = [index for index, lane in enumerate(self._lanes) if not lane.is_over]
        for i in playing:
            self._lanes[i].check(int(actions[i]))
        steps = drive_all((self._lanes[i].emulator, self._lanes[i].step(int(actions[i]))) for i in playing)
        rewards = np.zeros(self.num_envs, np.float64)
        terminations = np.zeros(self.num_envs, np.bool_)
        truncations = np.zeros(self.num_envs, np.bool_)
        infos: dict[str, Any] = {}
        for index, step in zip(playing, steps, strict=True):
            self._observations[index] = step.observation
            rewards[index], terminations[index], truncations[index] = step.reward, step.terminated, step.truncated
            infos = self._add_info(infos, self._info(step.info, step.observation), index)
        if self._autoreset_mode is AutoresetMode.SAME_STEP:
            over = [index for index in playing if self._lanes[index].is_over]
            infos |= self._begin({index: self._draw() for index in over})
        return self._observations.copy(), rewards, terminations, truncations, infos

    def listen(self, listener: Callable[[int, Ended], None], *, with_replay: bool = False) -> None:
        """Have `listener(lane, ended)` called for every game that ends from the next reset on."""
        for number, lane in enumerate(self._lanes):
            lane.listen(partial(listener, number), with_replay=with_replay)

    def action_masks(self) -> NDArray[np.bool_]:
        """(num_envs, actions) bool; all true in a lane that does not play."""
        return np.stack([lane.mask() for lane in self._lanes])

    @property
    def frames(self) -> int:
        """NES frames emulated so far, intros included."""
        return sum(lane.emulator.frames for lane in self._lanes)

    def close_extras(self, **kwargs: Any) -> None:  # noqa: ANN401 -- Gymnasium's signature
        """End every emulator."""
        del kwargs
        for lane in self._lanes:
            lane.close()

    def _begin(self, seeds: Mapping[int, int]) -> dict[str, Any]:
        """Begin a game in each of the lanes given, and return their infos."""
        begun = drive_all((self._lanes[lane].ready(), self._lanes[lane].begin(seed)) for lane, seed in seeds.items())
        infos: dict[str, Any] = {}
        for lane, (observation, info) in zip(seeds, begun, strict=True):
            self._observations[lane] = observation
            infos = self._add_info(infos, info, lane)
        return infos

    def _info(self, info: dict[str, Any], observation: Planes) -> dict[str, Any]:
        """An episode's record; beside it, with SAME_STEP, what Gymnasium's own vector environments give there."""
        if not info or self._autoreset_mode is AutoresetMode.DISABLED:
            return info
        return {**info, "final_obs": observation.copy(), "final_info": info}

    def _draw(self) -> int:
        return _game_seed(None, self._game_seeds, self.np_random)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int]:
        if isinstance(seed, int):
            return [seed + lane for lane in range(self.num_envs)]
        given = [None] * self.num_envs if seed is None else list(seed)
        if len(given) != self.num_envs:
            raise ValueError(f"{len(given)} seeds for {self.num_envs} lanes: give one for each")
        return [_game_seed(one, self._game_seeds, self.np_random) for one in given]

    def _reset_mask(self, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(f"reset_mask must be ({self.num_envs},) bool with at least one lane set")
        return mask


gym.register("DrMario-v0", entry_point="env.drmario:DrMarioEnv")
