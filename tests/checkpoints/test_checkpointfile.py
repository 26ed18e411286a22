import os
from pathlib import Path

import pytest

from observer.checkpointfile import FileIdentity, read_file
from observer.core.errors import CheckpointError, Verdict


def refused(path: Path, *, limit_bytes: int = 1000) -> tuple[str, Verdict]:
    with pytest.raises(CheckpointError) as caught:
        read_file(path, limit_bytes=limit_bytes)
    assert str(path) in caught.value.sentence
    return caught.value.word, caught.value.verdict


def test_a_file_is_read_whole_with_what_it_was_read_from(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(b"abc")
    blob, identity = read_file(path)
    assert blob == b"abc"
    assert identity == FileIdentity.of(path.stat())
    path.write_bytes(b"abcd")
    assert read_file(path)[1] != identity


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"abc")
    (tmp_path / "latest.zip").symlink_to("model.zip")
    assert read_file(tmp_path / "latest.zip") == read_file(tmp_path / "model.zip")


def test_what_was_removed_is_dropped(tmp_path: Path) -> None:
    assert refused(tmp_path / "model.zip") == ("gone", Verdict.DROP)
    (tmp_path / "dangling.zip").symlink_to("model.zip")
    assert refused(tmp_path / "dangling.zip") == ("gone", Verdict.DROP)


def test_what_is_no_file_is_parked_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.zip")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "device.zip").symlink_to("/dev/zero")
    for name in ("fifo.zip", "folder.zip", "device.zip"):
        assert refused(tmp_path / name) == ("not_a_file", Verdict.PARK)


def test_links_in_a_circle_are_parked(tmp_path: Path) -> None:
    (tmp_path / "a.zip").symlink_to("b.zip")
    (tmp_path / "b.zip").symlink_to("a.zip")
    assert refused(tmp_path / "a.zip") == ("unreadable", Verdict.PARK)


def test_a_file_that_is_too_big_is_parked(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(bytes(1001))
    assert refused(path) == ("file_too_big", Verdict.PARK)
    path.write_bytes(bytes(1000))
    assert len(read_file(path, limit_bytes=1000)[0]) == 1000


def test_a_file_that_holds_more_than_it_said_is_changing() -> None:
    """A file of /proc says that it is empty and is not: to the reader it grew meanwhile."""
    assert refused(Path("/proc/self/status")) == ("changing", Verdict.WAIT)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_yet_waits(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(b"abc")
    path.chmod(0)
    assert refused(path) == ("permission", Verdict.WAIT)
