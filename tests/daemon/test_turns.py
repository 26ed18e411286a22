import errno
import json
import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from fakes.backend import FakeBackend
from fakes.clock import FakeClock
from fakes.zips import zip_of
from structlog.testing import capture_logs

from observer import app
from observer.adapters.systemd import Notifier
from observer.config import Config, parse
from observer.core.errors import SetupError, StoreDamaged
from observer.core.layout import RunLayout
from observer.core.models import Digest, JobState
from observer.daemon import Daemon, Steps
from observer.producers import Message


def test_a_worker_that_ends_while_its_run_waits_out_a_failure_is_not_forgotten(tmp_path: Path) -> None:
    config, clock, backend = Config.default(tmp_path), FakeClock(), FakeBackend(slots=2)
    section = config.runs[0]
    section.watch.mkdir(parents=True)
    with app.open_run(config, section, clock=clock, backend=backend, rom_sha256=Digest("0" * 64)) as run:
        daemon = Daemon([run], backend=backend, clock=clock, notifier=Notifier())
        for step in (1, 2):
            (section.watch / f"m_{step}_steps.zip").write_bytes(zip_of(step))
        for _ in range(4):
            daemon.tick({Message.SCAN_DUE})
            clock.advance(2.1)
        assert backend.running == 2

        run.store._connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON job BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
        )
        backend.work()
        daemon.tick(set())  # the result cannot be committed; the next try is a second away
        backend.work()
        daemon.tick(set())
        run.store._connection.execute("DROP TRIGGER full")
        for _ in range(3):
            clock.advance(1.1)
            daemon.tick(set())
        assert run.store.counts()[JobState.DONE] == 2


def test_an_output_folder_in_which_nothing_can_be_made_is_a_sentence(tmp_path: Path) -> None:
    config = Config.default(tmp_path)
    layout = RunLayout(config.runs[0].output)
    layout.asked.parent.mkdir(parents=True)
    layout.asked.write_text("in the way", encoding="utf-8")
    run = app.open_run(config, config.runs[0], clock=FakeClock(), backend=FakeBackend(), rom_sha256=Digest("0" * 64))
    with pytest.raises(SetupError, match=r"^the output folder .* cannot be used: File exists$"), run:
        pass


def test_a_database_that_cannot_be_read_stops_neither_the_loop_nor_the_other_run(tmp_path: Path) -> None:
    clock, backend = FakeClock(), FakeBackend()
    names = ("low", "high")
    sections = [{"name": name, "watch": f"{name}/checkpoints", "output": f"{name}/out"} for name in names]
    config = parse(json.dumps({"runs": sections}), source="config.yaml", folder=tmp_path)
    with ExitStack() as stack:
        low, high = (
            stack.enter_context(
                app.open_run(config, section, clock=clock, backend=backend, rom_sha256=Digest("0" * 64))
            )
            for section in config.runs
        )
        daemon = Daemon([low, high], backend=backend, clock=clock, notifier=Notifier())
        low.store._connection.execute("ALTER TABLE job RENAME TO lost")
        for section in config.runs:
            section.watch.mkdir(parents=True)
            (section.watch / "m_1_steps.zip").write_bytes(zip_of(1))
        for _ in range(4):
            daemon.tick({Message.SCAN_DUE})
            clock.advance(min(daemon.wait_seconds(), 2.1) + 1.0)
            if backend.running:
                backend.work()
        assert high.store.counts()[JobState.DONE] == 1


@pytest.mark.parametrize(
    "problem", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), sqlite3.OperationalError("database or disk is full")]
)
def test_what_the_machine_refuses_is_a_line_and_no_traceback(problem: Exception) -> None:
    def step() -> None:
        raise problem

    with capture_logs() as logs:
        Steps(FakeClock()).run("low publish", step)
    (told,) = logs
    assert (told["event"], told["log_level"], told["problem"]) == ("step.failed", "error", str(problem))
    assert not told["exc_info"]


def test_a_database_that_is_damaged_under_way_ends_the_daemon_which_replaces_it_at_its_next_start(
    tmp_path: Path,
) -> None:
    """Going on would try the same again for ever; the service manager starts it anew (exit 75)."""
    path = tmp_path / "x.db"
    path.write_bytes(b"no database" * 1000)

    def step() -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT * FROM job")

    with pytest.raises(StoreDamaged, match="start again") as caught:
        Steps(FakeClock()).run("low publish", step)
    assert caught.value.exit_code == 75


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    def step() -> None:
        raise KeyError("low")

    with capture_logs() as logs:
        Steps(FakeClock()).run("low publish", step)
    assert logs[0]["exc_info"]
