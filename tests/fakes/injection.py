"""Failures of system calls, or a signal at one, in a real process: strace holds on to it and meddles with the calls."""

import functools
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

#: what makes a change on disk, by how it can fail: for want of room, or because the disk is going
TAKING_ROOM = "write,pwrite64,rename,renameat,renameat2,link,linkat,mkdir,mkdirat"
SETTLING = "fsync,fdatasync,ftruncate,unlink,unlinkat,rmdir"
CHANGES = f"{TAKING_ROOM},{SETTLING}"


@functools.cache
def obstacle() -> str:
    """Why nothing can be injected here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as victim:
        try:
            with Injection(victim.pid, "fsync:error=EIO"):
                return ""
        except RuntimeError as error:
            return f"no process may be traced here: {error}"
        finally:
            victim.kill()


def under(rules: Sequence[str], *, log: Path) -> list[str]:
    """The words before a command that runs from its start with such rules: `fsync,write:error=ENOSPC:when=3`."""
    calls = ",".join(rule.partition(":")[0] for rule in rules)
    meddling = [word for rule in rules for word in ("-e", f"inject={rule}")]
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", *meddling]


class Injection:
    """Rules for a process that runs, with all its threads and children; a context manager that lets go of it."""

    def __init__(self, pid: int, *rules: str, log: Path = Path(os.devnull)) -> None:
        """`log` is given every call that the rules are about, and what became of it."""
        self._pid = pid
        self._command = [*under(rules, log=log), "-p", str(pid)]
        self._tracer: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Hold on to it.

        Raises:
            RuntimeError: that is not possible; with what strace says.
        """
        tracer = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        while not self._is_held():
            if tracer.poll() is not None:
                raise RuntimeError(tracer.communicate()[1].strip())
            threading.Event().wait(0.005)
        self._tracer = tracer
        return self

    def __exit__(self, *_: object) -> None:
        if self._tracer is not None:
            self._tracer.send_signal(signal.SIGTERM)
            self._tracer.communicate()

    def _is_held(self) -> bool:
        threads = list(Path(f"/proc/{self._pid}/task").glob("*/status"))
        return bool(threads) and all(
            "TracerPid:\t0\n" not in thread.read_text(encoding="utf-8", errors="replace") for thread in threads
        )
