"""`observer watch-live` as a person uses it, on a display without a monitor."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from fakes.command import Command
from fakes.jobs import descendants
from fakes.screen import Screen, screen

from env.stand_in import stand_in_rom

GOLDEN = stand_in_rom().parent / "games" / "clear.replay"


def _until(happened: Callable[[], bool], *, seconds: float = 60.0) -> None:
    for _ in range(int(seconds * 10)):
        if happened():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it did not happen in time")


def _windows(pid: int) -> list[int]:
    links = {process: Path(f"/proc/{process}/exe") for process in descendants(pid)}
    return [process for process, link in links.items() if link.exists() and link.readlink().name == "mednafen"]


def _shows_the_game(shown_on: Screen) -> bool:
    """The cyan of the bottle."""
    pixels = shown_on.pixels().astype(int)
    return bool(((pixels[..., 0] > 180) & (pixels[..., 1] > 180) & (pixels[..., 2] < 60)).sum() > 5000)


@pytest.mark.timeout(240)
def test_what_was_seen_until_the_window_was_closed_is_a_clip(tmp_path: Path) -> None:
    (tmp_path / "screen").mkdir()
    command = [sys.executable, "-m", "observer.cli", "watch-live", str(GOLDEN), "--record", "seen.mp4"]
    with (
        screen(tmp_path / "screen") as shown_on,
        subprocess.Popen(
            command, cwd=tmp_path, env=shown_on.environment, stdout=subprocess.PIPE, text=True
        ) as watching,
    ):
        _until(lambda: _shows_the_game(shown_on))
        for window in _windows(watching.pid):
            os.kill(window, signal.SIGTERM)  # it asks for an end, as the window's own button does
        said, _ = watching.communicate()
    assert watching.returncode == 0
    assert "close the window to end" in said
    assert "the window was closed" in said
    with av.open(str(tmp_path / "seen.mp4")) as file:
        frames = sum(packet.size > 0 for packet in file.demux(file.streams.video[0]))
    assert 0 < frames < 1874


def test_without_a_display_it_says_so_at_once(observer: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    said = observer("watch-live", GOLDEN)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("There is no display to open a window on")
