"""No evaluation before the measurement was tested, and none where it failed."""

import json
import subprocess
import sys
from pathlib import Path

from fakes.broken import seedless_rom
from fakes.real_site import forward
from fakes.site import ROOT, Site

from observer.adapters import jobfiles
from observer.core.selftest import SelfTestResult

PROBLEM = "seeds 0 and 1 give the very same game"


def moment_of(site: Site) -> float:
    return jobfiles.read(SelfTestResult, site.layout.self_test.result).tested_at


def test_it_is_tested_once_and_a_restart_goes_by_what_was_found(site: Site) -> None:
    site.layout.self_test.result.unlink()
    site.drop(1000)
    said = site.finish()
    assert said.index("selftest.passed") < said.index("job.claimed")
    first = moment_of(site)
    site.drop(2000)
    assert "selftest" not in site.finish()
    assert moment_of(site) == first


def test_another_rom_is_tested_anew(site: Site) -> None:
    (site.folder / "other.nes").write_bytes((site.folder / "game.nes").read_bytes() + b"!")
    site.configure(rom="other.nes")
    site.drop(1000)
    assert "selftest.passed" in site.finish()


def test_nothing_is_evaluated_where_games_cannot_be_compared(site: Site) -> None:
    site.layout.self_test.result.unlink()
    site.tell_workers(self_test=PROBLEM)
    site.drop(1000)
    daemon = site.start()
    found = site.until(lambda found: bool(found.get("problems")) and found["queue"]["waiting"] == 1)
    assert found["problems"] == [{"what": "self-test", "sentence": PROBLEM}]
    assert (found["queue"]["running"], found["queue"]["done"]) == (0, 0)
    assert PROBLEM in site.ask("status")
    daemon.terminate()
    daemon.communicate()
    assert daemon.returncode == 0


def test_who_waits_for_the_end_is_told_instead(site: Site) -> None:
    site.layout.self_test.result.unlink()
    site.tell_workers(self_test=PROBLEM)
    site.drop(1000)
    daemon = site.start("--until-idle")
    said, _ = daemon.communicate(timeout=150)
    assert daemon.returncode == 78
    assert said.endswith(f"nothing is evaluated: {PROBLEM}\n")
    site.tell_workers()
    assert "selftest.passed" in site.finish()
    assert site.status()["queue"]["done"] == 1


def test_a_rom_that_knows_no_seeds_is_refused_by_the_real_thing(tmp_path: Path) -> None:
    rom = seedless_rom(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "m_1_steps.zip").write_bytes(
        (ROOT / "docs" / "demo" / "checkpoints" / "ppo_drmario_0_steps.zip").read_bytes()
    )
    sections = {
        "runs": [{"name": "test", "watch": "checkpoints", "output": "out"}],
        "environment": {"rom": str(rom), "actions": "placement", "observation": "relative"},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(sections), encoding="utf-8")
    command = [sys.executable, "-m", "observer.cli", "run", "--until-idle", "-c", str(tmp_path / "config.yaml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as daemon:
        while daemon.poll() is None:
            forward(daemon.pid, seconds=0.2)
        said = daemon.communicate()[0]
    assert daemon.returncode == 78, said
    assert "nothing is evaluated: The seeds 0 and 1 of 1p-level0-med give the very same game" in said
    assert not list(tmp_path.glob("out/checkpoints/*"))
