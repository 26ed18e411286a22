"""A replay in a visible Mednafen window, at the console's own speed.

Owns the display and the pace. Every frame is sent alone and unprimed, so that Mednafen draws it, and when its time has
come: where there is no sound to wait for, Mednafen itself does not.
"""

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from env import wire
from env.cartridge import Cartridge
from env.connection import Connection
from env.emulator import load_message
from env.errors import EmulatorDied, EmulatorError, WindowError
from env.process import MednafenProcess
from env.replay import Replay
from env.wire import PAD_BYTES, Command

#: Somebody may look at a menu of the emulator meanwhile.
_PATIENCE_SECONDS = 600.0
#: Later than this, nothing is made up for: somebody halted the machine.
_LATE_SECONDS = 0.5
#: What a program needs to find a display, the right to use it, and sound.
_KEPT = ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "PULSE_SERVER", "SDL_AUDIODRIVER")


def display(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What leads from a process with this environment to its display.

    Raises:
        WindowError: it has none.
    """
    driver = "x11" if environment.get("DISPLAY") else "wayland" if environment.get("WAYLAND_DISPLAY") else ""
    if not driver:
        raise WindowError(
            "There is no display to open a window on (DISPLAY is not set): run this in a graphical session, or make a "
            "clip with `observer render`."
        )
    kept = {name: environment[name] for name in _KEPT if name in environment}
    # Without it the user's own file of X rights is looked for in the emulator's private home.
    kept.setdefault("XAUTHORITY", str(Path(environment.get("HOME", "/")) / ".Xauthority"))
    return {**kept, "SDL_VIDEODRIVER": driver, "SDL_FRAMEBUFFER_ACCELERATION": "0"}


class Pace:
    """So many frames a second, kept by waiting."""

    def __init__(
        self,
        frames_per_second: Fraction,
        *,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._frame_seconds = float(1 / frames_per_second)
        self._now = now
        self._wait = wait or threading.Event().wait
        self._due = 0.0

    def keep(self) -> None:
        """Return when the next frame is due."""
        self._due += self._frame_seconds
        late = self._now() - self._due
        if late > _LATE_SECONDS:
            self._due = self._now()
        elif late < 0:
            self._wait(-late)


class Window:
    """A context manager around one visible emulator."""

    def __init__(self, rom: Path, *, pace: Pace, environment: Mapping[str, str] | None = None) -> None:
        """`environment` tells of the display; without it the process's own."""
        self._rom = rom
        self._pace = pace
        self._environment = os.environ if environment is None else environment
        self._connection = Connection(_PATIENCE_SECONDS)
        self._process: MednafenProcess | None = None

    def __enter__(self) -> Self:
        """Open the window.

        Raises:
            WindowError: there is no display, or it cannot be used.
            RomError: the file is no cartridge.
            EmulatorMissing: Mednafen is not installed.
        """
        cartridge = Cartridge.read(self._rom)
        shown = display(self._environment)
        port = self._connection.listen()
        self._process = MednafenProcess(cartridge.data, port=port, display=shown)
        self._process.launch()
        try:
            self._connection.accept(self._process.pid)
        except EmulatorError as error:
            reason = self._process.log_tail().rpartition(" / ")[2]
            self.__exit__(None, None, None)
            raise WindowError(f"Mednafen opens no window on the display: {reason or error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._process is not None:
            self._process.kill()
            self._process.remove_home()
        self._connection.close()

    def show(self, replay: Replay, *, frames_after: int = 0) -> Generator[int]:
        """Play it, and the machine on for some frames without a button pressed; yields the frames shown so far.

        Ends early where the window is closed.

        Raises:
            RomError: it was played on another cartridge.
            EmulatorError: the emulator broke.
        """
        Cartridge.read(self._rom).require(replay.rom_sha256)
        pads = replay.inputs + bytes(frames_after * PAD_BYTES)
        try:
            items = load_message(replay.start_state) + wire.message(Command.INTEGRITY)
            self._connection.request(wire.primed(items), Command.INTEGRITY_RESULT)
            for frame in range(len(pads) // PAD_BYTES):
                self._connection.send(wire.unprimed(wire.frames(pads[frame * PAD_BYTES : (frame + 1) * PAD_BYTES])))
                self._connection.acknowledgements(1)
                self._connection.send(wire.PRIME)
                self._pace.keep()
                yield frame + 1
        except EmulatorDied:
            return
