"""A real systemd as PID 1, in namespaces of its own, booted for a test: a context manager, for root.

Nothing of the machine is changed: its files lie below a layer in memory, and all else is new or read-only. Binds are the
exception: what is written there stays.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

SCRIPT = Path(__file__).with_suffix(".sh")
UNITS = Path("/usr/lib/systemd/system")
CGROUPS = Path("/sys/fs/cgroup")
PROGRAMS = ("unshare", "nsenter", "setpriv", "systemctl")
PAUSE_SECONDS = 0.02
BOOT_PAUSES = 1500
_TAIL = 2000
_TRIAL = 'mount -t tmpfs none "$PWD" && cd "$PWD" && mkdir u w r && mount -t overlay -o lowerdir=/,upperdir=u,workdir=w none r'

#: a boot without the machine's own services
OWN_UNITS = {
    "booted.target": "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n",
    "basic.target": "[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n",
    "sysinit.target": "[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service\nAfter=systemd-journald.service\n",
}
BORROWED_UNITS = (
    *("shutdown.target", "umount.target", "final.target", "local-fs.target", "time-sync.target", "multi-user.target"),
    *("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "sockets.target"),
    *("slices.target", "user.slice"),
)


def obstacle() -> str:
    """Why no systemd can be booted here; empty where one can, as far as one sees without trying."""
    if os.geteuid() != 0:
        return "only root can boot a systemd"
    if Path(__file__).is_relative_to("/tmp"):  # noqa: S108 -- it is asked about, not used
        return "this checkout lies below /tmp, where a booted systemd has a file system of its own"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    missing += [] if Path("/lib/systemd/systemd").exists() else ["systemd"]
    if missing:
        return f"not installed: {', '.join(missing)}"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--cgroup", "sh", "-ec", _TRIAL],
            cwd=folder,
            capture_output=True,
            check=False,
        )
    if tried.returncode:
        return f"no namespaces here: {tried.stderr.decode(errors='replace').strip()}"
    unified = CGROUPS / "unified" if (CGROUPS / "unified").is_dir() else CGROUPS
    return "" if os.access(unified, os.W_OK) and os.path.ismount(unified) else "no cgroups here"


class Booted:
    """Units and binds in, `ctl`, `show` and `run` to ask what became of them."""

    def __init__(
        self,
        folder: Path,
        units: Mapping[str, str],
        *,
        binds: Mapping[Path, Path] | None = None,
        has_limits: bool = False,
    ) -> None:
        """Nothing runs before `with`.

        Args:
            folder: an empty one, for the boot's own files.
            units: name (`x.service`, `x.service.d/y.conf`) to text; they stand above the machine's.
            binds: folder of the machine, to be written, to its place inside.
            has_limits: CPU, memory and tasks can be limited; on a machine with the old cgroups that takes a moment.
        """
        self._folder = folder
        self._units = {**OWN_UNITS, **units}
        self._binds = binds or {}
        self._has_limits = has_limits
        self._cgroups: dict[Path, Path] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = -1
        self._said: list[bytes] = []
        self.pid = 0

    def __enter__(self) -> Self:
        """Boot.

        Raises:
            RuntimeError: it does not come up; with all that it said.
        """
        self._write_units()
        sweep()
        for own in self._hierarchies():
            self._cgroups[own] = _private(own)
        try:
            self._start()
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Kill everything in it, and take the cgroups away."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, 9)  # our own grandchild, not reaped while its parent lives
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        for folder in self._cgroups.values():
            _remove(folder)

    @property
    def console(self) -> str:
        """What it said so far."""
        return b"".join(self._said).decode("utf-8", "replace").replace("\r\n", "\n")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command beside its services."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"}
        done = subprocess.run(
            [*enter, *command], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False
        )
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}\n{self.console[-_TAIL:]}"
            raise RuntimeError(f"{command} ended with {done.returncode}: {said}")
        return done

    def ctl(self, *words: str, check: bool = True) -> str:
        """`systemctl`."""
        return self.run("systemctl", "--no-pager", *words, check=check).stdout.strip()

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.ctl("show", "--value", "--property", name, unit)

    def journal(self, unit: str) -> str:
        """What a unit said."""
        return self.run("journalctl", "--no-pager", "--output", "cat", "--unit", unit, check=False).stdout

    def inside(self, path: str | Path) -> Path:
        """A file in there, as seen from here."""
        return Path(f"/proc/{self.pid}/root{path}")

    def outer_pid(self, inner: int) -> int:
        """The number by which this side knows one of its processes."""
        namespace = Path(f"/proc/{self.pid}/ns/pid").readlink()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                numbers = re.search(
                    r"^NSpid:\s.*?(\d+)$", (folder / "status").read_text(errors="replace"), re.MULTILINE
                )
                if numbers and int(numbers[1]) == inner and (folder / "ns" / "pid").readlink() == namespace:
                    return int(folder.name)
        raise ProcessLookupError(inner)

    def main_pid(self, unit: str) -> int:
        """The main process of a service, by this side's number."""
        return self.outer_pid(int(self.show(unit, "MainPID")))

    # -- the boot

    def _write_units(self) -> None:
        for name in ("units", "root", "layers"):
            (self._folder / name).mkdir()
        for name in BORROWED_UNITS:
            if (UNITS / name).exists():
                shutil.copyfile(UNITS / name, self._folder / "units" / name)
        for name, text in self._units.items():
            path = self._folder / "units" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _hierarchies(self) -> Iterator[Path]:
        """Of each hierarchy that it shall have, the folder that this process is in: our limits hold for it too."""
        unified = CGROUPS / "unified" if (CGROUPS / "unified").is_dir() else CGROUPS
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, names, path = line.split(":", 2)
            root = unified if not names else CGROUPS / names.removeprefix("name=")
            if not names or (self._has_limits and root.is_dir()):
                yield root / path.lstrip("/")

    def _controllers(self) -> Sequence[str]:
        if not self._has_limits or not (CGROUPS / "unified").is_dir():
            return ()
        names = [line.split()[0] for line in Path("/proc/cgroups").read_text(encoding="utf-8").splitlines()[1:]]
        return [name for name in names if (CGROUPS / name).is_dir()]

    def _start(self) -> None:
        self._terminal, inner = os.openpty()
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "FOLDER": str(self._folder),
            "CONSOLE": os.ttyname(inner),
            "OWN": " ".join(map(str, self._cgroups)),
            "PRIVATE": " ".join(map(str, self._cgroups.values())),
            "CONTROLLERS": " ".join(self._controllers()),
            "BINDS": "\n".join(f"{source}\t{target}" for source, target in self._binds.items()),
        }
        command = ["setpriv", "--pdeathsig", "KILL", str(SCRIPT), "prepare"]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while said := os.read(self._terminal, 1 << 16):
                self._said.append(said)

    def _wait(self) -> None:
        for _ in range(BOOT_PAUSES):
            if self._process is None or self._process.poll() is not None:
                break
            self.pid = self.pid or _only_child(self._process.pid)
            if self._is_up():
                return
            threading.Event().wait(PAUSE_SECONDS)
        raise RuntimeError(f"systemd does not come up:\n{self.console}")

    def _is_up(self) -> bool:
        if not self.pid or not self.inside("/run/systemd/private").exists():
            return False
        return self.ctl("is-active", "booted.target", check=False) == "active"


def sweep() -> None:
    """Take away the cgroups of tests that were killed."""
    for top in (CGROUPS, *CGROUPS.iterdir()):
        for folder in top.glob("**/booted-*") if top.is_dir() and top != CGROUPS else top.glob("booted-*"):
            owner = folder.name.split("-")[1]
            if owner.isdecimal() and not Path("/proc", owner).exists():
                _remove(folder)


def _private(own: Path) -> Path:
    folder = own / f"booted-{os.getpid()}-{os.urandom(4).hex()}"
    folder.mkdir()
    for name in ("cpuset.cpus", "cpuset.mems"):  # of version 1: without them it takes no process
        if (own / name).exists() and own.is_relative_to(CGROUPS / "cpuset"):
            (folder / name).write_text((own / name).read_text(encoding="ascii"), encoding="ascii")
    return folder


def _remove(folder: Path) -> None:
    for _ in range(100):
        for path, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):
                Path(path).rmdir()
        if not folder.exists():
            return
        threading.Event().wait(PAUSE_SECONDS)


def _only_child(pid: int) -> int:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(children[0]) if children else 0
