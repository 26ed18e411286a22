"""The unit under a real systemd, its hardening on: a real checkpoint is evaluated in a real Mednafen."""

import os
import pwd
import re
import signal
from pathlib import Path

import pytest
import torch
from fakes.service import INSIDE, UNIT, USER, Service

from observer.adapters import jobfiles
from observer.core.models import EvaluationResult

pytestmark = pytest.mark.timeout(300)

#: what `systemd-analyze security` may say at most
WORST_EXPOSURE = 1.0


def result_of(service: Service) -> EvaluationResult:
    (path,) = service.layout.output.glob("checkpoints/*/*/result.json")
    return jobfiles.read(EvaluationResult, path)


def test_a_checkpoint_is_evaluated_inside_of_it(service: Service) -> None:
    service.drop()
    service.start()
    assert (service.show("ActiveState"), service.show("Slice")) == ("active", "observer.slice")
    service.until(lambda: "1 done" in service.show("StatusText"))
    result = result_of(service)
    assert len(result.episodes) == 4
    assert re.match(r"(landlock [1-9]\d*|no landlock), network loopback, ", result.provenance.confinement)
    assert result.provenance.cpu_capability == torch.backends.cpu.get_cpu_capability()
    made = {path.stat().st_uid for path in service.layout.output.rglob("*")}
    assert made == {pwd.getpwnam(USER).pw_uid}
    assert sorted(path.name for path in service.watched.iterdir()) == ["agent_1_steps.zip", "environment.json"]


def test_it_can_write_in_its_output_alone_even_as_root(service: Service) -> None:
    service.start()
    places: list[str | Path] = [
        "/",
        "/etc",
        "/usr",
        "/var",
        "/home",
        "/root",
        "/srv",
        "/opt",
        INSIDE,
        INSIDE / "models/checkpoints",
    ]
    script = 'for place; do touch "$place/written" 2>/dev/null; done'
    enter = ["nsenter", "--target", service.show("MainPID"), "--mount", "sh", "-c", script, "sh"]
    service.machine.run(*enter, *map(str, [*places, INSIDE / "out"]), check=False)
    written = [place for place in (*places, INSIDE / "out") if service.machine.inside(Path(place, "written")).exists()]
    assert written == [INSIDE / "out"]


def test_no_network_but_loopback_is_there(service: Service) -> None:
    service.start()
    table = Path(f"/proc/{service.pid}/net/dev").read_text(encoding="ascii")
    assert re.findall(r"^\s*(\w+):", table, re.MULTILINE) == ["lo"]


def test_a_stop_while_it_plays_is_clean_and_what_it_played_is_taken_up(service: Service) -> None:
    service.begin_anew(episodes=40, frame_limit=2000)
    service.drop()
    service.start()
    service.until(service.is_playing)
    service.machine.ctl("stop", UNIT)
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    assert service.machine.inside("/sys/fs/cgroup/observer.slice/observer.service").exists() is False
    queue = service.status()["queue"]
    assert (queue["waiting"], queue["running"], queue["parked"]) == (1, 0, 0)
    service.start()
    service.until(lambda: bool(service.status()["running"]))
    assert service.status()["running"][0]["attempt"] == 2


def test_the_unit_is_as_tight_as_promised(service: Service) -> None:
    said = service.machine.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", said)
    assert exposure is not None
    assert float(exposure[1]) <= WORST_EXPOSURE, said


def test_systemd_finds_nothing_to_say_about_it(service: Service) -> None:
    service.machine.ctl("daemon-reload")
    said = service.machine.run("systemd-analyze", "verify", "--man=no", UNIT, "observer.slice")
    assert (said.stdout, said.stderr) == ("", "")


@pytest.mark.slow
def test_a_loop_that_hangs_is_killed_and_started_again(service: Service) -> None:
    service.start(WatchdogSec="3", RestartSec="0", TimeoutAbortSec="2")
    stuck = service.pid
    os.kill(stuck, signal.SIGSTOP)
    service.until(lambda: service.show("NRestarts") == "1" and service.show("SubState") == "running")
    assert service.pid != stuck
    assert "Watchdog timeout" in service.machine.console


@pytest.mark.slow
def test_after_a_kill_it_is_there_again_finishes_what_it_played_and_films_it(service: Service) -> None:
    service.begin_anew("best", episodes=12, frame_limit=2000)
    service.drop()
    service.start(RestartSec="0")
    service.until(service.is_playing)
    os.kill(service.pid, signal.SIGKILL)
    service.until(lambda: service.show("NRestarts") == "1")
    service.until(lambda: service.status()["queue"]["done"] == 1)
    assert [game.seed for game in result_of(service).episodes] == list(range(12))
    service.until(lambda: service.status()["renderings"]["done"] == 1)
    assert len(list(service.layout.output.rglob("clips/*.mp4"))) == 1


@pytest.mark.slow
def test_what_only_a_person_can_mend_is_not_tried_again(service: Service) -> None:
    (service.site / "config.yaml").write_text("queue: {max_failures: 0}\n", encoding="utf-8")
    with pytest.raises(RuntimeError):
        service.start(RestartSec="0")
    assert (service.show("ExecMainStatus"), service.show("NRestarts")) == ("78", "0")
    assert "queue.max_failures" in service.machine.journal(UNIT)


@pytest.mark.slow
def test_a_reload_reads_the_configuration_and_a_wrong_one_is_left(service: Service) -> None:
    service.start()
    (service.site / "config.yaml").write_text("queue: {max_failures: 0}\n", encoding="utf-8")
    before = service.pid
    service.machine.ctl("reload", UNIT)
    service.until(lambda: "queue.max_failures" in service.machine.journal(UNIT))
    assert service.pid == before


@pytest.mark.slow
def test_where_landlock_is_forbidden_it_says_so_once_and_goes_on(service: Service) -> None:
    service.drop()
    service.start(SystemCallFilter="~landlock_create_ruleset")
    service.until(lambda: service.status()["evaluations"] == 1)
    told = [line for line in service.machine.journal(UNIT).splitlines() if "confinement.missing" in line]
    assert len(told) == 1
    assert "a system-call filter forbids Landlock" in told[0]
    assert result_of(service).provenance.confinement == "no landlock, network loopback, calls filtered"
