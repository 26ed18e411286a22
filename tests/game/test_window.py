"""A game in a visible Mednafen window, on the screen of a real X server."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes.jobs import descendants
from fakes.screen import Screen, screen

from env import replay as replays
from env.emulator import Emulator
from env.errors import RomError, WindowError
from env.game import FRAMES_PER_SECOND
from env.replay import Replay
from env.stand_in import stand_in_rom
from env.window import Pace, Window, display

GAMES = stand_in_rom().parent / "games"
SCALE = 3
HURRY = Pace(FRAMES_PER_SECOND, now=lambda: 0.0, wait=lambda _: None)


@pytest.fixture(scope="module")
def shown_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    with screen(tmp_path_factory.mktemp("screen")) as one:
        yield one


@pytest.fixture(scope="module")
def game() -> Replay:
    return replays.read(GAMES / "clear.replay")


def _share_of_equal_pixels(on_screen: np.ndarray, shot: np.ndarray) -> float:
    """Within the upper part of the bottle, where the emulator writes nothing of its own; it finds the window's place."""
    picture = np.repeat(np.repeat(np.ascontiguousarray(shot[:140, :, ::-1]), SCALE, axis=0), SCALE, axis=1)
    match = cv2.matchTemplate(np.ascontiguousarray(on_screen), picture, cv2.TM_CCOEFF_NORMED)
    top, left = np.unravel_index(int(match.argmax()), match.shape)
    seen = on_screen[top : top + picture.shape[0], left : left + picture.shape[1]]
    bottle = slice(60 * SCALE, None), slice(100 * SCALE, 156 * SCALE)
    return float((np.abs(seen[bottle].astype(int) - picture[bottle]).max(axis=-1) < 9).mean())


def test_the_game_is_seen_on_the_screen_as_it_is_played(shown_on: Screen, game: Replay) -> None:
    with Emulator(stand_in_rom()) as emulator:
        replays.insert(game, emulator)
        emulator.step(game.inputs[: 2 * 600])
        then = emulator.screenshot()
        emulator.step(game.inputs[2 * 600 : 2 * 900])
        later = emulator.screenshot()
    seen = {}
    with Window(stand_in_rom(), environment=shown_on.environment, pace=HURRY) as window:
        for frame in window.show(game):
            if frame in {600, 601, 602, 603}:
                threading.Event().wait(0.2)  # what is drawn comes to the screen by a thread of its own
                seen[frame] = shown_on.pixels()
            if frame == 604:
                break
    assert max(_share_of_equal_pixels(pixels, then) for pixels in seen.values()) > 0.99
    assert max(_share_of_equal_pixels(pixels, later) for pixels in seen.values()) < 0.97


def test_a_game_is_shown_to_its_end_and_a_little_longer(shown_on: Screen) -> None:
    game = replays.read(GAMES / "two-players.replay")
    with Window(stand_in_rom(), environment=shown_on.environment, pace=HURRY) as window:
        assert list(window.show(game, frames_after=10)) == list(range(1, game.frames + 11))


def test_it_ends_when_the_window_is_closed(shown_on: Screen, game: Replay) -> None:
    with Window(stand_in_rom(), environment=shown_on.environment, pace=HURRY) as window:
        last = 0
        for frame in window.show(game):
            last = frame
            if frame == 50:
                for process in descendants(os.getpid()):
                    if "mednafen" in Path(f"/proc/{process}/exe").readlink().name:
                        os.kill(process, signal.SIGTERM)  # as the window's own button does, it asks for an end
    assert 50 <= last < game.frames


def test_frames_come_at_the_consoles_speed_and_a_halt_is_not_made_up_for() -> None:
    clock = [100.0]
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    pace = Pace(FRAMES_PER_SECOND, now=lambda: clock[0], wait=wait)
    for _ in range(61):
        pace.keep()
    assert sum(waits) == pytest.approx(float(60 / FRAMES_PER_SECOND))
    clock[0] += 3.0
    waits.clear()
    for _ in range(61):
        pace.keep()
    assert sum(waits) == pytest.approx(float(60 / FRAMES_PER_SECOND))


def test_without_a_display_one_sentence_says_what_to_do() -> None:
    with pytest.raises(WindowError, match="There is no display to open a window on"):
        display({"HOME": "/nowhere"})


def test_a_display_that_is_not_there_is_said() -> None:
    with (
        pytest.raises(WindowError, match="opens no window on the display"),
        Window(stand_in_rom(), environment={**os.environ, "DISPLAY": ":9999"}, pace=HURRY),
    ):
        pass


def test_the_game_of_another_cartridge_is_refused(shown_on: Screen, game: Replay) -> None:
    other = replace(game, rom_sha256="0" * 64)
    with (
        Window(stand_in_rom(), environment=shown_on.environment, pace=HURRY) as window,
        closing(window.show(other)) as frames,
        pytest.raises(RomError),
    ):
        next(frames)
