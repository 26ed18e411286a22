"""One Mednafen process: its private home, its command line, its end.

Owns launching, the log and killing. Refuses to talk to it: that is the emulator's. The process dies with the *thread*
that launched it (PR_SET_PDEATHSIG follows threads): launch from one that lives as long as the emulator is needed.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from env.errors import EmulatorMissing

_SETTINGS = (
    *("-netplay.host", "127.0.0.1", "-video.driver", "softfb", "-video.fs", "0", "-video.frameskip", "0"),
    *("-nes.xscale", "1", "-nes.yscale", "1", "-nes.stretch", "0", "-autosave", "0", "-cheats", "0"),
    *("-nothrottle", "0", "-nes.input.port1", "gamepad", "-nes.input.port2", "gamepad"),
)
_SILENT = ("-sound", "0")
_UNSEEN = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
#: The last of a setting that is given twice counts.
_IN_A_WINDOW = ("-nes.xscale", "3", "-nes.yscale", "3", "-sound", "1")
_LOG_TAIL_BYTES = 600
_LAST_BREATH_SECONDS = 0.5
_HOME_PREFIX = "mednafen-"
_LOCK = "owner.lock"
#: A parent that died before the leash was on pulls it no more.
_ONLY_UNDER_ITS_PARENT = 'test "$PPID" = "$0" && exec "$@"'
#: A home this much older than a new one has had the time to be locked.
_ABANDONED_SECONDS = 60


def find_program(name: str, *, package: str) -> str:
    """Its path; Debian keeps games in /usr/games, which root's and systemd's PATH lack.

    Raises:
        EmulatorMissing: it is not installed.
    """
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/games"))
    found = shutil.which(name, path=path)
    if found is None:
        raise EmulatorMissing(name, package)
    return found


def leashed(command: Sequence[str]) -> list[str]:
    """The command so that it ends with the thread that starts it, whenever that ends.

    Raises:
        EmulatorMissing: setpriv is not installed.
    """
    setpriv = find_program("setpriv", package="util-linux")
    check = ("/bin/sh", "-c", _ONLY_UNDER_ITS_PARENT, str(os.getpid()))
    return [setpriv, "--pdeathsig", "KILL", *check, *command]


def mednafen_version() -> str:
    """Such as `mednafen 1.29.0`, as the program itself says it.

    Raises:
        EmulatorMissing: it is not installed.
    """
    program = find_program("mednafen", package="mednafen")
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": home, "MEDNAFEN_HOME": home}
        said = subprocess.run((program, "-help"), env=environment, capture_output=True, check=False, timeout=20)
    words = said.stdout.decode("utf-8", "replace").split()
    return f"mednafen {words[2]}" if words[:2] == ["Starting", "Mednafen"] else "mednafen of unknown version"


def recording_settings(video: Path) -> tuple[str, ...]:
    """Every frame and 48 kHz PCM sound into `video`, whatever is skipped on the way."""
    return (
        *("-qtrecord", str(video), "-qtrecord.vcodec", "cscd"),
        *("-qtrecord.w_double_threshold", "0", "-qtrecord.h_double_threshold", "0"),
        *("-sound", "1", "-sound.driver", "dummy", "-sound.rate", "48000"),
    )


class MednafenProcess:
    """A launched Mednafen in a fresh home of its own: it locks its home and keeps settings and battery RAM there."""

    def __init__(
        self, rom: bytes, *, port: int, recording: Path | None = None, display: Mapping[str, str] | None = None
    ) -> None:
        """`rom` is the whole file, `port` the netplay server's on loopback.

        With a `display`, the environment variables that lead to it, there is a window, with sound where that is possible.
        """
        self._rom = rom
        self._port = port
        self._recording = recording
        self._display = display
        self._home: Path | None = None
        self._lock = -1
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it.

        Raises:
            EmulatorMissing: it, or setpriv, is not installed.
        """
        mednafen = find_program("mednafen", package="mednafen")
        self._home = Path(tempfile.mkdtemp(prefix=_HOME_PREFIX))
        self._lock = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        _remove_abandoned_homes(self._home)
        # A copy, so that no patch beside the user's file is applied and what was hashed is what runs.
        game = self._home / "game.nes"
        game.write_bytes(self._rom)
        command = leashed([mednafen, "-connect", *self._settings(), str(game)])
        self._process = self._spawn(command, home=self._home)

    @property
    def pid(self) -> int:
        """Its process id; 0 before the launch."""
        return 0 if self._process is None else self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def pin(self, cpu: int) -> None:
        """Every thread that it has now onto one core."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {cpu})

    def log_tail(self) -> str:
        """The end of what it printed, on one line."""
        if self._home is None:
            return ""
        tail = (self._home / "log.txt").read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
        return " / ".join(line.strip() for line in tail.splitlines() if line.strip())

    def reap(self) -> int | None:
        """The exit code of a process that left by itself; killed when it did not end after all."""
        return self._end(None, patience_seconds=_LAST_BREATH_SECONDS)

    def kill(self) -> None:
        """End it now; nothing that it was writing becomes whole."""
        self._end(signal.SIGKILL, patience_seconds=_LAST_BREATH_SECONDS)

    def finish(self, deadline_seconds: float) -> int | None:
        """Ask it to close its files and end; killed after the deadline. Returns the exit code."""
        return self._end(signal.SIGTERM, patience_seconds=deadline_seconds)

    def remove_home(self) -> None:
        """Delete the private home, log included."""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _settings(self) -> Sequence[str]:
        sound = _SILENT if self._recording is None else recording_settings(self._recording)
        return (*_SETTINGS, "-netplay.port", str(self._port), *(sound if self._display is None else _IN_A_WINDOW))

    def _spawn(self, command: Sequence[str], *, home: Path) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(home), "MEDNAFEN_HOME": str(home)}
        environment |= _UNSEEN if self._display is None else self._display
        with (home / "log.txt").open("wb") as log:
            # In a group of its own: a Ctrl-C at the terminal is for the one that drives it.
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )

    def _end(self, how: signal.Signals | None, *, patience_seconds: float) -> int | None:
        process = self._process
        if process is None:
            return None
        if how is not None:
            process.send_signal(how)
        try:
            return process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _remove_abandoned_homes(home: Path) -> None:
    """A driver that is killed takes its emulator along, but leaves the home: the next one clears it away."""
    for other in home.parent.glob(f"{_HOME_PREFIX}*"):
        try:
            if home.stat().st_mtime - other.stat().st_mtime > _ABANDONED_SECONDS:
                _remove_unlocked(other)
        except OSError:
            continue


def _remove_unlocked(home: Path) -> None:
    lock = os.open(home / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(home, ignore_errors=True)
    finally:
        os.close(lock)
