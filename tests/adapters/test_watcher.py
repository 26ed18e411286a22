import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.zips import zip_of

from observer.adapters.checkpoint_folder import list_folder
from observer.adapters.watcher import Watcher


class Bell:
    def __init__(self) -> None:
        self._rung = threading.Event()
        self.times = 0

    def ring(self) -> None:
        self.times += 1
        self._rung.set()

    def is_heard(self) -> bool:
        heard = self._rung.wait(60.0)
        self._rung.clear()
        return heard

    def stays_quiet(self) -> bool:
        return not self._rung.wait(0.3)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def watcher(folder: Path, bell: Bell) -> Iterator[Watcher]:
    watcher = Watcher(folder, wake=bell.ring)
    yield watcher
    watcher.stop()


def test_a_new_file_wakes_the_daemon(folder: Path, watcher: Watcher, bell: Bell) -> None:
    folder.mkdir()
    watcher.start()
    (folder / "m.zip").write_bytes(zip_of(1))
    assert bell.is_heard()


def test_a_file_moved_into_the_folder_wakes_it(folder: Path, watcher: Watcher, bell: Bell, tmp_path: Path) -> None:
    folder.mkdir()
    (tmp_path / "m.zip").write_bytes(zip_of(1))
    watcher.start()
    (tmp_path / "m.zip").rename(folder / "m.zip")
    assert bell.is_heard()


def test_many_changes_wake_it_once_until_it_has_looked(folder: Path, watcher: Watcher, bell: Bell) -> None:
    folder.mkdir()
    watcher.start()
    for number in range(50):
        (folder / f"{number}.zip").write_bytes(b"x")
    assert bell.is_heard()
    assert bell.stays_quiet()
    assert bell.times == 1
    watcher.rearm()
    (folder / "another.zip").write_bytes(b"x")
    assert bell.is_heard()


def test_our_own_reading_does_not_wake_it(folder: Path, watcher: Watcher, bell: Bell) -> None:
    folder.mkdir()
    (folder / "m.zip").write_bytes(zip_of(1))
    watcher.start()
    list_folder(folder)
    (folder / "m.zip").read_bytes()
    assert bell.stays_quiet()


def test_a_folder_that_appears_later_is_watched_then(folder: Path, watcher: Watcher, bell: Bell) -> None:
    watcher.start()
    folder.mkdir()
    watcher.rearm()
    (folder / "m.zip").write_bytes(b"x")
    assert bell.is_heard()


def test_a_folder_that_was_made_anew_is_watched_again(
    folder: Path, watcher: Watcher, bell: Bell, tmp_path: Path
) -> None:
    folder.mkdir()
    watcher.start()
    folder.rename(tmp_path / "moved-away")
    folder.mkdir()
    watcher.rearm()
    (folder / "m.zip").write_bytes(b"x")
    assert bell.is_heard()


def test_a_link_to_a_folder_is_watched_where_it_leads(
    folder: Path, watcher: Watcher, bell: Bell, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    folder.symlink_to(tmp_path / "real")
    watcher.start()
    (folder / "m.zip").write_bytes(b"x")
    assert bell.is_heard()


def test_a_watcher_that_was_never_started_can_be_stopped(watcher: Watcher) -> None:
    watcher.stop()
