"""Plays side by side, on a small cartridge of our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from env.emulator import Emulator
from env.play import Play, drive, drive_all

ECHO = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"


@pytest.fixture(scope="module")
def emulators() -> Iterator[list[Emulator]]:
    with Emulator(ECHO) as first, Emulator(ECHO) as second, Emulator(ECHO) as third:
        yield [first, second, third]


def press(pad: int, frames: int) -> Play[bytes]:
    """One frame at a time; returns the last RAM."""
    ram = b""
    for _ in range(frames):
        ram = yield bytes((pad, 0))
    return ram


def stumble(frames: int) -> Play[bytes]:
    yield from press(0, frames)
    raise LookupError("on the way")


def nothing() -> Play[str]:
    return "at once"
    yield b""


def test_a_play_is_sent_the_ram_after_each_chunk(emulators: list[Emulator]) -> None:
    ram = drive(emulators[0], press(1, 5))
    assert ram == emulators[0].read_ram()


def test_a_play_without_frames_returns_at_once(emulators: list[Emulator]) -> None:
    frames = emulators[0].frames
    assert drive(emulators[0], nothing()) == "at once"
    assert emulators[0].frames == frames


def test_plays_of_different_lengths_return_in_the_order_given(emulators: list[Emulator]) -> None:
    before = [one.frames for one in emulators]
    plays: list[Play[bytes]] = [press(0, 9), press(1, 2), press(2, 5)]
    results = drive_all(zip(emulators, plays, strict=True))
    assert results == [one.read_ram() for one in emulators]
    assert [one.frames - old for one, old in zip(emulators, before, strict=True)] == [9, 2, 5]


def test_side_by_side_is_the_same_as_one_after_another(emulators: list[Emulator]) -> None:
    states = [one.save_state() for one in emulators]
    together = drive_all((one, press(pad, 20)) for one, pad in zip(emulators, (1, 2, 4), strict=True))
    for one, state in zip(emulators, states, strict=True):
        one.load_state(state)
    alone = [drive(one, press(pad, 20)) for one, pad in zip(emulators, (1, 2, 4), strict=True)]
    assert together == alone


@pytest.mark.parametrize("frames", [0, 3])
def test_a_play_that_raises_leaves_the_other_emulators_usable(emulators: list[Emulator], frames: int) -> None:
    plays: list[Play[bytes]] = [press(1, 50), stumble(frames), press(2, 50)]
    with pytest.raises(LookupError, match="on the way"):
        drive_all(zip(emulators, plays, strict=True))
    for one in emulators:
        assert drive(one, press(0, 3)) == one.read_ram()


def test_a_play_that_raises_ends_the_others(emulators: list[Emulator]) -> None:
    ended: list[str] = []

    def watched(name: str) -> Play[bytes]:
        try:
            return (yield from press(1, 50))
        finally:
            ended.append(name)

    plays: list[Play[bytes]] = [watched("first"), stumble(3), watched("third")]
    with pytest.raises(LookupError):
        drive_all(zip(emulators, plays, strict=True))
    assert sorted(ended) == ["first", "third"]
