"""Files that appear whole or not at all.

A writer that dies leaves a temporary file with a leading dot beside the target, never half a file under its name.
"""

import os
from contextlib import suppress
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (a rename is safe only after this)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes | str) -> None:
    """Replace `path` by `content`, durably and at once.

    Raises:
        OSError: the disk is full or the folder not writable; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_torn(folder: Path, *, older_than: float) -> None:
    """Delete what writers left in a folder that were killed; what is younger (Unix seconds) may still become whole."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if path.stat().st_mtime < older_than:
                path.unlink()


def append_line(path: Path, line: str) -> None:
    """Add one line durably; a line torn by a crash is one the readers of such files pass over."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
