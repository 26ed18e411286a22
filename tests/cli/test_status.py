"""What status says, in words and as JSON, beside a daemon and without one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.command import Command
from fakes.json_schema import problems
from fakes.site import ROOT, Site

from observer.adapters import jobfiles
from observer.cli.sentences import duration, lines, size
from observer.core.daemonstate import Problem, TrainingSpeed
from observer.core.models import ParkedFile
from observer.core.standing import Disk, Lag, LastResult, RunningJob, Standing, Throughput

SCHEMA = json.loads((ROOT / "docs" / "reference" / "schemas" / "status.schema.json").read_text(encoding="utf-8"))
NOW = 1_800_000_000.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


LAST = LastResult(
    step=140_000,
    scenario="1p-level0-med",
    finished_at=NOW,
    directory="checkpoints/x",
    clips=3,
    wins=73,
    episodes=100,
    problem=None,
)


def full() -> Standing:
    return Standing(
        output="/out",
        daemon=17,
        started_at=NOW - 3 * 3600 - 300,
        paused=None,
        asked=(),
        ended=None,
        final=None,
        problems=(Problem(what="publish", sentence="No space left on device"),),
        queue={"waiting": 3, "running": 1, "done": 12, "parked": 0, "skipped": 2},
        renderings={"done": 12},
        running=(
            RunningJob(
                job=4,
                kind="evaluate",
                step=150_000,
                scenario="1p-level0-med",
                attempt=2,
                done=34,
                total=100,
                frames=9,
                seconds_left=170.0,
            ),
        ),
        parked=tuple(
            ParkedFile(path=f"/w/m{n}.zip", word="damaged", sentence="It is cut off.", seen_at=NOW) for n in range(12)
        ),
        evaluations=12,
        last_result=LAST,
        results=(LAST,),
        lag=Lag(
            newest_step=280_000,
            newest_seen_at=NOW - 60,
            evaluated_step=140_000,
            evaluated_seen_at=NOW - 60 - 720,
            steps=140_000,
            seconds=720.0,
        ),
        disk=Disk(
            free=76 * 2**30,
            clips=3 * 2**20,
            replays=2**20,
            results=5 * 2**20,
            database=2**10,
            report=0,
            snapshots=0,
            timelapse=0,
            training=0,
            closed=0,
            work=900,
            dropped=2**21,
        ),
        throughput=Throughput(games_per_hour=1200.0, frames_per_second=3400.4, evaluations=10),
        training=TrainingSpeed(evaluating=690.0, evaluating_points=9, idle=700.0, idle_points=7, slowdown=1.014),
    )


def test_everything_an_operator_asks_for_is_said() -> None:
    said = lines(full(), now=NOW)
    assert said == {
        "daemon": "process 17, for 3 h 5 min",
        "problems": "publish: No space left on device",
        "now": "step 150,000, 1p-level0-med: 34 of 100 games, about 3 min left (attempt 2)",
        "evaluations": "3 waiting, 1 running, 12 done, 2 skipped",
        "clips": "12 done",
        "behind training": "training was at step 280,000 60 s ago; evaluated up to 140,000: 140,000 steps and 12 min behind".replace(
            "60 s", "1 min"
        ),
        "last result": "step 140,000, 1p-level0-med: 73 of 100 games won\ncheckpoints/x\n2027-01-15T08:00:00.000Z",
        "speed": "1,200 games an hour, 3,400 frames a second (the last 10 results)",
        "training": "goes on\n690 steps/s while evaluating (9 stretches of its log), 700 steps/s while idle "
        "(7 stretches of its log): idle is 1.01 times as fast",
        "disk": "76.0 GiB free; clips 3.0 MiB, replays 1.0 MiB, results 5.0 MiB, database 1.0 KiB, work 900 bytes; "
        "dropped for want of room 2.0 MiB",
        "parked": "\n".join(
            [
                *(f"m{n}.zip: damaged: It is cut off." for n in range(2, 12)),
                "and 2 older ones: `observer status --json` lists them",
                "when it is put right: `observer retry FILE`, or `--all`; a file that changes is looked at by itself",
            ]
        ),
    }


def test_the_json_of_a_full_standing_fits_its_schema() -> None:
    assert problems(SCHEMA, jobfiles.as_written(full())) == []


def test_a_run_without_a_daemon_is_told_the_same_way(site: Site, observer: Command) -> None:
    site.drop(1000, 2000)
    (site.watch / "broken.zip").mkdir()
    site.finish()
    told = json.loads(observer("status", "-c", site.config, "--json").out)
    assert problems(SCHEMA, told) == []
    assert (told["daemon"], told["queue"]["done"], told["lag"]["steps"]) == (None, 2, 0)
    assert told["throughput"]["evaluations"] == 2
    assert told["disk"]["results"] > 0
    said = observer("status", "-c", site.config).out
    for words in (
        "not running",
        "2 done",
        "all is evaluated",
        "4 games won",
        "GiB free",
        "broken.zip",
        "observer retry",
    ):
        assert words in said, words


def test_a_daemon_that_plays_is_told_with_the_time_that_is_left(site: Site, observer: Command) -> None:
    site.configure(episodes=40)
    site.drop(1000)
    site.tell_workers(evaluate="dawdle")
    daemon = site.start()
    found = site.until(lambda found: any(job["done"] > 12 for job in found["running"]))
    assert found["running"][0]["seconds_left"] > 0
    assert (found["daemon"], found["lag"]["evaluated_step"]) == (daemon.pid, None)
    told = json.loads(observer("status", "-c", site.config, "--json").out)
    assert problems(SCHEMA, told) == []
    assert told["started_at"] is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("runs", [False, True])
def test_somebody_who_may_only_read_sees_it_too(site: Site, *, runs: bool) -> None:
    site.drop(1000)
    site.finish()
    if runs:
        daemon = site.start()
        site.until(lambda found: found["daemon"] == daemon.pid)
    script = (
        "import os, sys, pathlib\n"
        "from observer.stages.status import status\n"
        "from observer.core.layout import RunLayout\n"
        "os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)\n"
        "print(status(RunLayout(pathlib.Path('.')))['evaluations'])\n"
    )
    for folder in (site.layout.output, *site.layout.output.parents):
        if folder.stat().st_mode & 0o005 != 0o005:  # pytest's own, up to where everybody's files are
            folder.chmod(0o755)
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=site.layout.output, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.stdout, told.stderr) == ("1\n", "")


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (61.0, "1 min"), (11_100.0, "3 h 5 min"), (187_200.0, "2 days 4 h")]
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_read_well() -> None:
    assert [size(count) for count in (0, 1536, 3 * 2**20, 2**31)] == ["0 bytes", "1.5 KiB", "3.0 MiB", "2.0 GiB"]


def test_a_reference_player_that_plays_is_told_by_its_name() -> None:
    playing = RunningJob(
        job=5, kind="reference", step=0, scenario=f"{'ab' * 32}/random", attempt=1, done=3, total=10, frames=9, seconds_left=None
    )  # fmt: skip
    assert lines(replace(full(), running=(playing,)), now=NOW)["now"] == "random player, plan abababab: 3 of 10 games"
