"""Where archives are put and found: a path on this machine, or an address that fsspec knows, such as `s3://bucket/folder`.

What is written appears whole or not at all, in either kind of place.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from observer.core.errors import ObserverError
from observer.files import sync_folder

SUFFIX: Final = ".tar.zst"


def is_address(place: str) -> bool:
    return "://" in place


def file_in(place: str, *, name: str) -> str:
    """The file that a place means: itself, or one of this name in it where it is a folder."""
    if place.endswith(SUFFIX):
        return place if is_address(place) else str(Path(place).absolute())
    return f"{place.rstrip('/')}/{name}" if is_address(place) else str(Path(place).absolute() / name)


@contextmanager
def writing(file: str) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block ends well.

    Raises:
        ObserverError: it is there already, or nothing can be written there.
    """
    with _said(file), _writing_there(file) if is_address(file) else _writing_here(Path(file)) as target:
        yield target


@contextmanager
def reading(file: str) -> Iterator[IO[bytes]]:
    """The bytes of a file.

    Raises:
        ObserverError: it cannot be read.
    """
    with _said(file):
        if not is_address(file):
            with Path(file).open("rb") as source:
                yield source
            return
        system, path = _system(file)
        with system.open(path, "rb") as source:
            yield source


def size_of(file: str) -> int:
    """Bytes.

    Raises:
        ObserverError: it is not there.
    """
    with _said(file):
        if not is_address(file):
            return Path(file).stat().st_size
        system, path = _system(file)
        return int(system.size(path))


@contextmanager
def _writing_here(path: Path) -> Iterator[IO[bytes]]:
    if path.exists():
        raise ObserverError(f"{path} is there already: check it with `observer archive --verify`, or name another")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w+b") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _writing_there(file: str) -> Iterator[IO[bytes]]:
    """By fsspec's transactions: an object of a store appears when its upload is completed, a file by its renaming."""
    system, path = _system(file)
    if system.exists(path):
        raise ObserverError(f"{file} is there already: check it with `observer archive --verify`, or name another")
    with suppress(NotImplementedError, FileExistsError):
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
    with system.transaction, system.open(path, "wb") as target:
        yield target
    system.invalidate_cache()


def _system(file: str) -> tuple[Any, str]:
    try:
        import fsspec  # noqa: PLC0415 -- an extra

        system, path = fsspec.core.url_to_fs(file)
    except ImportError as error:
        raise ObserverError(f"{file}: {error}; `pip install 'training-run-observer[archive]'` brings it") from error
    except ValueError as error:
        raise ObserverError(f"{file} is not an address that fsspec knows: {error}") from error
    return system, path


@contextmanager
def _said(file: str) -> Iterator[None]:
    """What a place refuses, in one sentence."""
    try:
        yield
    except OSError as error:
        raise ObserverError(f"{file}: {error.strerror or error}") from error
