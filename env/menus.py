"""From power-on to a game that was chosen: the menus are driven by what the RAM says, never by blind waiting.

Owns taps, waits and the way through title and options. Refuses to know emulators, states and seeds. Pure.
"""

from collections.abc import Callable, Generator
from typing import Final

from env.actions import Pads
from env.errors import BootError
from env.game import (
    DEMO,
    DEMO_PLAYS,
    LEVEL,
    MODE,
    MUSIC,
    MUSIC_OFF,
    OPTIONS_ROW,
    PLAYER_1,
    PLAYER_2,
    PLAYERS,
    SPEED,
    SPEEDS,
    VS_CPU,
    Mode,
    Player,
)
from env.options import Mode as GameMode
from env.options import Scenario
from env.wire import Pad

#: The game ignores buttons for a moment after its title appears.
TITLE_FRAMES: Final = 30
#: The console's original has been seen to lose the first START after power-on.
START_TRIES: Final = 5
#: A demo hears START when its capsules fall, and shows its viruses before.
DEMO_TRIES: Final = 20
#: The title offers at most three kinds of games.
SELECT_TRIES: Final = 5
BOOT_FRAMES: Final = 900
MENU_FRAMES: Final = 120
PRESS_FRAMES: Final = 60

Condition = Callable[[bytes], bool]


def wait_until(condition: Condition, *, frames: int) -> Generator[bytes, bytes, bytes | None]:
    """Press nothing until the RAM fulfils a condition; None where it never does."""
    for _ in range(frames):
        ram = yield bytes(2)
        if condition(ram):
            return ram
    return None


def tap(pads: bytes) -> Pads:
    """Press for one frame and let go for three: menus compare what is newly pressed for equality.

    Args:
        pads: of one frame.
    """
    yield pads
    return (yield bytes(6))


def press(pad: Pad) -> Pads:
    """Tap on pad 1."""
    return tap(PLAYER_1.pads(pad))


def choose(scenario: Scenario) -> Generator[bytes, bytes, None]:
    """From power-on to the first frame of level data, where the game's generator begins to be used.

    Raises:
        BootError: the menus are not those of Dr. Mario, or do not offer this scenario.
    """
    yield from _to_title()
    yield from _choose_mode(scenario.mode)
    yield from _to_options()
    players = (PLAYER_1, PLAYER_2) if scenario.has_rival else (PLAYER_1,)
    # against the computer its level and speed follow those of player 1
    pads = players if scenario.mode == "2p" else (PLAYER_1,)
    yield from _set(LEVEL, scenario.level, what="the level", shown=players, pads=pads)
    yield from _to_row(1)
    yield from _set(SPEED, SPEEDS[scenario.speed], what="the speed", shown=players, pads=pads)
    yield from _to_row(2)
    yield from _set(MUSIC, MUSIC_OFF, what="the music", shown=(PLAYER_1,), pads=(PLAYER_1,))
    yield PLAYER_1.pads(Pad.START)
    if (yield from wait_until(lambda ram: ram[MODE] == Mode.LEVEL_DATA, frames=MENU_FRAMES)) is None:
        raise BootError("START on the options screen does not begin a game; is this ROM Dr. Mario?")


def _to_title() -> Generator[bytes, bytes, None]:
    ram = yield from wait_until(lambda ram: _is_title(ram) or ram[DEMO] == DEMO_PLAYS, frames=BOOT_FRAMES)
    for _ in range(DEMO_TRIES):
        if ram is None or _is_title(ram):
            break
        yield from press(Pad.START)
        ram = (yield from wait_until(_is_title, frames=PRESS_FRAMES)) or (yield bytes(2))
    if ram is None or not _is_title(ram):
        raise BootError("the title screen did not appear after power-on; is this ROM Dr. Mario?")
    yield bytes(2 * TITLE_FRAMES)


def _is_title(ram: bytes) -> bool:
    return ram[MODE] == Mode.TITLE and ram[DEMO] == 0


def is_chosen(mode: GameMode, ram: bytes) -> bool:
    """Whether the title's choice is this kind of game."""
    if mode == "1p":
        return ram[PLAYERS] == 1
    return ram[PLAYERS] == PLAYER_2.number and (ram[VS_CPU] == 1) == (mode == "vs_cpu")


def _choose_mode(mode: GameMode) -> Generator[bytes, bytes, None]:
    ram = yield bytes(2)
    for _ in range(SELECT_TRIES):
        if is_chosen(mode, ram):
            return
        ram = yield from press(Pad.SELECT)
    if mode == "vs_cpu":
        raise BootError("Select on the title screen leads to no game against the computer; choose mode 1p or 2p")
    raise BootError(f"Select on the title screen does not lead to mode {mode}; is this ROM Dr. Mario?")


def _to_options() -> Generator[bytes, bytes, None]:
    for _ in range(START_TRIES):
        yield from press(Pad.START)
        ram = yield from wait_until(lambda ram: ram[MODE] == Mode.OPTIONS and ram[DEMO] == 0, frames=PRESS_FRAMES)
        if ram is not None:
            return
    raise BootError("START on the title screen does not lead to the options; is this ROM Dr. Mario?")


def _to_row(row: int) -> Generator[bytes, bytes, None]:
    ram = yield bytes(2)
    while ram[OPTIONS_ROW] < row:
        before = ram[OPTIONS_ROW]
        ram = yield from press(Pad.DOWN)
        if ram[OPTIONS_ROW] == before:
            raise BootError("Down does not move through the options; is this ROM Dr. Mario?")


def _set(
    address: int, value: int, *, what: str, shown: tuple[Player, ...], pads: tuple[Player, ...]
) -> Generator[bytes, bytes, None]:
    """Tap Left or Right on some pads until the RAM shows the value for all who play."""
    ram = yield bytes(2)
    for _ in range(MENU_FRAMES):
        if all(ram[player.at(address)] == value for player in shown):
            return
        towards = (_towards(value, ram[player.at(address)]) if player in pads else 0 for player in (PLAYER_1, PLAYER_2))
        ram = yield from tap(bytes(towards))
    raise BootError(f"the options screen does not let {what} be set to {value}; is this ROM Dr. Mario?")


def _towards(value: int, shown: int) -> Pad:
    return Pad(0) if shown == value else Pad.RIGHT if shown < value else Pad.LEFT
