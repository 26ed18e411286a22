"""The worker as a process, on a real checkpoint in a real emulator: the same plan gives the same games."""

import csv
import hashlib
import json
import shutil
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import jobs
from fakes.json_schema import problems

from env import replay as replays
from env.emulator import Emulator
from env.errors import ReplayDamaged, ReplayDiverged
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.core.layout import JobFiles
from observer.core.models import Digest, Episode, EvaluationRequest, Outcome
from observer.core.plan import plan_digest

pytestmark = pytest.mark.timeout(300)


def evidence(files: JobFiles) -> dict[str, object]:
    """Everything of an evaluation that is the same whenever it is played."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in files.replays.iterdir()}
    found["episodes.jsonl"] = sorted(files.episodes.read_bytes().splitlines())
    found["episodes.csv"] = files.table.read_bytes()
    return found


def games(files: JobFiles) -> dict[int, tuple[Episode, bytes]]:
    """Seed -> what came out and what was pressed, without what the plan itself puts into it."""
    return {
        episode.seed: (
            replace(episode, index=0, replay_sha256=Digest("")),
            replays.read(files.replays / f"{episode.seed}.replay").inputs,
        )
        for episode in jobfiles.read_episodes(files.episodes)
    }


@pytest.fixture(scope="module")
def interrupted(jobs_folder: Path, checkpoint: Path) -> JobFiles:
    """The plan of `played`, killed with -9 after its first game."""
    files = jobs.job(jobs_folder / "000002.1", checkpoint, jobs.plan_of(range(4)))
    with jobs.start_worker(files) as worker:
        while not jobfiles.read_episodes(files.episodes) and worker.poll() is None:
            threading.Event().wait(0.01)
        emulators = jobs.descendants(worker.pid)
        worker.send_signal(signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL, files.log.read_text(encoding="utf-8")
    assert emulators
    for _ in range(3000):
        if not any(jobs.name_of(pid) == "mednafen" for pid in emulators):
            break
        threading.Event().wait(0.02)
    else:
        raise AssertionError("emulators outlive a killed worker")
    return files


@pytest.fixture(scope="module")
def drawn(jobs_folder: Path, checkpoint: Path, played: JobFiles) -> JobFiles:
    """Actions drawn by their probabilities."""
    plan = jobs.plan_of(range(4), policy_mode="stochastic")
    return jobs.play_here(jobs.job(jobs_folder / "drawn", checkpoint, plan, start_states=str(played.start_states)))


def test_every_planned_game_is_in_a_valid_result(played: JobFiles) -> None:
    request = jobfiles.read(EvaluationRequest, played.request)
    result = jobfiles.read_result(played.result, request)
    assert [episode.seed for episode in result.episodes] == list(range(4))
    assert result.summary.episodes == 4
    assert all(episode.frames <= 600 + 200 and episode.episode_length > 0 for episode in result.episodes)
    assert result.provenance.rom_sha256 == request.plan.rom_sha256
    assert {"observer", "emulator", "torch", "python"} <= set(result.provenance.versions)


def test_a_game_that_reaches_the_frame_limit_is_timed_out(played: JobFiles) -> None:
    for episode in jobfiles.read_episodes(played.episodes):
        assert (episode.outcome is Outcome.TIMEOUT) == (episode.frames >= 600 and not episode.topped_out)


def test_the_table_says_what_the_result_says(played: JobFiles) -> None:
    episodes = jobfiles.read_result(played.result, jobfiles.read(EvaluationRequest, played.request)).episodes
    rows = list(csv.DictReader(played.table.read_text(encoding="utf-8").splitlines()))
    assert [(int(row["seed"]), row["outcome"], int(row["frames"])) for row in rows] == [
        (episode.seed, episode.outcome.value, episode.frames) for episode in episodes
    ]


def test_every_game_has_its_replay(played: JobFiles) -> None:
    request = jobfiles.read(EvaluationRequest, played.request)
    for episode in jobfiles.read_episodes(played.episodes):
        path = played.replays / f"{episode.seed}.replay"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == episode.replay_sha256
        replay = replays.read(path)
        assert (replay.seed, replay.frames, replay.record["outcome"]) == (episode.seed, episode.frames, episode.outcome)
        assert replay.metadata["checkpoint_sha256"] == request.checkpoint.digest
        assert replay.metadata["plan_sha256"] == plan_digest(request.plan)
        assert set(replay.versions) == {"observer", "emulator"}


def test_every_replay_comes_out_as_recorded_and_a_tampered_one_does_not(played: JobFiles) -> None:
    with Emulator(stand_in_rom()) as emulator:
        found = [replays.read(path) for path in sorted(played.replays.iterdir())]
        for replay in found:
            replays.verify(replay, emulator)
        tampered = replace(found[0], inputs=found[0].inputs[::-1])
        with pytest.raises(ReplayDiverged, match="between frames"):
            replays.verify(tampered, emulator)


def test_a_replay_whose_bytes_were_changed_is_refused(played: JobFiles, tmp_path: Path) -> None:
    blob = bytearray((played.replays / "0.replay").read_bytes())
    blob[len(blob) // 2] ^= 1
    (tmp_path / "0.replay").write_bytes(blob)
    with pytest.raises(ReplayDamaged, match="checksum"):
        replays.read(tmp_path / "0.replay")


def test_real_files_fit_their_schemas(played: JobFiles) -> None:
    header = (played.replays / "0.replay").read_bytes()[14:]
    length = int.from_bytes((played.replays / "0.replay").read_bytes()[10:14], "little")
    written = {
        "result": played.result.read_bytes(),
        "evaluation-request": played.request.read_bytes(),
        "progress": played.progress.read_bytes(),
        "replay-header": header[:length],
        "episodes-row": played.episodes.read_bytes().splitlines()[0],
    }
    for name, text in written.items():
        schema = jobs.ROOT / "docs" / "reference" / "schemas" / f"{name}.schema.json"
        assert problems(json.loads(schema.read_bytes()), json.loads(text)) == [], name


def test_the_same_plan_gives_the_same_bytes(played: JobFiles, jobs_folder: Path, checkpoint: Path) -> None:
    again = jobs.play(jobs.job(jobs_folder / "again", checkpoint, jobs.plan_of(range(4))))
    assert evidence(again) == evidence(played)


def test_a_plan_resumed_after_a_kill_gives_the_same_bytes(
    played: JobFiles, interrupted: JobFiles, jobs_folder: Path, checkpoint: Path
) -> None:
    finished = jobfiles.read_episodes(interrupted.episodes)
    assert 0 < len(finished) < 4
    resumed = jobs.play(
        jobs.job(jobs_folder / "000002.2", checkpoint, jobs.plan_of(range(4)), resume_from=(str(interrupted.folder),))
    )
    taken_over = jobfiles.read_episodes(resumed.episodes)[: len(finished)]
    assert {game.seed for game in taken_over} == {game.seed for game in finished}
    assert len(resumed.episodes.read_bytes().splitlines()) == 4, "a finished game was played again"
    assert evidence(resumed) == evidence(played)


def test_a_job_that_is_run_again_by_hand_goes_on_where_it_was(
    played: JobFiles, interrupted: JobFiles, tmp_path: Path
) -> None:
    """In its own folder, behind a line that the kill tore."""
    folder = tmp_path / "by-hand"
    shutil.copytree(interrupted.folder, folder)
    again = JobFiles(folder)
    with again.episodes.open("ab") as file:
        file.write(b'{"capsules":')
    assert evidence(jobs.play_here(again)) == evidence(played)
    again.result.unlink()
    assert evidence(jobs.play_here(again)) == evidence(played)
    assert again.result.exists()


def test_a_game_does_not_depend_on_when_and_where_it_is_played(
    drawn: JobFiles, jobs_folder: Path, checkpoint: Path, played: JobFiles
) -> None:
    """Other lanes, other neighbours: the seeds in another order are another plan of the same games."""
    turned = jobs.plan_of((3, 1, 0, 2), policy_mode="stochastic")
    other = jobs.play_here(jobs.job(jobs_folder / "turned", checkpoint, turned, start_states=str(played.start_states)))
    assert games(other) == games(drawn)


def test_drawn_actions_are_other_games(drawn: JobFiles, played: JobFiles) -> None:
    assert games(drawn) != games(played)


def test_start_states_of_others_are_used_and_not_written_again(drawn: JobFiles, played: JobFiles) -> None:
    assert len(list(played.start_states.iterdir())) == 4
    assert not drawn.start_states.exists() or not list(drawn.start_states.iterdir())
