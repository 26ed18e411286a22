"""Commands that ask the daemon for something, called while none runs: they say so, and the next daemon does it."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.command import Command
from fakes.evaluations import digest_of, make_plan
from fakes.zips import zip_of

from observer.adapters.lock import FolderLock
from observer.adapters.store import Store
from observer.core.asking import CommandKind, EvaluateNow, Retry
from observer.core.backlog import BacklogPolicy
from observer.core.models import Checkpoint, ParkedFile

DATABASE = Path("observations/observer.db")


def requests() -> list[tuple[CommandKind, Any]]:
    with Store(DATABASE, read_only=True) as store:
        return [(command.kind, command.argument) for command in store.requests.waiting()]


@pytest.fixture
def parked(observer: Command) -> None:
    """Step 1000 crashed, and a file could not be used."""
    found = Checkpoint(digest=digest_of("1"), step=1000, name="m_1000.zip", size=9, seen_at=1.0)
    with Store(DATABASE) as store:
        store.admit(found, [make_plan(episodes=3)], path="/a/m_1000.zip", seen_as="it")
        job = store.choose_and_claim(BacklogPolicy(), now=2.0)
        assert job is not None
        store.park_job(job, word="crashed", sentence="told to", now=3.0)
        store.park_file(ParkedFile(path="/a/x.zip", word="not_sb3", sentence="no", seen_at=1.0), seen_as="it")


def test_a_pause_is_left_for_the_next_daemon_even_where_none_ever_ran(observer: Command) -> None:
    said = observer("pause")
    assert said.code == 0
    assert said.out.startswith("baseline pauses: ")
    assert "no daemon runs: the next one does so when it starts" in said.out
    assert requests() == [(CommandKind.PAUSE, None)]
    told = json.loads(observer("status", "--json").out)
    assert (told["paused"], told["asked"]) == (None, ["pause"])
    assert "done when it runs: pause" in observer("status").out


def test_a_request_beside_a_daemon_names_it_and_rings(observer: Command) -> None:
    observer("pause")
    Path("observations/.work/asked").mkdir()
    with FolderLock(Path("observations/.work/daemon.lock")):
        said = observer("resume")
    assert "process" in said.out
    assert "does so now" in said.out
    assert Path("observations/.work/asked/bell").exists()
    assert [kind for kind, _ in requests()] == [CommandKind.PAUSE, CommandKind.RESUME]


def test_all_runs_are_paused_unless_one_is_named(observer: Command) -> None:
    config = "runs: [{name: low, watch: a, output: one}, {name: high, watch: b, output: two}]\n"
    Path("config.yaml").write_text(config, encoding="utf-8")
    assert [line.split()[0] for line in observer("pause").out.splitlines()] == ["low", "high"]
    assert [line.split()[0] for line in observer("resume", "--run", "high").out.splitlines()] == ["high"]
    assert observer("pause", "--run", "none").code == 1


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (("1000",), Retry(step=1000)),
        (("1,000",), Retry(step=1000)),
        (("x.zip",), Retry(name="x.zip")),
        (("--job", "1"), Retry(job=1)),  # type: ignore[arg-type]
        (("--all",), Retry(every="parked")),
    ],
)
def test_retry_says_what_is_tried_again(
    observer: Command, parked: None, words: tuple[str, ...], argument: Retry
) -> None:
    said = observer("retry", *words)
    assert said.code == 0, said.err
    assert ("step 1,000: evaluate, parked" in said.out) == (words != ("x.zip",))
    assert ("/a/x.zip: not_sb3" in said.out) == (words in {("x.zip",), ("--all",)})
    assert requests() == [(CommandKind.RETRY, argument)]


@pytest.mark.parametrize("words", [("7",), ("--skipped",), ("other.zip",)])
def test_retry_of_what_is_not_there_leaves_nothing(observer: Command, parked: None, words: tuple[str, ...]) -> None:
    said = observer("retry", *words)
    assert said.code == 1
    assert "nothing like that is parked or skipped" in said.err
    assert requests() == []


@pytest.mark.parametrize("words", [(), ("7", "--all"), ("--all", "--skipped")])
def test_retry_wants_one_thing(observer: Command, parked: None, words: tuple[str, ...]) -> None:
    assert observer("retry", *words).code == 2


def test_a_zip_is_left_for_the_daemon_with_what_lies_beside_it(observer: Command, tmp_path: Path) -> None:
    file = tmp_path / "m_5_steps.zip"
    file.write_bytes(zip_of(5))
    said = observer("evaluate", "--now", file)
    assert "plays step 5 (m_5_steps.zip) as soon as a worker is free" in said.out
    ((kind, wanted),) = requests()
    assert (kind, wanted.path, wanted.environment) == (CommandKind.EVALUATE, str(file), None)
    assert isinstance(wanted, EvaluateNow)
    assert (Path("observations/.work/asked") / f"{wanted.digest}.zip").read_bytes() == file.read_bytes()


def test_a_zip_that_cannot_be_used_is_refused_at_once(observer: Command, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"words")
    said = observer("evaluate", "--now", tmp_path / "x.zip")
    assert (said.code, said.out) == (75, "")
    assert said.err.startswith("not_a_zip: ")
    assert not DATABASE.exists()


def test_options_of_a_private_evaluation_do_not_go_with_now(observer: Command, tmp_path: Path) -> None:
    assert observer("evaluate", "--now", "x.zip", "--episodes", "3").code == 2
