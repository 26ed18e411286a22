"""What this machine gives: file systems, events, ranks. Everything is tried where that is possible, and left as it was."""

import ctypes
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from observer.files import write_whole

#: elsewhere than on this machine: SQLite's locks and the kernel's events do not reach over them
_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "beegfs", "fuse.sshfs")
)
INOTIFY_LIMITS: Final = ("max_user_watches", "max_user_instances")
_CGROUPS: Final = Path("/proc/self/cgroup")
_WATCH_CHANGES: Final = 0x2


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def file_system(path: Path) -> str:
    """Such as `ext4` or `nfs4`: what the path, or the nearest folder above it that is there, lies on."""
    place = str(existing(path.absolute()).resolve())
    best, kind = "", "unknown"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        mounted, _, after = line.partition(" - ")
        point = mounted.split()[4].encode().decode("unicode_escape")
        if len(point) >= len(best) and (place == point or place.startswith(f"{point.rstrip('/')}/")):
            best, kind = point, after.split()[0]
    return kind


def is_on_network(path: Path) -> bool:
    return file_system(path) in _NETWORK


def try_folder(folder: Path) -> str:
    """Make, replace and link files in a folder, and keep a database there; what fails, or nothing."""
    try:
        with tempfile.TemporaryDirectory(prefix=".observer-doctor-", dir=folder) as name:
            place = Path(name)
            for content in ("one", "two"):
                write_whole(place / "file", content)
            with closing(sqlite3.connect(place / "database")) as database:
                (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
                database.execute("CREATE TABLE t(n)")
    except OSError as error:
        return error.strerror or str(error)
    except sqlite3.Error as error:
        return f"no database can be kept there ({error})"
    return "" if mode == "wal" else f"SQLite keeps its journal there as {mode}, not as wal"


def try_events(folder: Path) -> str:
    """Ask the kernel to tell of changes in a folder; what fails, or nothing."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        return os.strerror(ctypes.get_errno())
    try:
        watch = library.inotify_add_watch(descriptor, os.fsencode(folder), _WATCH_CHANGES)
        return os.strerror(ctypes.get_errno()) if watch < 0 else ""
    finally:
        os.close(descriptor)


def inotify_limit(name: str) -> str:
    """Such as of `max_user_watches`; `unknown` where the system does not say."""
    try:
        return Path("/proc/sys/fs/inotify", name).read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def sleeper() -> "subprocess.Popen[bytes]":
    """A process in a session of its own that waits until its input is closed."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def service_slice() -> str | None:
    """The topmost slice where this process runs as a service, such as `system.slice`; None: it does not."""
    try:
        lines = _CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for path in (line.split(":", 2)[2] for line in lines):
        parts = path.strip("/").split("/")
        if parts[-1].endswith(".service") and parts[0].endswith(".slice"):
            return parts[0]
    return None
