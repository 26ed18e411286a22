"""SIGHUP: the configuration is read again; a wrong one changes nothing, and nobody's games are lost."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.backend import FakeBackend
from fakes.clock import FakeClock
from fakes.site import ROOT, Site
from fakes.zips import zip_of
from structlog.testing import capture_logs

from observer.adapters.lock import holder_of
from observer.config import Config, parse
from observer.core.errors import ConfigError, SetupError
from observer.core.layout import RunLayout
from observer.reloading import Reloading, changed_keys
from observer.runs import Runs


def config_of(folder: Path, **sections: Any) -> Config:  # noqa: ANN401 -- JSON values
    return parse(json.dumps(sections), source="config.yaml", folder=folder)


def run_of(name: str, *, watch: str = "", output: str = "") -> dict[str, str]:
    return {"name": name, "watch": watch or f"{name}/checkpoints", "output": output or f"{name}/out"}


def is_playing(found: Mapping[str, Any]) -> bool:
    return any(job["done"] >= 2 for job in found["running"])


def test_a_game_in_play_goes_on_while_another_run_is_added(site: Site) -> None:
    site.configure(episodes=12)
    site.drop(1000)
    site.tell_workers(evaluate="dawdle")
    daemon = site.start()
    site.until(is_playing)
    told = json.loads(site.config.read_text())
    (site.folder / "more").mkdir()
    (site.folder / "more" / "m_5_steps.zip").write_bytes(zip_of(5))
    told["runs"].append({"name": "other", "watch": "more", "output": "other"})
    told["workers"] = {"count": 2}
    site.config.write_text(json.dumps(told))
    daemon.send_signal(signal.SIGHUP)
    other = RunLayout(site.folder / "other")
    site.until(lambda found: found["evaluations"] == 1 and len(list(other.output.glob("checkpoints/*/*"))) == 1)
    daemon.terminate()
    said, _ = daemon.communicate(timeout=90)
    assert 'event=configuration.applied changed="runs, workers.count"' in said
    claims = [line for line in said.splitlines() if "event=job.claimed" in line and "kind=evaluate step=1000" in line]
    assert len(claims) == 1
    assert daemon.returncode == 0


def test_a_wrong_configuration_is_said_and_the_one_before_counts(site: Site) -> None:
    daemon = site.start()
    site.until(lambda found: found["daemon"] == daemon.pid)
    right = site.config.read_text()
    site.config.write_text("queue: {max_failures: 0}\nclipz: {}\n")
    daemon.send_signal(signal.SIGHUP)
    (problem,) = site.until(lambda found: bool(found.get("problems")))["problems"]
    assert problem["what"] == "configuration"
    assert "queue.max_failures: " in problem["sentence"]
    assert "clipz: " in problem["sentence"]
    site.drop(1000)
    site.until(lambda found: found["evaluations"] == 1)
    site.config.write_text(right)
    daemon.send_signal(signal.SIGHUP)
    site.until(lambda found: found["problems"] == [])
    daemon.terminate()
    said, _ = daemon.communicate(timeout=90)
    assert "level=error event=configuration.refused" in said
    assert "Traceback" not in said


def test_the_service_manager_hears_that_it_reloads_and_when_that_is_over(site: Site) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(site.folder / "n"))
        manager.settimeout(30)
        daemon = site.start(environment={"NOTIFY_SOCKET": str(site.folder / "n")})
        assert manager.recv(999).startswith(b"READY=1\n")
        daemon.send_signal(signal.SIGHUP)
        while not (message := manager.recv(999)).startswith(b"RELOADING=1\nMONOTONIC_USEC="):
            assert not message.startswith(b"READY=1\n")
        assert manager.recv(999).startswith(b"READY=1\n")


def test_a_terminal_that_is_closed_ends_it_cleanly(site: Site) -> None:
    site.configure(episodes=12)
    site.drop(1000)
    site.tell_workers(evaluate="hang")
    ours, theirs = pty.openpty()
    daemon = subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, str(ROOT / "tests" / "fakes" / "daemon.py"), str(site.config)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}, stdin=theirs, stdout=theirs, stderr=theirs, text=True,
    )  # fmt: skip
    site.daemons.append(daemon)
    os.close(theirs)
    site.until(lambda found: bool(found["running"]) and found["running"][0]["done"] == 1)
    os.close(ours)
    assert daemon.wait(timeout=90) == 0
    found = site.status()
    assert (found["queue"]["waiting"], found["daemon"]) == (1, None)


def test_a_run_that_is_taken_out_lets_go_of_its_folder_and_its_games_go_back(tmp_path: Path) -> None:
    backend, clock = FakeBackend(slots=2), FakeClock()
    both = config_of(tmp_path, runs=[run_of("low"), run_of("high")])
    low, high = (RunLayout(section.output) for section in both.runs)
    for name in ("low", "high"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "checkpoints" / "m_1_steps.zip").write_bytes(zip_of(1))
    with Runs(clock=clock, backend=backend) as runs:
        runs.apply(both)
        for run in runs:
            run.intake.scan()
            clock.advance(2.1)
            run.intake.scan()
            assert run.dispatch.start_one()
        first, _ = runs
        runs.apply(config_of(tmp_path, runs=[run_of("lowest", output="low/out", watch="low/checkpoints")]))
        assert [run.name for run in runs] == ["lowest"]
        assert list(runs) == [first]
        assert (holder_of(low.lock), holder_of(high.lock)) == (os.getpid(), None)
        assert len(first.store.running()) == 1
        assert [folder.parent for folder in backend.stopped] == [high.jobs]
    assert holder_of(low.lock) is None


def test_nothing_is_changed_by_a_configuration_that_cannot_be_used_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with Runs(clock=FakeClock(), backend=FakeBackend()) as runs:
        runs.apply(config_of(tmp_path, runs=[run_of("low")]))
        before = list(runs)
        wrong = config_of(tmp_path, runs=[run_of("new"), run_of("bad", output="file")])
        with pytest.raises(SetupError, match="file"):
            runs.apply(wrong)
        assert list(runs) == before
        assert holder_of(RunLayout(wrong.runs[0].output).lock) is None
        with pytest.raises(SetupError, match="none"):
            runs.apply(config_of(tmp_path, environment={"rom": "none.nes"}))
        assert list(runs) == before


def test_what_is_set_up_once_is_said_to_need_a_restart(tmp_path: Path) -> None:
    before, after = config_of(tmp_path), config_of(tmp_path, service={"log": "journal"}, queue={"keep_every": 5})
    assert changed_keys(before, after) == ["queue.keep_every", "service.log"]
    with capture_logs() as logs:
        Reloading(before, read_again=lambda: after, apply=[]).reload()
    assert [(entry["event"], entry.get("keys")) for entry in logs] == [
        ("configuration.applied", None),
        ("configuration.delayed", "service.log"),
    ]


def test_a_refusal_counts_until_the_configuration_is_right(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    answers: list[Config | ConfigError] = [ConfigError("config.yaml", ["queue: wrong"]), config]

    def read_again() -> Config:
        answer = answers.pop(0)
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    reloading = Reloading(config, read_again=read_again, apply=[])
    reloading.reload()
    assert "queue: wrong" in reloading.problem
    reloading.reload()
    assert reloading.problem == ""
