"""The worker's exit codes where it cannot do its work, each with a word and a sentence in failure.json."""

import os
import resource
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import jobs
from fakes.checkpoints import with_data, with_pickle

from env.cartridge import Cartridge
from env.options import EnvironmentOptions
from observer.adapters import jobfiles
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles
from observer.core.models import Digest, Failure
from observer.worker import work

ECHO_ROM = jobs.ROOT / "tests" / "data" / "rom" / "echo.nes"


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def failed(files: JobFiles) -> tuple[int, Failure]:
    code = work(files.folder)
    assert not files.result.exists()
    return code, jobfiles.read(Failure, files.failure)


def altered(checkpoint: Path, folder: Path, blob: bytes) -> Path:
    path = folder / checkpoint.name
    path.write_bytes(blob)
    return path


def test_a_hostile_pickle_is_refused_and_runs_nothing(checkpoint: Path, tmp_path: Path) -> None:
    import pickle

    marker = tmp_path / "it ran"
    zip_path = altered(
        checkpoint, tmp_path, with_pickle(checkpoint.read_bytes(), "policy_kwargs", pickle.dumps(Touch(marker)))
    )
    code, failure = failed(jobs.job(tmp_path / "job", zip_path, jobs.plan_of([0])))
    assert code == ExitCode.REFUSED
    assert failure.word in {"bad_pickle", "bad_policy_kwargs", "class_not_allowed"}
    assert not marker.exists()


def test_other_spaces_are_named_with_both_sides(checkpoint: Path, tmp_path: Path) -> None:
    pads = jobs.plan_of([0], environment=EnvironmentOptions())
    code, failure = failed(jobs.job(tmp_path / "job", checkpoint, pads))
    assert (code, failure.word) == (ExitCode.REFUSED, "space_mismatch")
    assert "Discrete(32)" in failure.sentence
    assert "environment.json" in failure.sentence  # where there is one, the configuration has no say
    assert "Discrete(6)" in failure.sentence


def test_an_unknown_class_is_refused_by_its_name(checkpoint: Path, tmp_path: Path) -> None:
    def rename(data: dict[str, object]) -> None:
        data["policy_class"] = {":type:": "<class 'abc.ABCMeta'>", "__module__": "mine", ":serialized:": ""}

    zip_path = altered(checkpoint, tmp_path, with_data(checkpoint.read_bytes(), rename))
    code, failure = failed(jobs.job(tmp_path / "job", zip_path, jobs.plan_of([0])))
    assert code == ExitCode.REFUSED
    assert failure.sentence


def test_a_truncated_zip_may_be_tried_again(checkpoint: Path, tmp_path: Path) -> None:
    zip_path = altered(checkpoint, tmp_path, checkpoint.read_bytes()[:-1000])
    code, failure = failed(jobs.job(tmp_path / "job", zip_path, jobs.plan_of([0])))
    assert code == ExitCode.TRY_AGAIN
    assert failure.word in {"truncated", "incomplete", "not_a_zip"}


@pytest.mark.parametrize("kind", ["missing", "text", "another game", "exchanged"])
def test_a_rom_that_cannot_be_used_is_a_matter_of_setup(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    rom = tmp_path / "game.nes"
    if kind == "text":
        rom.write_text("this is not a cartridge")
    elif kind != "missing":
        rom.write_bytes(ECHO_ROM.read_bytes())
    plan = jobs.plan_of([0])
    if kind == "another game":
        plan = replace(plan, rom_sha256=Digest(Cartridge.read(rom).sha256))
    code, failure = failed(jobs.job(tmp_path / "job", checkpoint, plan, rom=str(rom)))
    assert (code, failure.word) == (ExitCode.SETUP, "setup")
    assert str(rom) in failure.sentence
    assert ("is not Dr. Mario" in failure.sentence) is (kind == "another game")
    assert ("has changed" in failure.sentence) is (kind == "exchanged")


def test_without_a_folder_the_worker_says_how_it_is_used() -> None:
    done = subprocess.run(jobs.WORKER, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr == "usage: python -m observer.worker JOB_DIR\n"


def test_a_folder_without_a_request_fails(tmp_path: Path) -> None:
    assert work(tmp_path) == ExitCode.FAILED
    assert not (tmp_path / "result.json").exists()


def test_a_disk_without_room_is_the_fault_of_no_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    files = jobs.job(tmp_path / "job", checkpoint, jobs.plan_of([0]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        code = work(files.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == ExitCode.SETUP
    assert not files.result.exists()
