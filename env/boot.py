"""Start states: from power-on to a seeded game, made once and kept.

A start state is a save state in which the first capsule can be steered. It depends on the ROM, the scenario and the
seed alone, so it is cached under those three.
"""

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from env.cartridge import Cartridge
from env.emulator import Emulator
from env.errors import StateError
from env.game import rng_state, seats
from env.menus import choose
from env.options import Scenario
from env.play import Play, drive
from env.rounds import intro
from env.savestate import canonical, with_ram


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
                drive(emulator, choose(scenario))
                self._menus[scenario] = emulator.save_state()

    def begin(self, emulator: Emulator, scenario: Scenario, *, seed: int) -> Play[bytes]:
        """Bring an emulator to the start of a seeded game: one load where it is cached, else the intro once.

        Returns:
            The start state, loaded.

        Raises:
            BootError: the game's menus or intro are not those of Dr. Mario.
        """
        state = self._cached(scenario, seed)
        if state is None or not _fits(emulator, state):
            self.prepare(scenario)
            emulator.load_state(with_ram(self._menus[scenario], rng_state(seed)))
            yield from intro(seats(scenario.player, has_rival=scenario.has_rival))
            state = canonical(emulator.save_state())
            self._keep(scenario, seed, state=state)
            emulator.load_state(state)
        return state

    def _name(self, scenario: Scenario, seed: int) -> str:
        return f"{self.cartridge.sha256[:16]}-{scenario.name}-{seed}.state"

    def _mark(self, scenario: Scenario, seed: int) -> bytes:
        """What the file begins with: a copy under another's name is no state of that game."""
        return f"{self.cartridge.sha256} {scenario.name} {seed}\n".encode()

    def _cached(self, scenario: Scenario, seed: int) -> bytes | None:
        for folder in (self._folder, *self._shared):
            if folder is not None:
                try:
                    content = zlib.decompress((folder / self._name(scenario, seed)).read_bytes())
                except (OSError, zlib.error):
                    continue  # a state that is missing or torn is made again, and so is one of another game
                if content.startswith(mark := self._mark(scenario, seed)):
                    return content[len(mark) :]
        return None

    def _keep(self, scenario: Scenario, seed: int, *, state: bytes) -> None:
        if self._folder is None:
            return
        target = self._folder / self._name(scenario, seed)
        temporary = self._folder / f".{target.name}.{os.getpid()}"
        # Where it cannot be kept, the next game with this seed is merely slower to begin.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(zlib.compress(self._mark(scenario, seed) + state))
            temporary.replace(target)


def _fits(emulator: Emulator, state: bytes) -> bool:
    """Load a kept state; whether it is one of this machine."""
    try:
        emulator.load_state(state)
    except StateError:
        return False
    return True
