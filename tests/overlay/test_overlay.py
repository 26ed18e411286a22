"""The panel beside a game: followed frame by frame in real Mednafen, thought about by a real checkpoint."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fakes import films
from fakes.clock import FakeClock
from numpy.typing import NDArray

from env import replay as replays
from env.cartridge import Cartridge
from env.drmario import DrMarioEnv, action_space, observation_space
from env.emulator import Emulator
from env.lane import GameSettings
from env.options import EnvironmentOptions
from env.replay import Replay
from env.stand_in import stand_in_rom
from env.viewing import views
from env.wire import PAD_BYTES
from observer.adapters import jobfiles
from observer.adapters.drawing import PANEL_WIDTH
from observer.adapters.policy import Policy, load_policy
from observer.core.layout import JobFiles
from observer.core.models import Checkpoint, Digest, EvaluationPlan, Highlight, Overlay, RenderRequest, RenderResult
from observer.stages.rendering import render

ZIP = Path(__file__).parents[2] / "docs" / "demo" / "checkpoints" / "ppo_drmario_40960_steps.zip"
PLACEMENT = EnvironmentOptions(actions="placement", observation="relative", reward="shaped")
PAD = EnvironmentOptions(actions="pad", observation="planes")


@dataclass(frozen=True)
class Played:
    replay: Replay
    actions: tuple[int, ...]


def play(options: EnvironmentOptions, policy: Policy | None, *, frame_limit: int = 700) -> Played:
    """A game of a policy's likeliest actions, or of one button after the other."""
    env = DrMarioEnv(settings=GameSettings(options=options, frame_limit=frame_limit))
    actions: list[int] = []
    try:
        observation, _ = env.reset(seed=5)
        info: dict[str, object] = {}
        while "replay" not in info:
            starts, masks = np.array([not actions]), env.action_masks()[None]
            chosen = len(actions) // 5 % 6
            if policy is not None:
                chosen = int(policy.act(observation[None], starts, action_masks=masks)[0])
            actions.append(chosen)
            observation, _, _, _, info = env.step(np.int64(chosen))
        return Played(replays.from_bytes(info["replay"]), tuple(actions))  # type: ignore[arg-type]
    finally:
        env.close()


@pytest.fixture(scope="module")
def policy() -> Policy:
    seen, done = observation_space(PLACEMENT), action_space(PLACEMENT)
    return load_policy(ZIP.read_bytes(), observation_space=seen, action_space=done, lanes=16, trusted_classes={})


@pytest.fixture(scope="module")
def placed(policy: Policy) -> Played:
    return play(PLACEMENT, policy)


def test_every_decision_of_a_game_is_found_and_the_policy_thinks_what_it_did(placed: Played, policy: Policy) -> None:
    with Emulator(stand_in_rom()) as emulator:
        seen = list(views(placed.replay, emulator))
    assert len(seen) == placed.replay.frames
    decisions = [view.decision for view in seen if view.decision is not None]
    likeliest = []
    for decision in decisions:
        outlook = policy.outlook(decision.observation[None], np.array([decision.is_first]), decision.mask[None])
        assert outlook.probabilities is not None
        assert outlook.values is not None
        likeliest.append(int(outlook.probabilities[0].argmax()))
    assert tuple(likeliest) == placed.actions
    assert seen[-1].reward == pytest.approx(placed.replay.record["total_reward"], abs=1e-6)


def test_with_pad_actions_a_decision_is_made_every_few_frames() -> None:
    played = play(PAD, None, frame_limit=300)
    with Emulator(stand_in_rom()) as emulator:
        seen = list(views(played.replay, emulator))
    assert [frame for frame, view in enumerate(seen) if view.decision] == list(range(0, played.replay.frames, 4))
    assert sum(view.decision is not None for view in seen) == played.replay.record["episode_length"]
    assert bytes(view.pad for view in seen) == played.replay.inputs[0::PAD_BYTES]
    assert seen[-1].reward == pytest.approx(played.replay.record["total_reward"], abs=1e-6)


def request_for(replay: Replay, folder: Path, overlay: Overlay | None) -> RenderRequest:
    folder.mkdir(parents=True, exist_ok=True)
    replays.write(replay, folder / f"{replay.seed}.replay")
    rom = stand_in_rom()
    digest = Digest(hashlib.sha256(ZIP.read_bytes()).hexdigest())
    return RenderRequest(
        checkpoint=Checkpoint(digest=digest, step=40_960, name=ZIP.name, size=1, seen_at=0.0),
        plan=EvaluationPlan(
            environment=PLACEMENT,
            seeds=(5,),
            frame_limit=700,
            capsule_limit=None,
            policy_mode="deterministic",
            lanes=16,
            rom_sha256=Digest(Cartridge.read(rom).sha256),
        ),
        rom=str(rom),
        replays=str(folder),
        highlights=(Highlight(seed=5, reason="best", first_frame=0, last_frame=300),),
        overlay=overlay,
    )


def filmed(replay: Replay, folder: Path, overlay: Overlay | None) -> NDArray[np.uint8]:
    files = JobFiles(folder / "job")
    request = request_for(replay, folder / "replays", overlay)
    result = render(request, files, clock=FakeClock(), on_progress=lambda _: None)
    assert result.problems == {}
    return films.pictures(files.clips / result.clips[0].video)


def test_the_panel_stands_beside_the_game_and_its_bars_move(placed: Played, tmp_path: Path) -> None:
    shown = filmed(placed.replay, tmp_path, Overlay(snapshot=str(ZIP)))
    assert shown.shape == (300, 224, 256 + PANEL_WIDTH, 3)
    policy_part = shown[:, 130:206, 256 + 16 : 256 + 176].astype(int)
    assert np.abs(policy_part[0] - policy_part[-1]).max() > 60
    alone = filmed(placed.replay, tmp_path / "alone", None)
    assert np.abs(shown[:, :, :256].astype(int) - alone).mean() < 2


@pytest.mark.parametrize("snapshot", [None, "/nowhere/gone.zip", __file__], ids=["unknown", "deleted", "another file"])
def test_without_its_checkpoint_the_panel_has_no_policy_and_says_so(
    placed: Played, tmp_path: Path, snapshot: str | None
) -> None:
    shown = filmed(placed.replay, tmp_path, Overlay(snapshot=snapshot))
    assert shown.shape[2] == 256 + PANEL_WIDTH
    words = shown[:, 136:170, 256 + 8 :].astype(int)
    assert words.max() > 120  # there is a sentence
    assert np.abs(words[0] - words[-1]).mean() < 3  # that stays
    assert shown[:, 185:220, 256 + 8 :].max() < 90  # and nothing below


def lengthened(replay: Replay, frames: int) -> Replay:
    """The same game, and then nobody presses anything for long."""
    inputs = replay.inputs.ljust(frames * PAD_BYTES, b"\0")
    with Emulator(stand_in_rom()) as emulator:
        emulator.load_state(replay.start_state)
        emulator.step(inputs)
        check = (frames, replays.ram_hash(emulator.read_ram()))
    return replace(replay, inputs=inputs, checks=(check,))


@pytest.mark.parametrize("seconds", [20, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_a_long_game_takes_no_more_memory_than_a_short_one(placed: Played, tmp_path: Path, seconds: int) -> None:
    """The process that films; torch is in the commentator's, whose size is that of torch whatever the game."""
    game = lengthened(placed.replay, round(seconds * 60.0988))
    request = request_for(game, tmp_path / "replays", Overlay(snapshot=str(ZIP)))
    request = replace(request, highlights=(Highlight(seed=5, reason="best"),))
    files = JobFiles(tmp_path / "job")
    files.folder.mkdir()
    jobfiles.write(files.request, request)
    code = (
        "import sys; from pathlib import Path; from observer.worker import work; code = work(Path(sys.argv[1])); "
        "told = Path('/proc/self/status').read_text().split(); print(code, told[told.index('VmHWM:') + 1])"
    )
    told = subprocess.run([sys.executable, "-c", code, str(files.folder)], capture_output=True, text=True, check=True)
    exit_code, peak_kib = map(int, told.stdout.split()[-2:])
    assert exit_code == 0, told.stderr
    (clip,) = jobfiles.read(RenderResult, files.result).clips
    assert clip.seconds == pytest.approx(seconds, abs=0.1)
    assert peak_kib < 300 * 1024, f"{peak_kib} KiB"
