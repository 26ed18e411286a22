"""An archive read from its first byte to its last, and every file held against the manifest; nothing is unpacked."""

import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

import zstandard

from observer.adapters.archives.manifest import MANIFEST, Entry, entry_of, heading_of

_CHUNK_BYTES: Final = 1 << 20
#: more of them are counted, not listed
_MOST_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an archive was found to be."""

    run: str
    files: int
    size_bytes: int
    #: a sentence for each file that is not what the manifest says; none: the archive is sound
    problems: tuple[str, ...]


def check(source: IO[bytes], *, on_bytes: Callable[[int], None] = lambda _: None) -> Checked:
    """Read an archive to its end.

    Args:
        source: its bytes.
        on_bytes: called with how many were unpacked, for a progress bar.

    Raises:
        OSError: it cannot be read.
    """
    checking = _Checking(on_bytes)
    with tempfile.TemporaryFile() as found, zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                problems = tuple(checking.problems(archive, found))
        except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
            problems = (f"{checking.where}: it cannot be read on from there ({error})",)
    shown = problems[:_MOST_PROBLEMS]
    more = len(problems) - len(shown)
    return Checked(
        run=checking.run,
        files=checking.files,
        size_bytes=checking.size_bytes,
        problems=(*shown, f"and {more} more") if more else shown,
    )


class _Checking:
    """An archive being read."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self._on_bytes = on_bytes
        self.where = "its beginning"
        self.run = ""
        self.files = 0
        self.size_bytes = 0

    def problems(self, archive: tarfile.TarFile, found: IO[bytes]) -> Iterator[str]:
        """`found` takes what is there, until the manifest comes, which is last."""
        for member in archive:
            run, _, path = member.name.partition("/")
            self.where = path or member.name
            content = archive.extractfile(member)
            if content is None or not path:
                yield f"{self.where}: it is no file"
                continue
            if path == MANIFEST:
                yield from self._compare(content, found)
                return
            self.run = run
            found.write(self._entry(path, content).line())
        yield f"its end: it breaks off after {self.where}, without a manifest"

    def _entry(self, path: str, content: IO[bytes]) -> Entry:
        digest, size = hashlib.sha256(), 0
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            self._on_bytes(len(chunk))
        self.files += 1
        self.size_bytes += size
        return Entry(path=path, size_bytes=size, sha256=digest.hexdigest())

    def _compare(self, manifest: IO[bytes], found: IO[bytes]) -> Iterator[str]:
        """Both are in the order of the archive."""
        if heading_of(manifest.readline()) is None:
            yield f"{MANIFEST}: it is not one that this observer knows: use a newer one, or it is damaged"
            return
        found.seek(0)
        for line in found:
            there, told = entry_of(line), entry_of(manifest.readline())
            if there is None or told is None:
                yield f"{MANIFEST}: it is damaged"
                return
            if there != told:
                yield f"{there.path}: it is not the file that was archived"
        if manifest.readline():
            yield f"{MANIFEST}: it names files that are not there"
