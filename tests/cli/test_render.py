"""`observer render`: which game is meant, and the clip of it."""

import json
import shutil
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

import av
import pytest
from fakes.command import Command
from fakes.evaluations import STARTED_AT, digest_of, make_plan, make_result

from env import replay as replays
from env.cartridge import Cartridge
from env.game import FRAMES_PER_SECOND
from env.segment import SegmentWriter
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.adapters.dropped import Dropped
from observer.core.layout import RunLayout
from observer.core.models import Checkpoint, Digest

GOLDEN = stand_in_rom().parent / "games" / "clear.replay"
DIGEST = digest_of("a checkpoint")


@pytest.fixture
def results(observer: Command, tmp_path: Path) -> RunLayout:
    """One evaluated checkpoint, in the output folder that a configuration's default names."""
    layout = RunLayout(tmp_path / "here" / "observations")
    checkpoint = Checkpoint(digest=DIGEST, step=30_000, name="a.zip", size=1, seen_at=STARTED_AT)
    plan = replace(make_plan(episodes=2), rom_sha256=Digest(Cartridge.read(stand_in_rom()).sha256))
    folder = layout.evaluation(checkpoint, "1p", digest_of("plan"))
    (folder / "replays").mkdir(parents=True)
    jobfiles.write(folder / "result.json", make_result(checkpoint, plan, skill=0.5, finished_at=STARTED_AT))
    shutil.copy(GOLDEN, folder / "replays" / "0.replay")
    return layout


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("results")
def test_a_game_that_was_played_is_filmed_from_its_replay(observer: Command) -> None:
    said = observer("render", "30000", "--episode", "0", "--speed", "8", "--scale", "2", "--json")
    assert (said.code, said.err) == (0, "")
    told = json.loads(said.out)
    assert told["file"] == f"30000-{DIGEST[:8]}-seed0.mp4"
    assert (told["checkpoint"], told["outcome"], told["game_frames"]) == (DIGEST, "win", 1874)
    assert (told["frames"], told["frames_after"], told["has_sound"]) == (-(-(1874 + 60) // 8), 60, False)
    with av.open(told["file"]) as file:
        assert (file.streams.video[0].width, file.streams.video[0].average_rate) == (512, FRAMES_PER_SECOND)
        assert not file.streams.audio


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("source", ["30000", DIGEST[:8], DIGEST])
def test_a_game_that_nobody_played_is_said(observer: Command, source: str) -> None:
    said = observer("render", source, "--seed", "7")
    assert (said.code, said.out) == (1, "")
    assert "seed 7 is none of the 2 games that were played; give the checkpoint's zip" in said.err


def test_a_game_whose_replay_was_dropped_is_said_to_lie_in_its_archive(observer: Command, results: RunLayout) -> None:
    (folder,) = results.output.glob("checkpoints/*/*/replays")
    path = PurePosixPath(folder.relative_to(results.output))
    shutil.rmtree(folder)
    line = Dropped(
        kind="replays",
        path=str(path),
        size_bytes=1,
        step=30_000,
        dropped_at="2026-01-02T03:04:05Z",
        archive="kept.tar.zst",
    )
    results.dropped.write_text(json.dumps(asdict(line)) + "\n", encoding="utf-8")
    said = observer("render", "30000", "--seed", "0")
    assert (said.code, said.out) == (1, "")
    assert "its replay was dropped to make room: it lies in kept.tar.zst" in said.err


@pytest.mark.usefixtures("results")
def test_a_checkpoint_that_nobody_knows_is_said(observer: Command) -> None:
    said = observer("render", "40000", "--seed", "0")
    assert (said.code, said.out) == (1, "")
    assert "40000: there is no such file, and no checkpoint of this step or hash was evaluated into" in said.err


@pytest.mark.usefixtures("results")
def test_a_file_that_is_there_is_not_written_over(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(b"mine")
    said = observer("render", "30000", "--seed", "0", "--output", tmp_path / "mine.mp4")
    assert said.code == 78
    assert "it is there already; name another file" in said.err
    assert (tmp_path / "mine.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize("arguments", [("x.zip",), ("x.zip", "--seed", "1", "--episode", "1")])
def test_which_game_is_meant_has_to_be_said_once(observer: Command, arguments: tuple[str, ...]) -> None:
    said = observer("render", *arguments)
    assert (said.code, said.out) == (2, "")


def test_a_replay_of_another_seed_is_not_the_one_that_is_meant(observer: Command) -> None:
    said = observer("render", GOLDEN, "--seed", "5")
    assert said.code == 1
    assert "the replay is the game of seed 0, not of 5" in said.err


@pytest.mark.timeout(300)
def test_a_game_that_training_recorded_is_filmed(observer: Command, tmp_path: Path) -> None:
    game = replays.read(GOLDEN)
    with closing(SegmentWriter(tmp_path / "run-0-1.segment")) as writer:
        for seed in (4000, 4001):
            writer.add(replace(game, seed=seed))
    said = observer("render", tmp_path / "run-0-1.segment", "--episode", "1", "--speed", "16")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("run-0-1-seed4001.mp4: seed 4001, outcome win")
    said = observer("render", tmp_path / "run-0-1.segment", "--seed", "7")
    assert (said.code, said.out) == (1, "")
    assert "none of its games has the seed 7" in said.err


@pytest.mark.timeout(300)
def test_the_replay_of_another_cartridge_has_no_clip(observer: Command, tmp_path: Path) -> None:
    other = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
    (tmp_path / "mine.yaml").write_text(f"environment: {{rom: {other}}}\n", encoding="utf-8")
    said = observer("render", GOLDEN, "--config", tmp_path / "mine.yaml")
    assert said.code != 0
    assert said.err
    assert not list(Path().glob("*.mp4"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_zips_game_that_nobody_played_is_played_first(observer: Command, checkpoint: Path) -> None:
    said = observer("render", checkpoint, "--seed", "3000", "--speed", "16", "--output", "game.mp4")
    assert said.code == 0
    assert said.out.startswith("game.mp4: seed 3000, step ")
    assert Path("game.mp4").stat().st_size > 1000
