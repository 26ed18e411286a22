"""Checkpoints that other Pythons, torches and versions of stable-baselines3 wrote, and what those played themselves.

`tests/data/checkpoints/README.md` says which ones.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.checkpoints import refused
from gymnasium import spaces

from observer.adapters.policy import Policy, load_policy
from observer.adapters.policy.loading import ALGORITHMS
from observer.adapters.policy.spaces import as_gymnasium
from observer.sb3zip import check_archive, describe, read_checkpoint, read_normalization, read_weights

DATA = Path(__file__).parent.parent / "data" / "checkpoints"
GENUINE = sorted(DATA.glob("*.zip"))
VECTOR = spaces.Box(-1, 1, (6,), np.float32)
ALGORITHM_OF = {
    "ppo": "PPO", "two_pads": "PPO", "inputs": "PPO", "extractor": "PPO", "stacked": "PPO", "normalized": "PPO",
    "normalized_stack": "PPO", "gsde": "PPO", "a2c": "A2C", "trpo": "TRPO", "maskable": "MaskablePPO",
    "recurrent": "RecurrentPPO", "dqn": "DQN", "qrdqn": "QRDQN", "sac": "SAC", "td3": "TD3", "ddpg": "DDPG", "tqc": "TQC",
    "crossq": "CrossQ", "ars": "ARS",
}  # fmt: skip
NOT_PLAYED = {"gsde", "sac", "td3", "ddpg", "tqc", "crossq", "ars"}
PLAYED = [path for path in GENUINE if path.stem.split("-")[2] not in NOT_PLAYED]


def kind_of(path: Path) -> str:
    return path.stem.split("-")[2]


def statistics_of(path: Path) -> bytes | None:
    beside = path.with_name(f"{path.stem}_vecnormalize.pkl")
    return beside.read_bytes() if beside.exists() else None


def load(path: Path, *, normalization: bytes | None) -> Policy:
    """As the environment that shows one frame at a time, as it is."""
    contents = read_checkpoint(path.read_bytes())
    shown = VECTOR if "stack" in kind_of(path) else as_gymnasium(contents.observation_space)
    return load_policy(
        path.read_bytes(),
        observation_space=shown,
        action_space=as_gymnasium(contents.action_space),
        lanes=16,
        trusted_classes={"own_features.OwnExtractor": "fakes.training.LinearExtractor"},
        normalization=normalization,
    )


def shown_at(told: Any, step: int) -> Any:  # noqa: ANN401 -- an array, or a dict of arrays
    parts = {name.partition(".")[2]: told[name][step] for name in told if name.startswith("observations")}
    return parts.get("", parts)


def test_every_algorithm_and_every_writer_is_among_them() -> None:
    assert {ALGORITHM_OF[kind_of(path)] for path in GENUINE} == set(ALGORITHM_OF.values())
    assert {path.stem.rpartition("-")[0] for path in GENUINE} == {
        "py310-sb3_1.8.0", "py310-sb3_2.0.0", "py312-sb3_2.7.1", "py313-sb3_2.9.2",
    }  # fmt: skip


@pytest.mark.parametrize("path", GENUINE, ids=lambda path: path.stem)
def test_it_can_be_inspected(path: Path) -> None:
    blob = path.read_bytes()
    check_archive(blob)
    contents, weights = read_checkpoint(blob), read_weights(blob)
    said = json.loads(json.dumps(describe(contents, weights)))
    assert said["algorithm"] == ALGORITHM_OF[kind_of(path)]
    assert said["sb3_version"] == path.stem.split("-")[1].removeprefix("sb3_")
    python = path.stem.split("-")[0].removeprefix("py3")
    assert any(f"Python: 3.{python}." in line for line in said["system_info"])
    assert said["finite"]
    assert said["normalized"] == kind_of(path).startswith("normalized")
    assert said["use_sde"] == (kind_of(path) == "gsde")


@pytest.mark.parametrize("path", PLAYED, ids=lambda path: path.stem)
def test_it_plays_as_the_process_that_wrote_it(path: Path) -> None:
    policy = load(path, normalization=statistics_of(path))
    with np.load(path.with_suffix(".npz")) as told:
        masks = told["masks"] if kind_of(path) == "maskable" else None
        for step, starts in enumerate(told["starts"]):
            outlook = policy.outlook(shown_at(told, step), starts, masks, keep=False)
            actions = policy.act(shown_at(told, step), starts, action_masks=masks)
            np.testing.assert_array_equal(actions, told["actions"][step])
            greedy = outlook.probabilities is None
            thought = outlook.values if greedy else outlook.probabilities
            assert thought is not None
            scores = told["scores"][step]
            np.testing.assert_allclose(thought, scores.max(axis=1) if greedy else scores, rtol=1e-4, atol=1e-6)
        assert np.ptp(told["scores"], axis=(0, 1)).max() > 0.01, "always the same would prove little"


@pytest.mark.parametrize("path", [path for path in GENUINE if kind_of(path) in NOT_PLAYED], ids=lambda path: path.stem)
def test_what_cannot_be_played_is_refused_in_a_sentence(path: Path) -> None:
    error = refused(lambda: load(path, normalization=None))
    assert error.word == ("policy_build" if kind_of(path) == "gsde" else "not_played")
    assert all(algorithm in error.sentence for algorithm in ALGORITHMS) or "only discrete ones can" in error.sentence


@pytest.mark.parametrize("path", [path for path in GENUINE if statistics_of(path)], ids=lambda path: path.stem)
def test_without_its_statistics_it_is_not_played(path: Path) -> None:
    error = refused(lambda: load(path, normalization=None))
    assert error.word == "vecnormalize_missing"
    assert "NAME_vecnormalize_<N>_steps.pkl" in error.sentence


def test_statistics_of_another_shape_are_refused_with_both_sides() -> None:
    path = DATA / "py313-sb3_2.9.2-normalized.zip"
    blob = path.read_bytes()
    wide = spaces.Box(-1, 1, (6,), np.float32)
    narrow = statistics_of(path)
    assert narrow is not None
    held = read_normalization(narrow)
    assert held.shapes == {"": (6,)}
    other = DATA / "py310-sb3_1.8.0-inputs.zip"
    error = refused(lambda: load(other, normalization=narrow))
    assert error.word == "vecnormalize_mismatch"
    assert "of the shape (6,)" in error.sentence
    assert "vector (6,)" in error.sentence
    load_policy(
        blob,
        observation_space=wide,
        action_space=spaces.Discrete(5),
        lanes=16,
        trusted_classes={},
        normalization=narrow,
    )


@pytest.mark.parametrize(
    "path", [path for path in GENUINE if "vecnormalize" in path.stem or statistics_of(path)], ids=lambda path: path.stem
)
def test_what_is_no_file_of_vecnormalize_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        weights = archive.read("policy.pth")
    statistics = statistics_of(path) or b""
    for wrong in (b"", b"no pickle", weights, statistics[:-5], b"\x80\x04}."):
        error = refused(lambda held=wrong: load(path, normalization=held))  # type: ignore[misc]
        assert error.word == "bad_vecnormalize"
        assert "save it again" in error.sentence
