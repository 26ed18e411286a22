"""A policy is shown what its training showed it: SB3's own wrappers are asked beside ours."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes.checkpoints import IMAGE, MIXED, PAD, VECTOR, refused, saved
from fakes.training import SampledEnv
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecNormalize
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

from observer.adapters.policy import load_policy
from observer.adapters.policy.view import View, find_stacking, normalized
from observer.sb3zip import read_normalization

LANES = 4
BOARD = spaces.Box(0, 1, (16, 8, 12), np.float32)


def games(space: spaces.Space[Any]) -> VecEnv:
    return DummyVecEnv([lambda: SampledEnv(space, PAD)] * LANES)


def learnt(space: spaces.Space[Any], folder: Path, **options: Any) -> tuple[VecNormalize, bytes]:  # noqa: ANN401 -- SB3's
    """Statistics of some random games, and the file of them."""
    wrapped = VecNormalize(games(space), **options)
    wrapped.reset()
    for _ in range(8):
        wrapped.step(np.zeros(LANES, np.int64))
    wrapped.save(str(folder / "vecnormalize.pkl"))
    return wrapped, (folder / "vecnormalize.pkl").read_bytes()


@pytest.mark.parametrize("space", [VECTOR, BOARD])
def test_observations_are_normalised_bit_for_bit_as_in_training(space: spaces.Box, tmp_path: Path) -> None:
    wrapped, blob = learnt(space, tmp_path, clip_obs=1.2, epsilon=1e-3)
    rows = np.stack([space.sample() for _ in range(LANES)])
    ours = normalized(rows, read_normalization(blob))
    np.testing.assert_array_equal(ours, wrapped.normalize_obs(rows))
    assert ours.dtype == np.float32  # type: ignore[union-attr]


def test_of_several_inputs_those_are_normalised_that_were(tmp_path: Path) -> None:
    wrapped, blob = learnt(MIXED, tmp_path, norm_obs_keys=["vector"])
    rows = {name: np.stack([part.sample() for _ in range(LANES)]) for name, part in MIXED.spaces.items()}
    ours = normalized(rows, read_normalization(blob))
    theirs = wrapped.normalize_obs(rows)
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def test_where_only_rewards_were_normalised_observations_stay_as_they_are(tmp_path: Path) -> None:
    _, blob = learnt(VECTOR, tmp_path, norm_obs=False)
    view = View(VECTOR, stacking=None, normalization=read_normalization(blob), lanes=LANES)
    rows = np.stack([VECTOR.sample() for _ in range(LANES)])
    np.testing.assert_array_equal(view.of(rows, np.ones(LANES, np.bool_), keep=True), rows)


@settings(max_examples=40)
@given(
    shape=st.sampled_from([(3,), (2, 3), (4, 3, 2)]),
    frames=st.integers(2, 4),
    order=st.sampled_from(["first", "last"]),
    data=st.data(),
)
def test_frames_are_stacked_as_sb3_stacks_them(
    shape: tuple[int, ...], frames: int, order: str, data: st.DataObject
) -> None:
    space = spaces.Box(-1, 1, shape, np.float32)
    theirs = StackedObservations(LANES, frames, space, order)
    stacking = find_stacking(theirs.stacked_observation_space, space)
    assert stacking is not None
    view = View(space, stacking=stacking, normalization=None, lanes=LANES)
    rows = arrays.arrays(np.float32, (LANES, *shape), elements=st.integers(-8, 8).map(lambda n: n / 8))
    shown, starts = data.draw(rows), np.ones(LANES, np.bool_)
    expected = theirs.reset(shown)
    for _ in range(4):
        np.testing.assert_array_equal(view.of(shown, starts, keep=False), expected)
        np.testing.assert_array_equal(view.of(shown, starts, keep=True), expected)
        shown, starts = data.draw(rows), np.array(data.draw(st.lists(st.booleans(), min_size=LANES, max_size=LANES)))
        infos = [{"terminal_observation": shown[lane]} for lane in range(LANES)]
        expected, _ = theirs.update(shown, starts, infos)


def test_stacked_images_are_put_channels_first_after_they_are_stacked() -> None:
    stack = VecFrameStack(games(IMAGE), 3)
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        arguments = {"features_extractor_kwargs": {"features_dim": 8}, "net_arch": [8]}
        model = PPO("CnnPolicy", stack, n_steps=8, batch_size=8, policy_kwargs=arguments, device="cpu")
    assert model.observation_space.shape == (9, 36, 40)
    policy = load_policy(saved(model), observation_space=IMAGE, action_space=PAD, lanes=LANES, trusted_classes={})
    plain = games(IMAGE)
    IMAGE.seed(5)
    theirs = StackedObservations(LANES, 3, IMAGE)
    shown, starts = plain.reset(), np.ones(LANES, np.bool_)
    assert isinstance(shown, np.ndarray)
    stacked = theirs.reset(shown)
    for _ in range(3):
        ours = policy.outlook(shown, starts).probabilities
        with torch.no_grad():
            tensors, _ = model.policy.obs_to_tensor(stacked)
            chosen: Any = model.policy.get_distribution(tensors).distribution
        assert ours is not None
        np.testing.assert_array_equal(ours.astype(np.float32), chosen.probs.numpy())
        starts = np.array([True, False, False, False])
        shown = np.stack([IMAGE.sample() for _ in range(LANES)])
        stacked, _ = theirs.update(shown, starts, [{"terminal_observation": shown[lane]} for lane in range(LANES)])


def test_more_of_another_observation_is_a_mismatch_and_no_stack() -> None:
    wide = spaces.Box(-2, 2, (12,), np.float32)
    model = PPO("MlpPolicy", games(wide), n_steps=8, batch_size=8, device="cpu")
    error = refused(
        lambda: load_policy(saved(model), observation_space=VECTOR, action_space=PAD, lanes=LANES, trusted_classes={})
    )
    assert error.word == "space_mismatch"
    assert str(wide) in error.sentence
    assert str(VECTOR) in error.sentence
