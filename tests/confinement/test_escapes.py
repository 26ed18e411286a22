"""`trust: unpickle` runs what a checkpoint says: in a real worker, which then gets nowhere with it."""

import json
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes import attack, jobs
from fakes.checkpoints import with_pickle

from observer.adapters import confinement, jobfiles
from observer.core.layout import JobFiles
from observer.core.models import EvaluationResult

pytestmark = pytest.mark.timeout(300)

#: signals and abstract sockets came with the sixth version of Landlock
NEEDED_ABI = 6
NAMES = tuple(attack.attempts({"outside": "", "home": "", "trainer": 0}, Path()))
#: these cannot be done by anybody
IN_VAIN = {"call another machine"}


class Runs:
    """Python source that runs when it is unpickled."""

    def __init__(self, source: str, names: Mapping[str, Any]) -> None:
        self.source = source
        self.names = {"__name__": "pickled", **names}

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.source, self.names)


def set_up(folder: Path) -> dict[str, Any]:
    """A user's folders, as they are before an attack."""
    home, outside = folder / "home" / ".ssh", folder / "outside"
    home.mkdir(parents=True)
    outside.mkdir()
    for name in ("id_rsa", "authorized_keys", "to be cut", "to be removed", "to be renamed"):
        (home / name).write_text("secret", encoding="utf-8")
    program = folder / "program"
    program.write_text("#!/bin/sh\n", encoding="ascii")
    program.chmod(0o755)
    return {"home": str(home), "outside": str(outside), "shared": str(folder), "program": str(program)}


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Any]]:
    """A trainer, and servers that would take what is brought to them."""
    name = f"\0observer-test-{id(set_up)}"
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as trainer,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(name)
        abstract.listen()
        yield {"trainer": trainer.pid, "port": server.getsockname()[1], "abstract": name}
        assert trainer.poll() is None, "the trainer is dead"
        trainer.kill()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = str(tmp_path_factory.mktemp("run") / "manager")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        yield path


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory, others: dict[str, Any], manager: str) -> dict[str, str]:
    """What the attack comes to in a process of its own."""
    folder = tmp_path_factory.mktemp("free")
    targets = {**set_up(folder), **others, "socket": manager}
    report = folder / "report.json"
    done = subprocess.run([sys.executable, attack.__file__, str(report), json.dumps(targets)], check=True)
    assert done.returncode == 0
    found: dict[str, str] = json.loads(report.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, others: dict[str, Any], manager: str
) -> tuple[JobFiles, Path]:
    """A job whose checkpoint attacks, and the folder of what it attacked."""
    offered = confinement.support()
    if offered.abi < NEEDED_ABI:
        pytest.skip(offered.problem or f"this kernel's Landlock has version {offered.abi}, not {NEEDED_ABI}")
    folder = tmp_path_factory.mktemp("attacked")
    job_folder = folder / "job"
    targets = {**set_up(folder), **others, "socket": manager}
    names = {"report": str(job_folder / "report.json"), "targets": targets}
    source = Path(attack.__file__).read_text(encoding="utf-8")
    blob = with_pickle(checkpoint.read_bytes(), "a_key_that_sb3_does_not_know", pickle.dumps(Runs(source, names)))
    hostile = folder / "hostile.zip"
    hostile.write_bytes(blob)
    files = jobs.play(jobs.job(job_folder, hostile, jobs.plan_of(range(1)), trust="unpickle"))
    return files, folder


@pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_VAIN])
def test_without_a_worker_around_it_the_attack_succeeds(name: str, free: dict[str, str]) -> None:
    """Else the next test would prove nothing."""
    if free[name] == "refused: Operation not permitted":
        pytest.skip("this machine lets nobody do it")
    assert free[name] == "done"


@pytest.mark.parametrize("name", NAMES)
def test_code_from_a_checkpoint_cannot(name: str, attacked: tuple[JobFiles, Path]) -> None:
    files, _ = attacked
    came_of = json.loads((files.folder / "report.json").read_text(encoding="utf-8"))
    assert came_of[name].startswith("refused: "), came_of[name]


def test_nothing_of_the_users_has_changed_and_the_game_was_played(attacked: tuple[JobFiles, Path]) -> None:
    files, folder = attacked
    home = folder / "home" / ".ssh"
    assert {path.name: path.read_text(encoding="utf-8") for path in home.iterdir()} == dict.fromkeys(
        ("id_rsa", "authorized_keys", "to be cut", "to be removed", "to be renamed"), "secret"
    )
    assert list((folder / "outside").iterdir()) == []
    result = jobfiles.read(EvaluationResult, files.result)
    assert len(result.episodes) == 1
    assert result.provenance.confinement.startswith("landlock ")


def test_a_worker_leaves_nothing_temporary(attacked: tuple[JobFiles, Path]) -> None:
    files, _ = attacked
    assert not files.temporary.exists()
