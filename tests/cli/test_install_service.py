"""`observer install-service`: what it shows, what it writes and what it refuses."""

import os
import subprocess
from pathlib import Path

import pytest
from fakes.command import Command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose folders are there, not below /tmp as far as the command knows."""
    monkeypatch.setattr("observer.installing._FLEETING", (Path("/nowhere"),))
    for name in ("models", "out"):
        (tmp_path / name).mkdir()
    text = "runs: [{name: a, watch: models/checkpoints, output: out}]\n"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_without_apply_it_shows_the_unit_and_writes_nothing(observer: Command, site: Path) -> None:
    before = sorted(site.rglob("*"))
    said = observer("install-service", "--config", site / "config.yaml")
    assert said.code == 0, said.err
    assert f"--config {site}/config.yaml" in said.out
    assert f"ReadWritePaths={site}/out\n" in said.out
    assert "Nothing is written yet." in said.out
    assert "systemctl enable --now observer.service" in said.out
    assert sorted(site.rglob("*")) == before


def test_for_a_user_it_is_written_below_the_home(
    observer: Command, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(site / "home"))
    said = observer("install-service", "--config", site / "config.yaml", "--user", "--cpu-quota", "100", "--apply")
    assert said.code == 0, said.err
    unit = (site / "home" / "systemd" / "user" / "observer.service").read_text(encoding="utf-8")
    assert "CPUQuota=100%\n" in unit
    assert "ProtectHome" not in unit
    assert (site / "home" / "systemd" / "user" / "observer.slice").exists()
    assert "they do not protect a\ntrainer in another session" in said.out
    assert "systemctl --user daemon-reload" in said.out
    assert "enable-linger" in said.out


def test_a_missing_folder_is_named_and_nothing_is_written(observer: Command, site: Path) -> None:
    (site / "out").rmdir()
    (site / "models").rmdir()
    said = observer("install-service", "--config", site / "config.yaml", "--apply")
    assert said.code == 78
    assert f"the output folder {site}/out does not exist yet: make it first" in said.err
    assert f"{site}/models does not exist" in said.err


def test_without_a_configuration_there_is_nothing_to_serve(observer: Command) -> None:
    said = observer("install-service")
    assert said.code == 78
    assert "a service needs a configuration" in said.err


def test_what_lies_below_tmp_is_refused(observer: Command, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("observer.installing._FLEETING", (site,))
    said = observer("install-service", "--config", site / "config.yaml")
    assert said.code == 78
    assert "a service has a /tmp of its own" in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write there")
def test_who_may_not_write_the_units_is_told_the_way(observer: Command, site: Path) -> None:
    said = observer("install-service", "--config", site / "config.yaml", "--apply")
    assert said.code == 78
    assert "call it with sudo, or with --user" in said.err


@pytest.mark.skipif(not Path("/usr/bin/systemd-analyze").exists(), reason="systemd is not installed")
def test_the_unit_as_it_comes_along_is_rated_tight() -> None:
    command = [
        "systemd-analyze",
        "security",
        "--offline=true",
        "--no-pager",
        str(ROOT / "systemd" / "observer.service"),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(said.rpartition("exposure level for observer.service: ")[2].split()[0]) <= 1.0
