"""One reading of a checkpoint's file: whole, regular, and the same before and after.

Follows a link to a file; refuses what is no file, what is too big, and what changes under the reader.
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from observer.core.errors import CheckpointCorrupt, CheckpointError, CheckpointIncomplete, CheckpointVanished

DEFAULT_LIMIT_BYTES = 512 << 20

#: A fifo without a writer would block the opening, a terminal would become ours.
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """What changes when a file is written or replaced (a cache key; the identity of a checkpoint is its hash)."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The identity in a stat result."""
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            changed_ns=status.st_ctime_ns,
        )

    @property
    def key(self) -> str:
        """As the database keeps it."""
        return f"{self.device}:{self.inode}:{self.size}:{self.modified_ns}:{self.changed_ns}"


def appearance(identity: FileIdentity, companion: FileIdentity | None, environment: str) -> str:
    """What a file looked like and what it was to be played with: while that stays, there is nothing new about it."""
    beside = "" if companion is None else f"+{companion.key}"
    return f"{identity.key}{beside}/{environment}"


def read_file(path: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> tuple[bytes, FileIdentity]:
    """All bytes of a checkpoint and what they were read from.

    Raises:
        CheckpointVanished: gone.
        CheckpointIncomplete: permission, changing; look again later.
        CheckpointCorrupt: not_a_file, unreadable, file_too_big.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            before = os.fstat(file.fileno())
            check_kind_and_size(path, before, limit_bytes=limit_bytes)
            blob = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise refusal(path, error) from error
    identity = FileIdentity.of(before)
    if len(blob) != before.st_size or FileIdentity.of(after) != identity:
        raise CheckpointIncomplete("changing", f"{path} changed while it was read; it is still being written.")
    return blob, identity


def readable(name: str) -> str:
    """A name for people and the database: bytes that are no UTF-8 appear as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def check_kind_and_size(path: Path, status: os.stat_result, *, limit_bytes: int) -> None:
    """Nothing but a regular file of a sane size is read."""
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointCorrupt("not_a_file", f"{path} is not a regular file.")
    if status.st_size > limit_bytes:
        raise CheckpointCorrupt(
            "file_too_big", f"{path} has {status.st_size} bytes, more than the limit of {limit_bytes}."
        )


def refusal(path: Path, error: OSError) -> CheckpointError:
    """What an error of the file system means for the checkpoint; what may pass is looked at again."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ESTALE:
            return CheckpointVanished("gone", f"{path} is not there, or no longer.")
        case errno.EACCES | errno.EPERM:
            return CheckpointIncomplete("permission", f"{path} may not be read; give the observer's user the right to.")
        case errno.EISDIR | errno.ENXIO | errno.ENODEV:
            return CheckpointCorrupt("not_a_file", f"{path} is not a regular file.")
        case errno.ELOOP | errno.ENAMETOOLONG | errno.EINVAL:
            return CheckpointCorrupt("unreadable", f"{path} cannot be opened: {error.strerror}.")
    return CheckpointIncomplete("damaged", f"{path} cannot be read now: {error.strerror}.")


def _open(path: str, _flags: int) -> int:
    return os.open(path, OPEN_FLAGS)
