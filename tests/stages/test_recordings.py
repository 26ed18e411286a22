"""What training recorded is taken in, whenever the observer is started, and nothing is written where it came from."""

import csv
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.world import World
from structlog.testing import capture_logs

from env import segment
from env.cartridge import Cartridge
from env.drmario import DrMarioEnv, start_states
from env.lane import GameSettings
from env.recordings import COLUMNS
from env.stand_in import stand_in_rom
from env.wrappers import MetricsLogger, ReplayRecorder
from observer.adapters import jobfiles
from observer.core.encoding import Encoding
from observer.core.models import JobKind, JobState
from observer.core.recorded import is_filmed
from observer.core.runjob import RunJob
from observer.stages.recordings import Recordings, RecordingSettings
from observer.worker import work

GAMES = 3


def play(folder: Path, *, first_seed: int = 4000, run: str = "run", frame_limit: int = 60) -> None:
    env = DrMarioEnv(start_states(None), GameSettings(frame_limit=frame_limit, record=False))
    recorded = MetricsLogger(ReplayRecorder(env, folder, run=run), folder, run=run)
    for seed in range(first_seed, first_seed + GAMES):
        recorded.reset(seed=seed)
        while not any(recorded.step(1)[2:4]):  # type: ignore[arg-type]
            pass
    recorded.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training left: three short games, recorded."""
    folder = tmp_path_factory.mktemp("trained")
    play(folder)
    return folder


@pytest.fixture
def source(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for path in trained.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def opened(world: World, source: Path, *, every: int = 2) -> Recordings:
    """The stage, as after a start of the daemon."""
    settings = RecordingSettings(folder=source, film_every=every, rom=stand_in_rom(), encoding=Encoding())
    recordings = Recordings(settings=settings, store=world.store, layout=world.layout, clock=world.clock)
    world.of_run[JobKind.FILM] = recordings
    return recordings


def wanted(world: World) -> dict[str, JobState]:
    return {subject: job.state for subject, job in world.store.of_run.newest(JobKind.FILM).items()}


def table(world: World) -> list[dict[str, str]]:
    with world.layout.training_table.open(newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def claimed(world: World) -> Iterator[RunJob]:
    while job := world.store.choose_and_claim(world.dispatch_settings().backlog, now=world.clock.now()):
        assert isinstance(job, RunJob)
        yield job


def film(world: World, recordings: Recordings) -> list[int]:
    """Every film that is ordered is made by the real worker; its exit codes."""
    codes = []
    for job in claimed(world):
        files = world.layout.job(job.id, job.attempt)
        files.folder.mkdir(parents=True)
        jobfiles.write(files.request, recordings.request(job))
        codes.append(work(files.folder))
        recordings.commit(job, files)
    return codes


def test_a_run_recorded_without_the_observer_is_taken_in_and_left_as_it_is(world: World, source: Path) -> None:
    before = hashes(source)
    recordings = opened(world, source)
    recordings.look()
    assert hashes(source) == before
    copies = list(segment.games(world.layout.training / "run-0-0.segment"))
    assert [game.seed for game in copies] == [4000, 4001, 4002]
    assert recordings.recorded().games == GAMES
    assert recordings.recorded().environments == 1


def test_the_rows_of_all_environments_are_one_table_in_the_order_of_their_times(world: World, source: Path) -> None:
    rows = (source / "run-0.csv").read_text().splitlines()
    (source / "run-1.csv").write_text(f"{rows[0]}\n2001-01-01T00:00:00Z,0,9,1,0,True,9,0.5\n2001-01-01T00:00:01Z,1")
    opened(world, source).look()
    merged = table(world)
    assert list(merged[0]) == [*COLUMNS, "environment"]
    assert [row["environment"] for row in merged] == ["run-1"] + ["run-0"] * GAMES
    world.layout.training_table.unlink()
    with (source / "run-1.csv").open("a") as file:
        file.write(",12,0,0,False,3,0.0\n")
    recordings = opened(world, source)
    recordings.look()
    assert [row["episode"] for row in table(world)] == ["0", "1", "0", "1", "2"]


def test_every_so_manieth_game_becomes_a_clip(world: World, source: Path) -> None:
    recordings = opened(world, source)
    recordings.look()
    assert list(wanted(world)) == ["run-0-0.segment 0", "run-0-0.segment 2"]
    assert film(world, recordings) == [0, 0]
    films = recordings.recorded().films
    assert [(found.episode, found.clip.highlight.seed) for found in films] == [(0, 4000), (2, 4002)]
    for found in films:
        assert (world.layout.training_clips / found.clip.video).stat().st_size > 1000
        assert (world.layout.training_clips / found.clip.poster).is_file()
    assert films[0].timestep < films[1].timestep
    assert not any((world.layout.work / "films").iterdir())
    recordings.look()
    opened(world, source).look()
    assert set(wanted(world).values()) == {JobState.DONE}


def test_clips_that_lie_there_are_found_by_a_new_database(world: World, source: Path, tmp_path: Path) -> None:
    recordings = opened(world, source)
    recordings.look()
    film(world, recordings)
    other = World(tmp_path / "other")
    other.layout.output.mkdir(parents=True)
    world.layout.training.rename(other.layout.output / "training")
    with other.store:
        opened(other, source).look()
        assert set(wanted(other).values()) == {JobState.DONE}
        assert len(other.of_run) == 1
        recovered = other.of_run[JobKind.FILM]
        assert isinstance(recovered, Recordings)
        assert len(recovered.recorded().films) == 2


def test_a_game_whose_copy_is_gone_is_given_up_and_holds_nothing(world: World, source: Path) -> None:
    recordings = opened(world, source, every=100)
    recordings.look()
    (world.layout.training / "run-0-0.segment").unlink()
    (job,) = claimed(world)
    assert recordings.request(job).highlights[0].seed == 0


def test_a_segment_that_grows_is_read_on_and_its_last_game_may_still_be_written(world: World, source: Path) -> None:
    path = source / "run-0-0.segment"
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    recordings = opened(world, source, every=1)
    recordings.look()
    assert recordings.recorded().problems == ()
    assert list(wanted(world)) == ["run-0-0.segment 0", "run-0-0.segment 1"]
    path.write_bytes(whole)
    recordings.look()
    assert recordings.recorded().games == GAMES
    assert list(wanted(world)) == [f"run-0-0.segment {number}" for number in range(GAMES)]


def test_a_damaged_segment_is_said_once_and_the_rest_goes_on(world: World, source: Path) -> None:
    whole = (source / "run-0-0.segment").read_bytes()
    (source / "run-1-0.segment").write_bytes(whole)
    (source / "run-0-0.segment").write_bytes(whole[:-300] + bytes(300))
    recordings = opened(world, source)
    with capture_logs() as logs:
        for _ in range(3):
            recordings.look()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["recording.damaged"]
    (problem,) = recordings.recorded().problems
    assert problem.startswith("run-0-0.segment: The segment")
    assert recordings.recorded().games in {GAMES + 1, GAMES + 2}


def test_a_cut_segment_is_said_once_another_was_begun_after_it(world: World, source: Path) -> None:
    whole = (source / "run-0-0.segment").read_bytes()
    (source / "run-0-0.segment").write_bytes(whole[:-200])
    (source / "run-0-1.segment").write_bytes(whole)
    recordings = opened(world, source)
    recordings.look()
    (problem,) = recordings.recorded().problems
    assert "ends inside a game" in problem


def test_a_run_begun_anew_under_the_same_name_takes_nothing_of_the_former(world: World, source: Path) -> None:
    recordings = opened(world, source, every=0)
    recordings.look()
    for path in source.iterdir():
        path.unlink()
    play(source, first_seed=5000, frame_limit=80)  # its rows differ, though both be of one second
    recordings.look()
    assert [game.seed for game in segment.games(world.layout.training / "run-0-0.segment")] == [4000, 4001, 4002]
    assert [game.seed for game in segment.games(world.layout.training / "run.1-0-0.segment")] == [5000, 5001, 5002]
    assert [row["environment"] for row in table(world)] == ["run-0"] * GAMES + ["run-0.1"] * GAMES
    assert recordings.recorded().games == 2 * GAMES


def test_what_a_closed_run_took_in_is_not_taken_in_again(world: World, source: Path) -> None:
    opened(world, source).look()
    closed = world.layout.closed / "first"
    closed.mkdir(parents=True)
    world.layout.training.rename(closed / "training")
    world.layout.training_table.unlink()
    opened(world, source).look()
    assert not world.layout.training.exists()
    play(source, first_seed=5000)
    recordings = opened(world, source, every=0)
    recordings.look()
    assert [path.name for path in world.layout.training.glob("*.segment")] == ["run-0-1.segment"]
    assert recordings.recorded().games == GAMES
    assert [row["episode"] for row in table(world)] == ["3", "4", "5"]


def test_the_report_that_a_command_writes_tells_of_training_too(world: World, source: Path, tmp_path: Path) -> None:
    opened(world, source).look()
    config, orders = tmp_path / "config.yaml", wanted(world)
    config.write_text(f"runs: [{{name: run, watch: w, output: {world.layout.output}}}]\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "observer.cli", "report", "--config", config], check=True)
    assert f"{GAMES} games of 1 environment" in world.layout.report.read_text(encoding="utf-8")
    assert wanted(world) == orders


def test_nothing_recorded_is_nothing(world: World, tmp_path: Path) -> None:
    recordings = opened(world, tmp_path / "none")
    recordings.look()
    assert recordings.recorded().games == 0
    assert not world.layout.training.exists()


def test_of_several_environments_other_games_are_filmed_and_with_zero_none() -> None:
    filmed = [
        (env, game) for env in range(3) for game in range(200) if is_filmed(environment=env, episode=game, every=100)
    ]
    assert filmed == [(0, 0), (0, 100), (1, 99), (1, 199), (2, 98), (2, 198)]
    assert not is_filmed(environment=0, episode=0, every=0)


def test_its_rom_is_the_one_it_was_recorded_with(trained: Path) -> None:
    game = segment.game(trained / "run-0-0.segment", 0)
    assert game.rom_sha256 == Cartridge.read(stand_in_rom()).sha256
