"""A run's folder packed as a stream: sorted, with fixed owners and times, so that the same run gives the same bytes.

What is still being written beside us is read as long as it was when it was opened; what vanishes is left out.
"""

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

import zstandard

from observer.adapters.archives.manifest import MANIFEST, SCHEMA, Entry, Heading
from observer.core.errors import ObserverError
from observer.core.layout import RunLayout
from observer.files import files_below

#: 1980-01-01, the earliest that a zip can have: tar takes anything earlier for a mistake
_TIME: Final = 315532800
_CHUNK_BYTES: Final = 1 << 20
#: of what the program makes anew: locks, jobs, start states
_WORK_KEPT: Final = frozenset({"snapshots", "asked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What went into an archive."""

    files: int
    size_bytes: int
    #: folders of replays, relative to the run's folder
    replays: tuple[str, ...]


def members(layout: RunLayout, *, has_snapshots: bool) -> Iterator[PurePosixPath]:
    """The files of a run that an archive holds, relative to its folder, sorted; the database is `observer.db` alone."""
    found = (path for path, _ in files_below(layout.output) if _belongs(path, has_snapshots=has_snapshots))
    plain = (path for path in found if (layout.output / path).is_file() and not (layout.output / path).is_symlink())
    yield from sorted(plain, key=str)


def _belongs(path: PurePosixPath, *, has_snapshots: bool) -> bool:
    top, *below = path.parts
    if top == ".work":
        kept = _WORK_KEPT if has_snapshots else frozenset[str]()
        return bool(below) and below[0] in kept and path.suffix in {".zip", ".pkl"}
    if any(part.startswith(".") for part in path.parts):  # being written
        return False
    return top != "closed" and not (top.startswith("observer.db") and top != "observer.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is to be packed."""

    #: a daemon may work on it meanwhile
    layout: RunLayout
    #: the run's name, and that of the folder in the archive
    run: str
    #: version of the observer
    version: str
    #: a consistent copy, older than all evidence that lies there now; None: the run has none
    database: Path | None
    #: whether copies of checkpoints that are not evaluated yet go along
    has_snapshots: bool = True

    def sources(self) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
        """Each file, opened."""
        for path in members(self.layout, has_snapshots=self.has_snapshots):
            place = self.layout.output / path
            if place == self.layout.database:
                if self.database is None:
                    continue
                place = self.database
            with suppress(FileNotFoundError), open(place, "rb", opener=_open) as source:  # dropped meanwhile
                yield path, source


def pack(contents: Contents, target: IO[bytes], *, on_bytes: Callable[[int], None] = lambda _: None) -> Packed:
    """Write a run's archive to a stream.

    Args:
        contents: the run.
        target: takes the bytes in order; it is not closed.
        on_bytes: called with how many were read, for a progress bar.

    Raises:
        OSError: a file cannot be read, or the target not be written.
        ObserverError: a file was cut short while it was read.
    """
    with ExitStack() as open_:
        manifest = open_.enter_context(tempfile.TemporaryFile())
        manifest.write(Heading(schema=SCHEMA, run=contents.run, observer=contents.version).line())
        compressor = zstandard.ZstdCompressor(level=3)
        stream = open_.enter_context(compressor.stream_writer(target, closefd=False))
        archive = open_.enter_context(tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT))
        packing = _Packing(archive, manifest, folder=contents.run, on_bytes=on_bytes)
        for path, source in contents.sources():
            packing.add(path, source)
        packing.finish()
    return packing.packed


class _Packing:
    """An archive being written."""

    def __init__(
        self, archive: tarfile.TarFile, manifest: IO[bytes], *, folder: str, on_bytes: Callable[[int], None]
    ) -> None:
        self._archive = archive
        self._manifest = manifest
        self._folder = folder
        self._on_bytes = on_bytes
        self._files = 0
        self._bytes = 0
        self._replays: dict[str, None] = {}

    def add(self, path: PurePosixPath, source: IO[bytes]) -> None:
        size = os.fstat(source.fileno()).st_size
        reader = _Hashing(source, on_bytes=self._on_bytes)
        try:
            self._archive.addfile(_member(f"{self._folder}/{path}", size), reader)
        except OSError as error:
            if reader.count < size and not error.errno:  # tarfile's own, for a file that ended too soon
                raise ObserverError(f"{path} was cut short while it was read: call this again") from error
            raise
        self._manifest.write(Entry(path=str(path), size_bytes=size, sha256=reader.digest).line())
        self._files += 1
        self._bytes += size
        if path.parent.name == "replays":
            self._replays[str(path.parent)] = None

    def finish(self) -> None:
        size = self._manifest.tell()
        self._manifest.seek(0)
        self._archive.addfile(_member(f"{self._folder}/{MANIFEST}", size), self._manifest)

    @property
    def packed(self) -> Packed:
        return Packed(files=self._files, size_bytes=self._bytes, replays=tuple(self._replays))


class _Hashing:
    """A file as it is read."""

    def __init__(self, source: IO[bytes], *, on_bytes: Callable[[int], None]) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._on_bytes = on_bytes
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        self.count += len(data)
        self._on_bytes(len(data))
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _open(path: str, flags: int) -> int:
    """Never what a link leads to."""
    return os.open(path, flags | os.O_NOFOLLOW)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mtime = _TIME
    member.mode = 0o644
    return member
