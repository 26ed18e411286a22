"""A checkpoint on the other side: read as data, one game at a time, and refused in a sentence where it does not fit."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.training import SampledEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from env.drmario import action_space, observation_space
from env.opponent import Opponent
from env.options import ENVIRONMENT_FILE, EnvironmentOptions
from env.replay import read as read_replay
from env.stand_in import stand_in_rom
from observer.adapters.opponents import read_opponent
from observer.adapters.policy import load_opponent
from observer.adapters.recognition import checkpoint_of
from observer.core.errors import CheckpointCorrupt, SetupError
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, EvaluationPlan, EvaluationRequest, EvaluationResult, Outcome
from observer.stages.evaluation import evaluate

DEMO = Path(__file__).parents[2] / "docs" / "demo" / "checkpoints"
FIRST = DEMO / "ppo_drmario_0_steps.zip"
NEWEST = max(DEMO.glob("*.zip"), key=lambda path: int(path.stem.split("_")[-2]))
SEEDS = (0, 1)


def trained() -> EnvironmentOptions:
    text = (DEMO / ENVIRONMENT_FILE).read_text(encoding="utf-8")
    return EnvironmentOptions.from_json(text, source=ENVIRONMENT_FILE)


def versus() -> EnvironmentOptions:
    one = trained()
    return replace(one, scenario=replace(one.scenario, mode="2p", side="both"), opponent="checkpoint")


@pytest.fixture(scope="module")
def rom_sha256() -> Digest:
    from env.cartridge import Cartridge

    return Digest(Cartridge.read(stand_in_rom()).sha256)


@pytest.fixture
def request_of(rom_sha256: Digest) -> Callable[..., EvaluationRequest]:
    def make(*, lanes: int = 2, opponent: Path | None = FIRST) -> EvaluationRequest:
        kept = read_opponent(FIRST)
        assert kept is not None
        plan = EvaluationPlan(
            environment=versus(),
            seeds=SEEDS,
            frame_limit=600,
            capsule_limit=None,
            policy_mode="deterministic",
            lanes=lanes,
            rom_sha256=rom_sha256,
            opponent_sha256=kept.digest,
        )
        blob = NEWEST.read_bytes()
        return EvaluationRequest(
            checkpoint=checkpoint_of(blob, name=NEWEST.name, trust="data", seen_at=0.0),
            snapshot=str(NEWEST),
            plan=plan,
            rom=str(stand_in_rom()),
            start_states=None,
            opponent=None if opponent is None else str(opponent),
        )

    return make


def played(request: EvaluationRequest, folder: Path) -> EvaluationResult:
    folder.mkdir()
    return evaluate(request, JobFiles(folder), clock=FakeClock(), on_progress=lambda _told: None, confinement="none")


def test_two_checkpoints_play_each_other_from_both_sides(
    request_of: Callable[..., EvaluationRequest], tmp_path: Path
) -> None:
    result = played(request_of(), tmp_path / "job")
    assert [episode.seed for episode in result.episodes] == list(SEEDS)
    assert {episode.outcome for episode in result.episodes} <= set(Outcome)
    for seed, side in zip(SEEDS, (1, 2), strict=True):
        replay = read_replay(tmp_path / "job" / "replays" / f"{seed}.replay")
        assert (replay.scenario["side"], replay.options["opponent"]) == (side, "checkpoint")
        assert replay.metadata["opponent_sha256"] == result.plan.opponent_sha256
        assert any(replay.inputs[0::2])
        assert any(replay.inputs[1::2]), "both of them steer"


def test_a_game_does_not_hang_on_those_beside_it(request_of: Callable[..., EvaluationRequest], tmp_path: Path) -> None:
    request = request_of()
    together = played(request, tmp_path / "both")
    alone = played(replace(request, plan=replace(request.plan, seeds=SEEDS[1:])), tmp_path / "one")
    assert replace(together.episodes[1], index=0) == replace(
        alone.episodes[0], replay_sha256=together.episodes[1].replay_sha256
    )
    inputs = [read_replay(tmp_path / folder / "replays" / "1.replay").inputs for folder in ("both", "one")]
    assert inputs[0] == inputs[1]


@pytest.mark.parametrize("copy", [None, NEWEST])
def test_a_copy_that_is_gone_or_exchanged_is_no_opponent(
    request_of: Callable[..., EvaluationRequest], tmp_path: Path, copy: Path | None
) -> None:
    with pytest.raises(CheckpointCorrupt, match="gone or damaged") as caught:
        played(request_of(opponent=copy), tmp_path / "job")
    assert caught.value.word == "opponent"


def opponent_in(options: EnvironmentOptions, blob: bytes | None = None) -> Callable[[], Opponent]:
    return load_opponent(
        FIRST.read_bytes() if blob is None else blob,
        observation_space=observation_space(options),
        action_space=action_space(options),
        deterministic=True,
        trusted_classes={},
    )


def test_an_opponent_of_other_spaces_is_refused_in_a_sentence() -> None:
    assert opponent_in(versus())() is not None
    for options in (replace(versus(), observation="planes"), replace(versus(), actions="pad")):
        with pytest.raises(CheckpointCorrupt, match="The opponent cannot play here: ") as caught:
            opponent_in(options)
        assert caught.value.word == "opponent"
        assert "environment.json" not in caught.value.sentence


def test_an_opponent_that_needs_statistics_is_not_told_to_bring_them(tmp_path: Path) -> None:
    """Nothing beside an opponent is read, so saving them there would help nobody."""
    options = versus()
    lane = partial(SampledEnv, observation_space(options), action_space(options))
    model = PPO("MlpPolicy", VecNormalize(DummyVecEnv([lane])), n_steps=16, batch_size=16, device="cpu")
    model.learn(16).save(tmp_path / "normalized.zip")
    with pytest.raises(CheckpointCorrupt, match="an opponent's statistics are not read") as caught:
        opponent_in(options, (tmp_path / "normalized.zip").read_bytes())
    assert caught.value.word == "opponent"
    assert "save them" not in caught.value.sentence


def test_the_copy_stays_what_it_was_when_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "champion.zip"
    file.write_bytes(FIRST.read_bytes())
    layout = RunLayout(tmp_path / "run")
    first = read_opponent(file)
    assert first is not None
    first.keep(layout)
    file.write_bytes(NEWEST.read_bytes())
    assert layout.opponent(first.digest).read_bytes() == FIRST.read_bytes()
    second = read_opponent(file)
    assert second is not None
    assert second.digest != first.digest


@pytest.mark.parametrize("content", [None, b"not a zip at all"])
def test_a_file_that_is_no_checkpoint_is_named_before_anything_is_played(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "champion.zip"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError, match=r"^opponent: .*champion\.zip.* Name a checkpoint's zip") as caught:
        read_opponent(file)
    assert str(caught.value).count(str(file)) == 1


@pytest.mark.parametrize("name", [None, "noop", "random", "scripted"])
def test_a_player_that_is_no_file_needs_no_copy(name: str | None) -> None:
    assert read_opponent(name) is None
