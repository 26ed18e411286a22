"""Every algorithm that has discrete actions plays as it does in stable-baselines3, game by game."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
import torch
from fakes.checkpoints import IMAGE, LANES, MIXED, PAD, VECTOR, Written, batch, refused, rows_of, saved
from fakes.training import SampledEnv
from gymnasium import spaces
from numpy.typing import NDArray

from observer.adapters.policy import Policy, load_opponent, load_policy, load_policy_unpickling

Load = Callable[..., Policy]
Make = Callable[[str, str], Written]

SHOWN: dict[str, spaces.Space[Any]] = {"Mlp": VECTOR, "Cnn": IMAGE, "MultiInput": MIXED}
ON: dict[str, Any] = {"n_steps": 8, "batch_size": 8}
OFF: dict[str, Any] = {"buffer_size": 10}
ALGORITHMS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "A2C": (stable_baselines3.A2C, {"n_steps": 8}, {}),
    "TRPO": (sb3_contrib.TRPO, ON, {}),
    "DQN": (stable_baselines3.DQN, OFF, {}),
    "QRDQN": (sb3_contrib.QRDQN, OFF, {"n_quantiles": 7}),
    "RecurrentPPO": (sb3_contrib.RecurrentPPO, ON, {"lstm_hidden_size": 5, "n_lstm_layers": 2}),
}
STARTS = np.ones(LANES, np.bool_)
NO_STARTS = ~STARTS


@pytest.fixture(scope="module")
def make() -> Make:
    """A model of an algorithm with a network of a kind."""
    made: dict[tuple[str, str], Written] = {}

    def make_once(name: str, kind: str) -> Written:
        return made.setdefault((name, kind), written(name, kind))

    torch.set_num_threads(1)
    return make_once


def written(name: str, kind: str) -> Written:
    algorithm, options, arguments = ALGORITHMS[name]
    policy = f"{kind}LstmPolicy" if name == "RecurrentPPO" else f"{kind}Policy"
    shown = SHOWN[kind]
    torch.manual_seed(3)
    wide = {"features_extractor_kwargs": {"features_dim": 8}} if kind == "Cnn" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SB3's remarks on odd images
        model = algorithm(
            policy,
            SampledEnv(shown, PAD),
            device="cpu",
            policy_kwargs={"net_arch": [8], **wide, **arguments},
            **options,
        )
    with torch.no_grad():  # a new head finds all actions nearly alike
        for parameter in model.policy.parameters():
            parameter.mul_(2.0)
    return Written(
        blob=saved(model),
        model=model,
        observation_space=shown,
        action_space=PAD,
        observations=batch(shown, rows=LANES),
        masks=None,
    )


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_plays_bit_for_bit_as_the_process_that_wrote_it(name: str, kind: str, make: Make, load: Load) -> None:
    checkpoint = make(name, kind)
    policy = load(checkpoint)
    theirs, _ = checkpoint.model.predict(checkpoint.observations, episode_start=STARTS, deterministic=True)
    np.testing.assert_array_equal(policy.act(checkpoint.observations, STARTS), theirs)
    outlook = policy.outlook(checkpoint.observations, STARTS)
    if outlook.probabilities is not None:
        np.testing.assert_array_equal(outlook.probabilities.astype(np.float32), likelihoods(checkpoint))
    told = outlook.values if outlook.probabilities is None else outlook.probabilities[:, 0]
    assert told is not None
    assert len(set(told.tolist())) > 1, "all rows alike would prove little"


def likelihoods(checkpoint: Written) -> NDArray[np.float32]:
    """What SB3 would draw from in games that begin."""
    network: Any = checkpoint.model.policy
    if not isinstance(checkpoint.model, sb3_contrib.RecurrentPPO):
        return checkpoint.likelihoods()
    layers, _, size = network.lstm_hidden_state_shape
    memory = torch.zeros(layers, LANES, size), torch.zeros(layers, LANES, size)
    with torch.no_grad():
        tensors, _ = network.obs_to_tensor(checkpoint.observations)
        chosen, _ = network.get_distribution(tensors, memory, torch.ones(LANES))
    likely: NDArray[np.float32] = chosen.distribution.probs.numpy()
    return likely


@pytest.mark.parametrize("name", ["DQN", "QRDQN"])
def test_what_has_no_probabilities_says_so_and_how_to_go_on(name: str, make: Make, load: Load) -> None:
    checkpoint = make(name, "Mlp")
    policy = load(checkpoint)
    generators = [np.random.default_rng(0)] * LANES
    error = refused(lambda: policy.act(checkpoint.observations, STARTS, generators=generators, deterministic=False))
    assert (error.word, error.sentence.endswith("evaluate it with `policy: deterministic`.")) == (
        "no_probabilities",
        True,
    )
    outlook = policy.outlook(checkpoint.observations, STARTS)
    assert outlook.probabilities is None
    network = checkpoint.model.policy
    tensors, _ = network.obs_to_tensor(checkpoint.observations)
    with torch.no_grad():
        worth = network.q_net(tensors) if name == "DQN" else network.quantile_net(tensors).mean(dim=1)
        best = worth.max(dim=1).values.numpy()
    np.testing.assert_array_equal(outlook.values, best.astype(np.float64))


def test_it_is_no_opponent_where_actions_are_drawn(make: Make) -> None:
    def load_it(*, deterministic: bool) -> object:
        return load_opponent(
            make("DQN", "Mlp").blob,
            observation_space=VECTOR,
            action_space=PAD,
            deterministic=deterministic,
            trusted_classes={},
        )

    load_it(deterministic=True)
    error = refused(lambda: load_it(deterministic=False))
    assert error.word == "opponent"
    assert "`policy: deterministic`" in error.sentence


def test_an_actor_critic_tells_its_probabilities_and_what_it_expects(make: Make, load: Load) -> None:
    checkpoint = make("A2C", "Mlp")
    outlook = load(checkpoint).outlook(checkpoint.observations[:5], STARTS[:5])
    with torch.no_grad():
        values = checkpoint.model.policy.predict_values(torch.as_tensor(checkpoint.observations))[:, 0].numpy()
    assert outlook.probabilities is not None
    np.testing.assert_array_equal(outlook.probabilities.astype(np.float32), checkpoint.likelihoods()[:5])
    np.testing.assert_array_equal(outlook.values, values[:5].astype(np.float64))


def rounds(seed: int, count: int) -> list[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Observations and where games begin, round by round."""
    numbers = np.random.default_rng(seed)
    shown = [numbers.uniform(-1, 1, (LANES, 6)).astype(np.float32) for _ in range(count)]
    return [
        (rows, np.ones(LANES, np.bool_) if index == 0 else numbers.random(LANES) < 0.2)
        for index, rows in enumerate(shown)
    ]


def test_a_recurrent_policy_remembers_as_it_did_in_training_and_forgets_with_each_game(make: Make, load: Load) -> None:
    checkpoint = make("RecurrentPPO", "Mlp")
    policy, memory = load(checkpoint), None
    forgetful = load(checkpoint)
    differs = False
    for rows, starts in rounds(1, 12):
        theirs, memory = checkpoint.model.predict(rows, memory, starts, deterministic=True)
        np.testing.assert_array_equal(policy.act(rows, starts), theirs)
        differs |= bool((forgetful.act(rows, STARTS) != theirs).any())
    assert differs, "without its memory it would have played the same"


def test_what_a_lane_remembers_is_no_other_lanes_business(make: Make, load: Load) -> None:
    checkpoint = make("RecurrentPPO", "Mlp")
    together, alone = load(checkpoint), load(checkpoint)
    for rows, starts in rounds(2, 8):
        whole = together.outlook(rows, starts).probabilities
        some = alone.outlook(rows[:1], starts[:1]).probabilities
        assert whole is not None
        np.testing.assert_array_equal(some, whole[:1])


def test_lanes_that_are_left_out_of_a_call_remember_what_they_knew(make: Make, load: Load) -> None:
    checkpoint = make("RecurrentPPO", "Mlp")
    policy, model = load(checkpoint), load(checkpoint)
    first, second = (rows for rows, _ in rounds(3, 2))
    for each in (policy, model):
        each.act(first, STARTS)
    policy.act(second[:3], STARTS[:3])
    kept, expected = policy.outlook(second, NO_STARTS), model.outlook(second, NO_STARTS)
    assert kept.probabilities is not None
    assert expected.probabilities is not None
    np.testing.assert_array_equal(kept.probabilities[3:], expected.probabilities[3:])
    assert (kept.probabilities[:3] != expected.probabilities[:3]).any()


def test_an_outlook_that_is_not_kept_changes_nothing(make: Make, load: Load) -> None:
    checkpoint = make("RecurrentPPO", "Mlp")
    policy = load(checkpoint)
    policy.act(checkpoint.observations, STARTS)
    asked = [policy.outlook(checkpoint.observations, NO_STARTS, keep=False).probabilities for _ in range(2)]
    assert asked[0] is not None
    np.testing.assert_array_equal(asked[0], asked[1])


@pytest.mark.parametrize("name", ["DQN", "RecurrentPPO"])
def test_a_trusted_file_plays_the_same_when_it_is_unpickled(name: str, make: Make, load: Load) -> None:
    checkpoint = make(name, "Mlp")
    unpickled = load_policy_unpickling(checkpoint.blob, observation_space=VECTOR, action_space=PAD, lanes=LANES)
    policy = load(checkpoint)
    for rows, starts in rounds(4, 5):
        np.testing.assert_array_equal(unpickled.act(rows, starts), policy.act(rows, starts))


@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [("SAC", "MlpPolicy"), ("TD3", "MlpPolicy"), ("DDPG", "MlpPolicy"), ("TQC", "MlpPolicy"), ("CrossQ", "MlpPolicy")],
)
def test_what_moves_without_steps_is_named_and_not_played(algorithm: str, policy: str) -> None:
    library = stable_baselines3 if hasattr(stable_baselines3, algorithm) else sb3_contrib
    push = spaces.Box(-1, 1, (2,), np.float32)
    model = getattr(library, algorithm)(policy, SampledEnv(VECTOR, push), device="cpu", buffer_size=10)
    buffer = io.BytesIO()
    model.save(buffer)
    for load_it in (load_policy, load_policy_unpickling):
        extra: Any = {"trusted_classes": {}} if load_it is load_policy else {}
        error = refused(
            lambda read=load_it, given=extra: read(  # type: ignore[misc]
                buffer.getvalue(), observation_space=VECTOR, action_space=PAD, lanes=LANES, **given
            )
        )
        assert error.word == "not_played"
        assert error.sentence.startswith(f"{algorithm} checkpoints can be inspected")


def test_rows_of_a_greedy_policy_do_not_change_with_their_neighbours(make: Make, load: Load) -> None:
    checkpoint = make("QRDQN", "MultiInput")
    policy = load(checkpoint)
    whole = policy.outlook(checkpoint.observations, STARTS).values
    assert whole is not None
    for rows in range(1, LANES):
        some = policy.outlook(rows_of(checkpoint.observations, slice(rows)), STARTS[:rows]).values
        np.testing.assert_array_equal(some, whole[:rows])
