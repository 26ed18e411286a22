"""Files that appear whole or not at all.

A writer that dies leaves a temporary file with a leading dot beside the target, never half a file under its name.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

#: of `st_blocks`, whatever the disk's own blocks are
_BLOCK_BYTES: Final = 512


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


def remove_inside(folder: Path, name: PurePosixPath) -> None:
    """Delete a file below a folder, or an empty folder; a link on the way there is an error, and leads nowhere.

    Raises:
        OSError: there is a link on the way, or it cannot be deleted.
    """
    if name.is_absolute() or ".." in name.parts:
        raise NotADirectoryError(f"{name} does not lie below {folder}")
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in name.parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            os.close(above)
            above = below
        try:
            os.unlink(name.name, dir_fd=above)
        except IsADirectoryError:
            os.rmdir(name.name, dir_fd=above)
    finally:
        os.close(above)


def lies_inside(path: Path, base: Path) -> bool:
    """Whether a path really lies below `base`: neither it nor a folder between them is a link."""
    return path.resolve() == base.resolve() / path.relative_to(base)


def size_on_disk(state: os.stat_result) -> int:
    """Bytes that a file takes up."""
    return state.st_blocks * _BLOCK_BYTES


def files_below(folder: Path) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    """Every file below a folder by its relative path, links as what they are; what vanishes meanwhile is left out."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            with suppress(OSError):
                yield PurePosixPath(path.relative_to(folder)), path.lstat()
