"""Writes the checkpoints of this folder, and beside them what the process that wrote them would have played.

Run by a Python that has some version of stable-baselines3 and sb3-contrib, gym or gymnasium, and nothing of this
project: `python write.py FOLDER [KIND ...]`. The README beside it says which ones were used.
"""

import copy
import platform
import sys
import warnings
from pathlib import Path

import numpy as np
import sb3_contrib
import stable_baselines3
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

try:
    import gymnasium as gym
except ImportError:
    import gym

LANES, STEPS = 16, 5
VECTOR = gym.spaces.Box(-1, 1, (6,), np.float32)
MIXED = gym.spaces.Dict({"vector": VECTOR, "count": gym.spaces.Discrete(4)})
PAD = gym.spaces.Discrete(5)
PUSH = gym.spaces.Box(-1, 1, (2,), np.float32)
OLD_API = gym.__name__ == "gym"


class Scripted(gym.Env):
    """Shows what a table holds for its lane, whatever is done; some games end on the way."""

    def __init__(self, shown, actions, lane):
        self.shown, self.action_space, self.lane, self.time = shown, actions, lane, 0
        self.observation_space = MIXED if isinstance(shown, dict) else VECTOR

    def look(self):
        if isinstance(self.shown, dict):
            return {name: rows[self.time % STEPS, self.lane] for name, rows in self.shown.items()}
        return self.shown[self.time % STEPS, self.lane]

    def reset(self, *, seed=None, options=None):
        return self.look() if OLD_API else (self.look(), {})

    def step(self, action):
        self.time += 1
        done = (self.time + self.lane) % 3 == 0
        return (self.look(), 1.0, done, {}) if OLD_API else (self.look(), 1.0, done, False, {})

    def action_masks(self):
        return (np.arange(5) + self.lane) % 3 > 0


class OwnExtractor(BaseFeaturesExtractor):
    """A features extractor of the user's own."""

    def __init__(self, observation_space, features_dim=7):
        super().__init__(observation_space, features_dim)
        self.layer = torch.nn.Linear(observation_space.shape[0], features_dim)

    def forward(self, observations):
        return torch.relu(self.layer(observations))


OwnExtractor.__module__ = "own_features"  # as if it had been imported from there
sys.modules["own_features"] = sys.modules[__name__]

ON = {"n_steps": 8, "batch_size": 16}
OFF = {"buffer_size": 200, "learning_starts": 1}
SMALL = {"net_arch": [8]}
PPO, A2C, DQN = stable_baselines3.PPO, stable_baselines3.A2C, stable_baselines3.DQN
#: kind -> algorithm, policy, actions, options
KINDS = {
    "ppo": (PPO, "MlpPolicy", PAD, {**ON, "learning_rate": lambda left: 1e-3 * left,
            "policy_kwargs": {"net_arch": {"pi": [8], "vf": [6, 4]}, "activation_fn": torch.nn.ELU}}),
    "two_pads": (PPO, "MlpPolicy", gym.spaces.MultiDiscrete([3, 4]), {**ON, "policy_kwargs": SMALL}),
    "inputs": (PPO, "MultiInputPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "extractor": (PPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": {
            **SMALL, "features_extractor_class": OwnExtractor, "features_extractor_kwargs": {"features_dim": 9}}}),
    "stacked": (PPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "normalized": (PPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "normalized_stack": (PPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "gsde": (PPO, "MlpPolicy", PUSH, {**ON, "use_sde": True, "policy_kwargs": SMALL}),
    "a2c": (A2C, "MlpPolicy", PAD, {"n_steps": 8, "policy_kwargs": SMALL}),
    "trpo": (sb3_contrib.TRPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "maskable": (sb3_contrib.MaskablePPO, "MlpPolicy", PAD, {**ON, "policy_kwargs": SMALL}),
    "recurrent": (sb3_contrib.RecurrentPPO, "MlpLstmPolicy", PAD, {**ON, "policy_kwargs": {
            "net_arch": [5], "lstm_hidden_size": 4, "n_lstm_layers": 2}}),
    "dqn": (DQN, "MlpPolicy", PAD, {**OFF, "policy_kwargs": SMALL}),
    "qrdqn": (sb3_contrib.QRDQN, "MlpPolicy", PAD, {**OFF, "policy_kwargs": {**SMALL, "n_quantiles": 5}}),
    "sac": (stable_baselines3.SAC, "MlpPolicy", PUSH, {**OFF, "policy_kwargs": SMALL}),
    "td3": (stable_baselines3.TD3, "MlpPolicy", PUSH, {**OFF, "policy_kwargs": SMALL}),
    "ddpg": (stable_baselines3.DDPG, "MlpPolicy", PUSH, {**OFF, "policy_kwargs": SMALL}),
    "tqc": (sb3_contrib.TQC, "MlpPolicy", PUSH, {**OFF, "policy_kwargs": SMALL}),
    "crossq": (getattr(sb3_contrib, "CrossQ", None), "MlpPolicy", PUSH, {**OFF, "policy_kwargs": SMALL}),
    "ars": (sb3_contrib.ARS, "LinearPolicy", PAD, {"n_delta": 1}),
}  # fmt: skip
LEARNT = ("ppo", "normalized", "normalized_stack", "a2c", "dqn")


def shown(kind):
    """What the games show: (steps, lanes, ...), in steps of 1/8, which every machine adds alike."""
    numbers = np.random.RandomState(len(kind))
    rows = (numbers.randint(-8, 9, (STEPS, LANES, 6)) / 8).astype(np.float32)
    return {"vector": rows, "count": numbers.randint(0, 4, (STEPS, LANES))} if kind == "inputs" else rows


def games(kind, actions):
    """All lanes, wrapped as the kind has it."""
    table = shown(kind)
    env = DummyVecEnv([lambda lane=lane: Scripted(table, actions, lane) for lane in range(LANES)])
    if kind.startswith("normalized"):
        env = VecNormalize(env, gamma=0.9, clip_obs=1.5)
    return VecFrameStack(env, 3) if "stack" in kind else env


def made(kind):
    """A model, trained a little where that shows in the file."""
    algorithm, policy, actions, options = KINDS[kind]
    torch.manual_seed(1)
    extra = {} if kind == "ars" else {"device": "cpu"}
    model = algorithm(policy, games(kind, actions), seed=1, **extra, **copy.deepcopy(options))  # SB3 writes into them
    if kind in LEARNT:
        model.learn(200)
    last = getattr(model.policy, "action_net", None) or getattr(getattr(model.policy, "q_net", None), "q_net", None)
    if last is not None:
        with torch.no_grad():  # a new head finds all actions alike, and a trained one is better compared
            [parameter.mul_(40) for parameter in last.parameters()]
    return model


def played(kind, model):
    """What it sees and does, step by step: (steps, lanes, ...)."""
    env = games(kind, KINDS[kind][2])
    statistics = model.get_vec_normalize_env()
    if statistics is not None:
        inner = env.venv if isinstance(env, VecFrameStack) else env
        inner.obs_rms, inner.training = statistics.obs_rms, False
    masks = np.stack(env.env_method("action_masks"))
    seen, starts, memory = env.reset(), np.ones(LANES, bool), None
    told = {"starts": [], "actions": [], "scores": []}
    for _ in range(STEPS):
        told["starts"].append(starts)
        told["scores"].append(scores(model, seen, masks, memory, starts))
        extra = {"action_masks": masks} if kind == "maskable" else {}
        actions, memory = model.predict(seen, memory, starts, deterministic=True, **extra)
        told["actions"].append(actions)
        seen, _, starts, _ = env.step(actions)
    raw = shown(kind)
    looked = {f"observations.{name}": rows for name, rows in raw.items()} if kind == "inputs" else {"observations": raw}
    return {**{name: np.stack(rows) for name, rows in told.items()}, **looked, "masks": masks}


def scores(model, seen, masks, memory, starts):
    """Probabilities, or what each action is worth, or nothing."""
    policy = model.policy
    policy.set_training_mode(False)
    tensors, _ = policy.obs_to_tensor(seen)
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            return policy.q_net(tensors).numpy()
        if hasattr(policy, "quantile_net"):
            return policy.quantile_net(tensors).mean(dim=1).numpy()
        if hasattr(policy, "lstm_actor"):
            shape = policy.lstm_hidden_state_shape
            zeros = np.zeros((shape[0], LANES, shape[2]), np.float32)
            held = tuple(torch.tensor(part) for part in (memory or (zeros, zeros)))
            chosen, _ = policy.get_distribution(tensors, held, torch.tensor(starts, dtype=torch.float32))
        elif "maskable" in type(policy).__module__:
            chosen = policy.get_distribution(tensors, masks)
        elif hasattr(policy, "get_distribution") and isinstance(
            model.action_space, (gym.spaces.Discrete, gym.spaces.MultiDiscrete)
        ):
            chosen = policy.get_distribution(tensors)
        else:
            return np.zeros((LANES, 0))
    inside = chosen.distributions if hasattr(chosen, "distributions") else chosen.distribution
    return torch.cat([part.probs for part in (inside if isinstance(inside, list) else [inside])], dim=1).numpy()


def main(folder, kinds):
    writer = "py{}-sb3_{}".format("".join(platform.python_version_tuple()[:2]), stable_baselines3.__version__)
    for kind in kinds or KINDS:
        if KINDS[kind][0] is None:
            continue
        model = made(kind)
        model.save(folder / f"{writer}-{kind}.zip")
        if kind.startswith("normalized"):
            model.get_vec_normalize_env().save(str(folder / f"{writer}-{kind}_vecnormalize.pkl"))
        np.savez_compressed(folder / f"{writer}-{kind}.npz", **played(kind, model))


if __name__ == "__main__":
    __file__ = "write.py"  # cloudpickle keeps it beside a lambda
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2:])
