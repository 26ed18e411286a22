"""The daemon as people start it, real workers, real checkpoints: dropped files become results, clips and a report."""

import csv
import json
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import jobs
from fakes.checkpoints import members_of, with_data, with_pickle, write
from fakes.site import tested as is_tested

from env import replay as replays
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.core.errors import StoreError
from observer.core.layout import RunLayout
from observer.core.models import EvaluationResult
from observer.stages.status import status

ECHO_ROM = jobs.ROOT / "tests" / "data" / "rom" / "echo.nes"
pytestmark = pytest.mark.timeout(400)

GAMES = 6


class Creates:
    """Makes a folder when it is unpickled, as a hostile checkpoint would do worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


class Site:
    """A configuration, a watched folder, and the daemons on them."""

    def __init__(self, folder: Path, **evaluation: int) -> None:
        self.folder = folder
        self.watch = folder / "checkpoints"
        self.watch.mkdir(parents=True)
        self.layout = RunLayout(folder / "out")
        self.configure(rom=None, **evaluation)
        self.daemons: list[subprocess.Popen[str]] = []

    def configure(self, *, rom: str | None, **evaluation: int) -> None:
        sections = {
            "runs": [{"watch": "checkpoints", "output": "out"}],
            "watch": {"settle_seconds": 0.2, "rescan_seconds": 1},
            "environment": {"rom": rom},
            "evaluation": {"episodes": GAMES, "lanes": 2, "frame_limit": 600, **evaluation},
            "workers": {"count": 1},
            "clips": {"choose": ["best"]},
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(sections), encoding="utf-8")

    def drop(self, blob: bytes, name: str) -> None:
        shutil.copyfile(jobs.sidecar(), self.watch / "environment.json")
        (self.watch / name).write_bytes(blob)

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "observer.cli", "run", "-c", str(self.folder / "config.yaml"), *options]
        with (self.folder / "daemon.log").open("a") as log:
            daemon = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, text=True)
        self.daemons.append(daemon)
        return daemon

    def ask(self, command: str, *options: str) -> str:
        """What another command says."""
        asked = [sys.executable, "-m", "observer.cli", command, "-c", str(self.folder / "config.yaml"), *options]
        return subprocess.run(asked, cwd="/", capture_output=True, text=True, check=True).stdout

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def status(self) -> Mapping[str, Any]:
        try:
            return status(self.layout)
        except StoreError:
            return {"queue": {"running": 0, "done": 0, "parked": 0}, "running": [], "parked": [], "evaluations": 0}

    def until(self, condition: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        for _ in range(3000):
            found = self.status()
            if condition(found):
                return found
            assert self.daemons[-1].poll() is None, self.log
            self.pause()
        raise AssertionError(f"it never came to be: {found}\n{self.log}")

    def finish(self) -> None:
        """A daemon works everything off."""
        daemon = self.start("--until-idle")
        while daemon.poll() is None:
            self.pause()
        assert daemon.returncode == 0, self.log

    def pause(self, seconds: float = 0.1) -> None:
        jobs.come_forward(jobs.descendants(self.daemons[-1].pid))
        threading.Event().wait(seconds)

    def finished_games(self) -> int:
        """Of the evaluation that is being played."""
        return sum(len(jobfiles.read_episodes(path)) for path in self.layout.jobs.glob("*/episodes.jsonl"))

    def games(self) -> Counter[tuple[int, int]]:
        """How often each (step, seed) was committed."""
        connection = sqlite3.connect(f"file:{self.layout.database}?mode=ro", uri=True)
        try:
            rows = connection.execute(
                "SELECT step, seed FROM episode JOIN evaluation ON evaluation.id = episode.evaluation "
                "JOIN checkpoint ON checkpoint.digest = evaluation.checkpoint"
            )
            return Counter(rows.fetchall())
        finally:
            connection.close()

    def results(self) -> list[tuple[Path, EvaluationResult]]:
        found = sorted(self.layout.output.glob("checkpoints/*/*/result.json"))
        return [(path, jobfiles.read(EvaluationResult, path)) for path in found]


def all_gone(pids: set[int]) -> bool:
    """Whether processes end; a worker that steps behind gets to its end late on a busy machine."""
    for _ in range(3000):
        if not any(jobs.name_of(pid) for pid in pids):
            return True
        threading.Event().wait(0.02)
    return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Iterator[Site]:
    """Two good checkpoints, a hostile one and one with other spaces; the daemon is killed during the first evaluation."""
    site = Site(tmp_path_factory.mktemp("whole-line"))
    blob = checkpoint.read_bytes()
    hostile = with_pickle(blob, "policy_kwargs", pickle.dumps(Creates(site.folder / "it ran")))
    site.drop(blob, "agent_1_steps.zip")
    site.drop(with_data(blob, lambda data: data.update(num_timesteps=77)), "agent_77_steps.zip")
    site.drop(hostile, "agent_2_steps.zip")
    site.drop(write("mlp with arguments").blob, "agent_3_steps.zip")
    try:
        daemon = site.start()
        while not site.finished_games():
            assert daemon.poll() is None, site.log
            workers = jobs.descendants(daemon.pid)
            site.pause(0.01)
        daemon.kill()
        daemon.wait()
        assert len(workers) >= 3, "a worker and the emulators of its two lanes"
        assert all_gone(workers), "a worker or an emulator outlives the killed daemon"
        assert 0 < site.finished_games() < GAMES
        site.finish()
        yield site
    finally:
        for daemon in site.daemons:
            daemon.kill()
            daemon.wait()


def test_after_a_kill_every_planned_game_is_there_once(site: Site, checkpoint: Path) -> None:
    step = json.loads(members_of(checkpoint.read_bytes())["data"])["num_timesteps"]
    assert site.games() == Counter({(played, seed): 1 for played in (step, 77) for seed in range(GAMES)})
    assert [[game.seed for game in result.episodes] for _, result in site.results()] == [list(range(GAMES))] * 2
    assert "job.returned" in site.log


def test_both_runs_of_the_same_weights_are_the_same_games(site: Site) -> None:
    """One of the two evaluations was cut short by the kill."""
    first, second = (
        [(game.seed, game.frames, game.total_reward, game.viruses_cleared) for game in result.episodes]
        for _, result in site.results()
    )
    assert first == second


def test_random_and_scripted_players_are_measured_beside_the_checkpoints_and_in_no_table_of_theirs(site: Site) -> None:
    found = {path.parent.name: path for path in site.layout.output.glob("references/*/*/result.json")}
    assert set(found) == {"random", "scripted"}
    for path in found.values():
        assert [game.seed for game in jobfiles.read(EvaluationResult, path).episodes] == list(range(GAMES))
    assert "Dashed, over the same games: random player" in site.layout.report.read_text(encoding="utf-8")
    with site.layout.metrics.open(encoding="utf-8") as table:
        assert {row["checkpoint"] for row in csv.DictReader(table)} == {
            path.parts[-3][-8:] for path, _ in site.results()
        }


def test_the_hostile_zip_ran_nothing_and_is_parked_with_its_word(site: Site) -> None:
    assert not (site.folder / "it ran").exists()
    parked = {Path(entry["path"]).name: entry for entry in site.status()["parked"]}
    assert parked["agent_2_steps.zip"]["word"] in {"bad_policy_kwargs", "bad_pickle", "class_not_allowed"}
    assert parked["agent_2_steps.zip"]["sentence"]


def test_other_spaces_are_parked_with_both_sides(site: Site) -> None:
    assert "word=space_mismatch" in site.log
    assert "Discrete(32)" in site.log
    assert "Discrete(9)" in site.log


def test_clips_tables_and_report_are_there(site: Site) -> None:
    found = site.status()
    assert (found["evaluations"], found["queue"]["running"], found["daemon"]) == (2, 0, None)
    for path, _ in site.results():
        assert len(list(path.parent.glob("clips/*.mp4"))) == 1
        assert sorted(int(file.stem) for file in (path.parent / "replays").iterdir()) == list(range(GAMES))
    assert len(site.layout.metrics.read_text(encoding="utf-8").splitlines()) == 1 + 2 * GAMES
    assert "77" in site.layout.report.read_text(encoding="utf-8")


def test_people_are_told_how_far_it_is(site: Site) -> None:
    told = json.loads(site.ask("status", "--json"))
    assert (told["evaluations"], told["last_result"]["episodes"]) == (2, GAMES)
    assert {entry["word"] for entry in told["parked"]} >= {"space_mismatch"}
    shown = site.ask("status")
    assert "2 done, 1 parked" in shown
    assert f"of {GAMES} games won" in shown
    assert "space_mismatch" in shown


def test_a_report_that_was_deleted_comes_back(site: Site) -> None:
    table = site.layout.metrics.read_bytes()
    shutil.rmtree(site.layout.report.parent)
    site.layout.metrics.unlink()
    assert site.ask("report") == f"{site.layout.report}\n"
    assert site.layout.report.exists()
    assert site.layout.metrics.read_bytes() == table


def test_verify_takes_the_whole_output(site: Site) -> None:
    games = 4 * GAMES  # of two checkpoints and two reference players
    assert site.ask("verify", str(site.layout.output)) == f"{games} of {games} replays match\n"


def test_the_watched_folder_was_only_read(site: Site) -> None:
    names = sorted(path.name for path in site.watch.iterdir())
    assert names == [f"agent_{number}_steps.zip" for number in (1, 2, 3, 77)] + ["environment.json"]


def test_replays_say_which_checkpoint_played(site: Site) -> None:
    for path, result in site.results():
        replay = replays.read(path.parent / "replays" / "0.replay")
        assert replay.metadata["checkpoint_sha256"] == result.checkpoint.digest
        assert replay.metadata["step"] == result.checkpoint.step


def test_sigterm_ends_the_daemon_its_worker_and_their_emulators(tmp_path: Path, checkpoint: Path) -> None:
    site = Site(tmp_path, episodes=100, frame_limit=8000)
    site.drop(checkpoint.read_bytes(), "agent_1_steps.zip")
    is_tested(site.folder / "config.yaml", site.layout)
    daemon = site.start()
    try:
        site.until(lambda found: bool(found["queue"]["running"]))
        while not any(jobs.name_of(pid) == "mednafen" for pid in jobs.descendants(daemon.pid)):
            assert daemon.poll() is None, site.log
            site.pause()
        workers = jobs.descendants(daemon.pid)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=10) == 0
        assert all_gone(workers)
        assert site.status()["queue"]["waiting"] == 1
    finally:
        daemon.kill()
        daemon.wait()


@pytest.mark.parametrize("kind", ["missing", "text", "another game"])
def test_a_rom_that_cannot_be_used_ends_the_daemon_at_once_and_checkpoints_wait(
    tmp_path: Path, checkpoint: Path, kind: str
) -> None:
    site = Site(tmp_path)
    site.drop(checkpoint.read_bytes(), "agent_1_steps.zip")
    site.configure(rom="my-game.nes")
    if kind == "text":
        (tmp_path / "my-game.nes").write_text("this is not a cartridge")
    elif kind == "another game":
        shutil.copyfile(ECHO_ROM, tmp_path / "my-game.nes")
    daemon = site.start()
    assert daemon.wait() == 78
    (line,) = site.log.splitlines()
    assert str(tmp_path / "my-game.nes") in line.replace("\n", "")
    assert not site.layout.database.exists() or site.status()["parked"] == []


def test_a_rom_that_is_exchanged_holds_everything_and_charges_nothing(tmp_path: Path, checkpoint: Path) -> None:
    """What is played on it would stand under the name of the one that was planned for."""
    site = Site(tmp_path)
    rom = tmp_path / "my-game.nes"
    rom.write_bytes(stand_in_rom().read_bytes())
    site.configure(rom=rom.name)
    is_tested(site.folder / "config.yaml", site.layout)
    daemon = site.start()
    try:
        while "observer.started" not in site.log:
            assert daemon.poll() is None, site.log
            site.pause()
        shutil.copyfile(ECHO_ROM, rom)
        site.drop(checkpoint.read_bytes(), "agent_1_steps.zip")
        while "setup.missed" not in site.log:
            assert daemon.poll() is None, site.log
            site.pause()
        found = site.until(lambda found: found["queue"]["waiting"] == 1)
        assert found["parked"] == []
        assert "my-game.nes has changed" in site.log
    finally:
        daemon.terminate()
        assert daemon.wait(timeout=10) == 0
