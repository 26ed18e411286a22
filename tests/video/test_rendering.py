from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import films, signal_rom
from fakes.clock import FakeClock

from env import replay as replays
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import RomError
from env.options import EnvironmentOptions
from env.replay import Recorder, Replay
from observer.core.encoding import USUAL, Encoding
from observer.core.layout import JobFiles
from observer.core.models import Checkpoint, Digest, EvaluationPlan, Highlight, Progress, RenderRequest, RenderResult
from observer.stages.rendering import render

LENGTHS = {1: 90, 2: 150, 3: 120}
OUTCOMES = {1: "win", 2: "loss", 3: "timeout"}
HIGHLIGHTS = (
    Highlight(seed=1, reason="best"),
    Highlight(seed=3, reason="median"),
    Highlight(seed=2, reason="worst"),
)


def _game(emulator: Emulator, seed: int) -> Replay:
    recorder = Recorder()
    recorder.start(Replay(rom_sha256=emulator.rom_sha256, scenario={}, seed=seed, start_state=emulator.save_state()))
    for start in range(0, LENGTHS[seed], 10):
        pads = signal_rom.inputs(10, tones=(range(seed),) if start == 50 else ())
        emulator.step(pads)
        recorder.add(pads, emulator.read_ram())
    return recorder.finish(emulator.read_ram(), {"outcome": OUTCOMES[seed]})


@pytest.fixture(scope="module")
def games(rom: Path) -> dict[int, Replay]:
    with Emulator(rom) as emulator:
        emulator.step(bytes(2 * 70))
        return {seed: _game(emulator, seed) for seed in LENGTHS}


@pytest.fixture
def folder(games: dict[int, Replay], tmp_path: Path) -> Path:
    for seed, game in games.items():
        (tmp_path / "replays").mkdir(exist_ok=True)
        replays.write(game, tmp_path / "replays" / f"{seed}.replay")
    return tmp_path / "replays"


@pytest.fixture
def request_for(rom: Path, folder: Path) -> Callable[..., RenderRequest]:
    digest = Digest(Cartridge.read(rom).sha256)
    checkpoint = Checkpoint(digest=digest, step=1000, name="a.zip", size=1, seen_at=0.0)
    plan = EvaluationPlan(
        environment=EnvironmentOptions(),
        seeds=(1, 2, 3),
        frame_limit=8000,
        capsule_limit=None,
        policy_mode="deterministic",
        lanes=16,
        rom_sha256=digest,
    )

    def make(*highlights: Highlight, encoding: Encoding = USUAL) -> RenderRequest:
        return RenderRequest(
            checkpoint=checkpoint,
            plan=plan,
            rom=str(rom),
            replays=str(folder),
            highlights=highlights or HIGHLIGHTS,
            encoding=encoding,
        )

    return make


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "job")


def _render(request: RenderRequest, files: JobFiles) -> tuple[RenderResult, list[Progress]]:
    seen: list[Progress] = []
    return render(request, files, clock=FakeClock(), on_progress=seen.append), seen


def test_every_highlight_becomes_a_clip_with_a_poster_and_no_recording_stays(
    request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    result, seen = _render(request_for(), files)
    assert not result.problems
    assert [(clip.highlight, clip.frames) for clip in result.clips] == list(
        zip(HIGHLIGHTS, (90 + 60, 120, 150 + 60), strict=True)
    )
    assert [clip.frames_after for clip in result.clips] == [60, 0, 60]
    assert [clip.video for clip in result.clips] == ["best-1.mp4", "median-3.mp4", "worst-2.mp4"]
    assert sorted(path.name for path in files.clips.iterdir()) == sorted(
        name for clip in result.clips for name in (clip.video, clip.poster)
    )
    assert [path.name for path in files.folder.iterdir()] == ["clips"]
    assert result.problems == {}
    assert [(progress.done, progress.total, progress.frames) for progress in seen] == [
        (1, 3, 150),
        (2, 3, 270),
        (2, 3, 300),
        (3, 3, 480),
    ]


def test_a_clip_made_again_after_a_killed_attempt_is_the_same(
    request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    first, _ = _render(request_for(HIGHLIGHTS[0]), files)
    content = (files.clips / "best-1.mp4").read_bytes()
    (files.folder / "best-1.mov").write_bytes(b"what the killed one left")
    (files.clips / "best-1.mp4").write_bytes(b"not whole")
    second, _ = _render(request_for(HIGHLIGHTS[0]), files)
    assert first == second
    assert (files.clips / "best-1.mp4").read_bytes() == content


def test_a_part_of_a_game_is_cut_and_enlarged(request_for: Callable[..., RenderRequest], files: JobFiles) -> None:
    part = Highlight(seed=2, reason="combo", first_frame=45, last_frame=100)
    result, _ = _render(request_for(part, encoding=Encoding(scale=2)), files)
    assert not result.problems
    (clip,) = result.clips
    assert (clip.frames, clip.width, clip.height) == (55, 512, 448)
    brightness = films.pictures(files.clips / clip.video).mean(axis=(1, 2, 3))
    assert [index for index, value in enumerate(brightness) if value > 240] in ([4, 5], [5, 6])


def test_the_poster_of_a_lost_game_is_its_end_and_of_another_two_thirds_in(
    request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    result, _ = _render(request_for(), files)
    for clip, frame in zip(result.clips, (60, 80, 149), strict=True):
        shown = films.pictures(files.clips / clip.video)[frame]
        poster = films.png(files.clips / clip.poster)
        assert abs(poster.mean(axis=(0, 1)) - shown.mean(axis=(0, 1))).max() < 6


def test_a_replay_of_another_rom_is_refused_and_the_others_are_rendered(
    games: dict[int, Replay], folder: Path, request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    replays.write(replace(games[3], rom_sha256="0" * 64), folder / "3.replay")
    result, seen = _render(request_for(), files)
    assert [clip.highlight.reason for clip in result.clips] == ["best", "worst"]
    assert "ROM" in result.problems["median"]
    assert seen[-1].done == 3


def test_a_game_that_goes_another_way_has_no_clip(
    games: dict[int, Replay], folder: Path, request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    cut = replace(games[2], inputs=games[2].inputs[:-2], checks=((LENGTHS[2] - 1, games[2].checks[-1][1]),))
    replays.write(cut, folder / "2.replay")
    result, _ = _render(request_for(), files)
    assert list(result.problems) == ["worst"]
    assert "seed 2: The replay diverges between frames 0 and 149" in result.problems["worst"]
    assert not list(files.folder.rglob("worst*"))


@pytest.mark.parametrize("content", [None, b"", b"no replay at all"])
def test_a_replay_that_is_missing_or_damaged_is_a_problem_of_its_own(
    folder: Path, request_for: Callable[..., RenderRequest], files: JobFiles, content: bytes | None
) -> None:
    (folder / "1.replay").unlink()
    if content is not None:
        (folder / "1.replay").write_bytes(content)
    result, _ = _render(request_for(*HIGHLIGHTS[:2]), files)
    assert [clip.highlight.reason for clip in result.clips] == ["median"]
    assert result.problems["best"].startswith("seed 1: ")


def test_a_replay_under_another_seeds_name_is_refused(
    games: dict[int, Replay], folder: Path, request_for: Callable[..., RenderRequest], files: JobFiles
) -> None:
    replays.write(games[2], folder / "1.replay")
    result, _ = _render(request_for(HIGHLIGHTS[0]), files)
    assert "holds the game of seed 2" in result.problems["best"]


def test_a_missing_rom_is_no_problem_of_one_clip(request_for: Callable[..., RenderRequest], files: JobFiles) -> None:
    with pytest.raises(RomError):
        _render(replace(request_for(), rom="/nowhere/game.nes"), files)


def test_an_exchanged_rom_is_no_problem_of_one_clip(request_for: Callable[..., RenderRequest], files: JobFiles) -> None:
    asked = request_for()
    assert asked.plan is not None
    plan = replace(asked.plan, rom_sha256=Digest("0" * 64))
    with pytest.raises(RomError, match="has changed"):
        _render(replace(asked, plan=plan), files)
