"""From power-on to a seeded game: the menus are driven by what the RAM says, never by blind waiting.

A start state is a save state in which the first capsule can be steered. It depends on the ROM, the scenario and the
seed alone, so it is cached under those three.
"""

import os
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from env.actions import until_control
from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import EnvError, StateError
from env.game import DEMO, LEVEL, MODE, MUSIC, MUSIC_OFF, OPTIONS_ROW, PLAYERS, SPEED, SPEEDS, Mode, rng_state
from env.options import Scenario
from env.play import Play, drive
from env.savestate import canonical, with_ram
from env.savestate import ram as ram_of_state
from env.wire import Pad

#: The game ignores buttons for a moment after its title appears.
TITLE_FRAMES: Final = 30
#: The console's original has been seen to lose the first START after power-on.
START_TRIES: Final = 5
BOOT_FRAMES: Final = 900
MENU_FRAMES: Final = 120
#: An intro shows one virus a frame and then waits two seconds; 84 viruses with retries stay well below this.
INTRO_FRAMES: Final = 1_500

Condition = Callable[[bytes], bool]
Until = Generator[bytes, bytes, bytes]


class BootError(EnvError):
    """The game did not do in its menus what Dr. Mario does."""


def _wait(condition: Condition, *, frames: int) -> Generator[bytes, bytes, bytes | None]:
    """Press nothing until the RAM fulfils a condition; None where it never does."""
    for _ in range(frames):
        ram = yield bytes(2)
        if condition(ram):
            return ram
    return None


def _tap(pad: Pad) -> Until:
    """Press for one frame and let go for three: menus compare what is newly pressed for equality."""
    yield bytes((pad, 0))
    return (yield bytes(6))


def _choose(address: int, value: int, *, what: str) -> Play[None]:
    """Tap Left or Right until the RAM shows the value."""
    ram = yield bytes(2)
    for _ in range(MENU_FRAMES):
        if ram[address] == value:
            return
        ram = yield from _tap(Pad.RIGHT if ram[address] < value else Pad.LEFT)
    raise BootError(f"the options screen does not let {what} be set to {value}; is this ROM Dr. Mario?")


def _to_title() -> Play[None]:
    shown = yield from _wait(lambda ram: ram[MODE] == Mode.TITLE and ram[DEMO] == 0, frames=BOOT_FRAMES)
    if shown is None:
        raise BootError("the title screen did not appear after power-on; is this ROM Dr. Mario?")
    yield bytes(2 * TITLE_FRAMES)


def _to_options() -> Play[None]:
    ram = yield bytes(2)
    if ram[PLAYERS] != 1:
        yield from _tap(Pad.UP)
    for _ in range(START_TRIES):
        yield from _tap(Pad.START)
        if (yield from _wait(lambda ram: ram[MODE] == Mode.OPTIONS, frames=60)) is not None:
            return
    raise BootError("START on the title screen does not lead to the options; is this ROM Dr. Mario?")


def _to_row(row: int) -> Play[None]:
    ram = yield bytes(2)
    while ram[OPTIONS_ROW] < row:
        before = ram[OPTIONS_ROW]
        ram = yield from _tap(Pad.DOWN)
        if ram[OPTIONS_ROW] == before:
            raise BootError("Down does not move through the options; is this ROM Dr. Mario?")


def _menus(scenario: Scenario) -> Play[None]:
    """From power-on to the first frame of level data, where the game's generator begins to be used."""
    yield from _to_title()
    yield from _to_options()
    yield from _choose(LEVEL, scenario.level, what="the level")
    yield from _to_row(1)
    yield from _choose(SPEED, SPEEDS[scenario.speed], what="the speed")
    yield from _to_row(2)
    yield from _choose(MUSIC, MUSIC_OFF, what="the music")
    yield bytes((Pad.START, 0))
    if (yield from _wait(lambda ram: ram[MODE] == Mode.LEVEL_DATA, frames=MENU_FRAMES)) is None:
        raise BootError("START on the options screen does not begin a game; is this ROM Dr. Mario?")


def _intro() -> Play[None]:
    ram = yield from _wait(lambda ram: ram[MODE] == Mode.PLAY, frames=INTRO_FRAMES)
    if ram is None:
        raise BootError(f"the level did not begin within {INTRO_FRAMES} frames; is this ROM Dr. Mario?")
    yield from until_control(ram)


class StartStates:
    """The start states of one cartridge, made on demand and kept in files.

    Args:
        cartridge: the game.
        folder: where new ones are kept; None keeps none.
        shared: further folders that are only read.
    """

    def __init__(self, cartridge: Cartridge, *, folder: Path | None = None, shared: Sequence[Path] = ()) -> None:
        self.cartridge = cartridge
        self._folder = folder
        self._shared = shared
        self._menus: dict[Scenario, bytes] = {}

    def prepare(self, scenario: Scenario) -> None:
        """Pass the menus once, in an emulator of its own: only a fresh power-on is always the same one."""
        if scenario not in self._menus:
            with Emulator(self.cartridge.path) as emulator:
                drive(emulator, _menus(scenario))
                self._menus[scenario] = emulator.save_state()

    def begin(self, emulator: Emulator, scenario: Scenario, *, seed: int) -> Play[bytes]:
        """Bring an emulator to the start of a seeded game: one load where it is cached, else the intro once.

        Returns:
            The start state, loaded.

        Raises:
            BootError: the game's menus or intro are not those of Dr. Mario.
        """
        state = self._cached(scenario, seed)
        if state is None:
            self.prepare(scenario)
            emulator.load_state(with_ram(self._menus[scenario], rng_state(seed)))
            yield from _intro()
            state = canonical(emulator.save_state())
            self._keep(scenario, seed, state=state)
        emulator.load_state(state)
        return state

    def _name(self, scenario: Scenario, seed: int) -> str:
        return f"{self.cartridge.sha256[:16]}-{scenario.name}-{seed}.state"

    def _cached(self, scenario: Scenario, seed: int) -> bytes | None:
        for folder in (self._folder, *self._shared):
            if folder is not None:
                try:
                    state = zlib.decompress((folder / self._name(scenario, seed)).read_bytes())
                    ram_of_state(state)
                except (OSError, zlib.error, StateError):
                    continue  # a state that is missing or torn is made again
                return state
        return None

    def _keep(self, scenario: Scenario, seed: int, *, state: bytes) -> None:
        if self._folder is None:
            return
        target = self._folder / self._name(scenario, seed)
        temporary = self._folder / f".{target.name}.{os.getpid()}"
        # Where it cannot be kept, the next game with this seed is merely slower to begin.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(zlib.compress(state))
            temporary.replace(target)
