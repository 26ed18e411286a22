"""What can go wrong below the observer, one class per thing that a caller can do about it.

EnvError
├── RomError                    stop: the cartridge cannot be used
├── EmulatorError               the emulator is gone: start another one
│   ├── EmulatorMissing         stop: install it
│   ├── EmulatorDied            code, log_tail
│   ├── ProtocolError
│   └── FrameDeadline           seconds
├── BootError                   the game does not do what Dr. Mario does: another ROM, or another scenario
├── NotComparable               stop: nothing that is measured here means anything
├── StateError                  not a save state of this machine
└── ReplayError
    ├── ReplayDamaged           the file is not whole
    └── ReplayDiverged          frame, expected, actual, last_good_frame
"""


class EnvError(Exception):
    """Something below the observer failed; the message is one sentence for the operator."""


class RomError(EnvError):
    """The cartridge file cannot be used; the sentence names it."""


class WindowError(EnvError):
    """Nothing can be shown on a display; the sentence says what to do."""


class EmulatorError(EnvError):
    """The emulator cannot be used any more."""


class EmulatorMissing(EmulatorError):
    """A program that the emulator needs is not installed."""

    def __init__(self, program: str, package: str) -> None:
        """`program` was found neither on PATH nor in /usr/games; `package` is Debian's."""
        super().__init__(f"{program} is not installed: run `apt install {package}`.")
        self.program = program


class EmulatorDied(EmulatorError):
    """Mednafen ended, or left the connection, while it was needed."""

    def __init__(self, code: int | None, log_tail: str) -> None:
        """`code` is the exit code (negative: the signal), `log_tail` Mednafen's last output."""
        words = f" Its last words: {log_tail}" if log_tail else ""
        super().__init__(f"Mednafen ended with code {code}: start it again.{words}")
        self.code = code
        self.log_tail = log_tail


class ProtocolError(EmulatorError):
    """Mednafen said something that the netplay protocol does not have at this point."""


class FrameDeadline(EmulatorError):
    """Mednafen did not answer in time and was killed."""

    def __init__(self, seconds: float) -> None:
        """`seconds` without any answer."""
        super().__init__(f"Mednafen gave no answer for {seconds:g} seconds and was killed: start it again.")
        self.seconds = seconds


class BootError(EnvError):
    """The game did not do in its menus, or between its rounds, what Dr. Mario does."""


class NotComparable(EnvError):
    """Games do not come out as their seeds and inputs say."""


class StateError(EnvError):
    """The bytes are not a save state that the machine can load."""


class ReplayError(EnvError):
    """A replay cannot be used."""


class ReplayDamaged(ReplayError):
    """The replay file is not whole, or is not one."""


class ReplayDiverged(ReplayError):
    """Playing the inputs did not give the recorded game."""

    def __init__(self, *, frame: int, expected: str, actual: str, last_good_frame: int) -> None:
        """The RAM hashes differ at `frame`, and agreed at `last_good_frame`."""
        super().__init__(
            f"The replay diverges between frames {last_good_frame} and {frame}: "
            f"RAM hash {actual} where {expected} was recorded.",
        )
        self.frame = frame
        self.expected = expected
        self.actual = actual
        self.last_good_frame = last_good_frame
