"""Plays: generators that say which pads come next and are told the RAM that came of them.

One driver serves a single emulator and many at once, so a game, a menu and a boot are each written as one
straight line, whoever runs it.
"""

from collections.abc import Generator, Iterable
from typing import TypeVar

from env.emulator import Emulator

Result = TypeVar("Result")

#: Yields pads (2 bytes a frame: pad 1, pad 2), is sent the 2,048 bytes of RAM after the last of those frames.
Play = Generator[bytes, bytes, Result]


def drive(emulator: Emulator, play: Play[Result]) -> Result:
    """Run one play to its end and return what it returns."""
    return drive_all([(emulator, play)])[0]


def drive_all(plays: Iterable[tuple[Emulator, Play[Result]]]) -> list[Result]:
    """Run plays side by side, one emulator each, with every emulator in flight while another is looked after.

    Where a play or its emulator fails, the others are closed where they stand and the error goes on; their emulators
    stay usable.

    Returns:
        What each play returned, in the order given.
    """
    running = dict(enumerate(plays))
    results: dict[int, Result] = {}

    def advance(index: int, *, begun: bool) -> None:
        emulator, play = running[index]
        try:
            emulator.send(play.send(emulator.read_ram()) if begun else next(play))
        except StopIteration as end:
            results[index] = end.value
            del running[index]

    try:
        for index in tuple(running):
            advance(index, begun=False)
        while running:
            for index in tuple(running):
                advance(index, begun=True)
    finally:
        for _, play in running.values():
            play.close()
    return [results[index] for index in sorted(results)]
