"""A disk that is too small, in a mount namespace of its own: `tmpfs` over a folder, seen from here through /proc."""

import os
import subprocess
from pathlib import Path
from typing import Self

_MOUNT = 'mount -t tmpfs -o "$0" tmpfs "$1" && echo ready && exec sleep 3600'


class SmallDisk:
    """A context manager; programs run on it with `prefix` before their command."""

    def __init__(self, folder: Path, *, options: str) -> None:
        """`options` are of tmpfs: `size=256k,nr_inodes=8`."""
        self._folder = folder
        self._options = options
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Mount it.

        Raises:
            RuntimeError: this machine gives no such namespace; with what it says.
        """
        as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        self._folder.mkdir(parents=True, exist_ok=True)
        command = ["unshare", *as_root, "--mount", "sh", "-c", _MOUNT, self._options, str(self._folder)]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            raise RuntimeError(self._holder.communicate()[1].strip())
        return self

    def __exit__(self, *_: object) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()

    @property
    def seen(self) -> Path:
        """The folder with the disk in it, as this process reaches it."""
        return Path(f"/proc/{self._pid}/root{self._folder}")

    @property
    def prefix(self) -> tuple[str, ...]:
        as_root = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        return ("nsenter", "--target", str(self._pid), *as_root, "--mount", "--")

    def remount(self, options: str) -> None:
        """Change it while it is in use: `size=64m`, `ro`."""
        subprocess.run([*self.prefix, "mount", "-o", f"remount,{options}", str(self._folder)], check=True)

    @property
    def _pid(self) -> int:
        assert self._holder is not None
        return self._holder.pid
