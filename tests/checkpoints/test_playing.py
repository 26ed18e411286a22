from collections.abc import Callable

import numpy as np
import pytest
import torch
from fakes.checkpoints import KINDS, LANES, Written, pickle_of, rows_of, saved, train, with_pickle
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from observer.adapters.policy import Policy, load_policy, load_policy_unpickling
from observer.adapters.policy.playing import draw

Write = Callable[[str], Written]
Load = Callable[..., Policy]
NEW_GAMES = np.zeros(LANES, dtype=bool)


def philox(*keys: int) -> list[np.random.Generator]:
    return [np.random.Generator(np.random.Philox(key)) for key in keys]


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_plays_bit_for_bit_as_the_process_that_wrote_it(kind: str, written: Write, load: Load) -> None:
    checkpoint = written(kind)
    policy = load(checkpoint)
    actions = policy.act(checkpoint.observations, NEW_GAMES, action_masks=checkpoint.masks)
    likely = policy.probabilities(checkpoint.observations, checkpoint.masks)
    np.testing.assert_array_equal(actions, checkpoint.predicted())
    np.testing.assert_array_equal(likely.astype(np.float32), checkpoint.likelihoods())
    assert len({tuple(row) for row in likely}) > 1


def test_a_trained_checkpoint_plays_as_its_model(load: Load) -> None:
    kind = KINDS["masked columns"]
    model = train(kind, steps=32)
    checkpoint = Written(
        blob=saved(model),
        model=model,
        observation_space=kind.seen,
        action_space=kind.done,
        observations=np.stack([kind.seen.sample() for _ in range(LANES)]),
        masks=None,
    )
    actions = load(checkpoint).act(checkpoint.observations, NEW_GAMES)
    np.testing.assert_array_equal(actions, checkpoint.predicted())
    assert len(checkpoint.blob) < 1_470_000
    assert sum(parameter.numel() for parameter in model.policy.parameters()) == 95_077


@pytest.mark.parametrize("kind", ["mlp", "cnn on images", "masked columns", "masked landings", "many inputs"])
def test_no_row_changes_with_its_neighbours_or_its_place(kind: str, written: Write, load: Load) -> None:
    checkpoint = written(kind)
    policy = load(checkpoint)
    whole = policy.probabilities(checkpoint.observations)
    shuffles = np.random.default_rng(1)
    for rows in range(1, LANES + 1):
        chosen = shuffles.permutation(LANES)[:rows]
        some = policy.probabilities(rows_of(checkpoint.observations, chosen))
        np.testing.assert_array_equal(some, whole[chosen])


@pytest.mark.parametrize("kind", ["masked columns", "masked two pads"])
def test_an_illegal_action_is_never_played(kind: str, written: Write, load: Load) -> None:
    checkpoint = written(kind)
    assert checkpoint.masks is not None
    policy = load(checkpoint)
    assert not policy.probabilities(checkpoint.observations, checkpoint.masks)[~checkpoint.masks].any()
    sizes = getattr(checkpoint.action_space, "nvec", [checkpoint.masks.shape[1]])
    parts = np.split(checkpoint.masks, np.cumsum(sizes)[:-1], axis=1)
    generators = philox(*range(LANES))
    for deterministic in (True, *[False] * 20):
        actions = policy.act(
            checkpoint.observations,
            NEW_GAMES,
            action_masks=checkpoint.masks,
            generators=generators,
            deterministic=deterministic,
        ).reshape(LANES, -1)
        for part, column in zip(parts, actions.T, strict=True):
            assert part[np.arange(LANES), column].all()


def test_masks_are_ignored_by_a_policy_that_was_trained_without(mlp: Written, load: Load) -> None:
    policy = load(mlp)
    none_legal = np.zeros((LANES, 9), dtype=bool)
    actions = policy.act(mlp.observations, NEW_GAMES, action_masks=none_legal)
    np.testing.assert_array_equal(actions, mlp.predicted())


def test_what_a_game_draws_depends_on_its_own_generator_alone(mlp: Written, load: Load) -> None:
    policy = load(mlp)
    together = philox(*range(LANES))
    rounds = [policy.act(mlp.observations, NEW_GAMES, generators=together, deterministic=False) for _ in range(10)]
    for lane in (0, 7, 15):
        alone = philox(lane)
        row = mlp.observations[lane : lane + 1]
        for actions in rounds:
            drawn = policy.act(row, NEW_GAMES[:1], generators=alone, deterministic=False)
            assert drawn[0] == actions[lane]


def test_choosing_the_likeliest_draws_no_random_number(mlp: Written, load: Load) -> None:
    generators = philox(3)
    load(mlp).act(mlp.observations[:1], NEW_GAMES[:1], generators=generators)
    assert generators[0].random() == philox(3)[0].random()


def test_actions_are_drawn_as_often_as_they_are_likely(mlp: Written, load: Load) -> None:
    policy = load(mlp)
    same = np.repeat(mlp.observations[:1], LANES, axis=0)
    generators = philox(*range(LANES))
    drawn = np.concatenate(
        [policy.act(same, NEW_GAMES, generators=generators, deterministic=False) for _ in range(250)]
    )
    seen = np.bincount(drawn, minlength=9) / drawn.size
    np.testing.assert_allclose(seen, policy.probabilities(same)[0], atol=0.04)


def test_a_call_whose_parts_do_not_agree_is_refused(mlp: Written, load: Load) -> None:
    policy = load(mlp)
    with pytest.raises(ValueError, match="episode starts"):
        policy.act(mlp.observations, NEW_GAMES[:3])
    with pytest.raises(ValueError, match="generators"):
        policy.act(mlp.observations, NEW_GAMES, deterministic=False)
    with pytest.raises(ValueError, match="16 lanes"):
        policy.act(np.zeros((17, 6), np.float32), np.zeros(17, dtype=bool))
    with pytest.raises(ValueError, match="16 lanes"):
        policy.act(np.zeros((0, 6), np.float32), np.zeros(0, dtype=bool))


def test_loading_leaves_the_callers_random_numbers_alone(written: Write, load: Load) -> None:
    checkpoint = written("cnn on images")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load(checkpoint)
    assert torch.equal(torch.get_rng_state(), before)


def test_loading_leaves_one_thread_to_torch(mlp: Written, load: Load) -> None:
    load(mlp)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"own policy"}))  # whose class may take no other
def test_no_optimizer_is_made_for_what_only_plays(
    kind: str, written: Write, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, made = written(kind), []
    monkeypatch.setattr(torch.optim.Optimizer, "__init__", lambda *_, **__: made.append(kind))
    load(checkpoint)
    assert not made


@pytest.mark.parametrize("kind", ["mlp", "masked columns"])
def test_a_trusted_file_plays_the_same_when_it_is_unpickled(kind: str, written: Write, load: Load) -> None:
    checkpoint = written(kind)
    unpickled = load_policy_unpickling(
        checkpoint.blob,
        observation_space=checkpoint.observation_space,
        action_space=checkpoint.action_space,
        lanes=LANES,
    )
    np.testing.assert_array_equal(
        unpickled.probabilities(checkpoint.observations, checkpoint.masks),
        load(checkpoint).probabilities(checkpoint.observations, checkpoint.masks),
    )


def test_the_originals_class_has_a_stand_in_and_any_other_may_be_given_one(written: Write, load: Load) -> None:
    checkpoint = written("the original's network")
    here, there = b"\x8c\x0benv.network\x94\x8c\x0bOriginalCNN", b"\x8c\x0acustom_cnn\x94\x8c\x0aDrMarioCNN"
    renamed = pickle_of(checkpoint.blob, "policy_kwargs").replace(here, there)
    elsewhere = renamed.replace(b"DrMarioCNN", b"DrLuigiCNN")
    assert there in renamed
    for pickled, trusted in ((renamed, {}), (elsewhere, {"custom_cnn.DrLuigiCNN": "env.network.OriginalCNN"})):
        policy = load_policy(
            with_pickle(checkpoint.blob, "policy_kwargs", pickled),
            observation_space=checkpoint.observation_space,
            action_space=checkpoint.action_space,
            lanes=LANES,
            trusted_classes=trusted,
        )
        np.testing.assert_array_equal(
            policy.probabilities(checkpoint.observations), load(checkpoint).probabilities(checkpoint.observations)
        )


PROBABILITIES = arrays.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 40)), elements=st.floats(0, 1, allow_subnormal=False)
).map(lambda rows: rows + (rows.sum(axis=1, keepdims=True) == 0))
POINTS = arrays.arrays(np.float64, 4, elements=st.floats(0, 1, exclude_max=True))


@settings(max_examples=200)
@given(PROBABILITIES, POINTS)
def test_a_draw_is_always_possible_and_inverts_the_sum(
    probabilities: NDArray[np.float64], points: NDArray[np.float64]
) -> None:
    chosen = draw(probabilities, points)
    rows = np.arange(4)
    assert (probabilities[rows, chosen] > 0).all()
    cumulated = probabilities.cumsum(axis=1)
    assert (cumulated[rows, chosen] >= points * cumulated[:, -1]).all()
