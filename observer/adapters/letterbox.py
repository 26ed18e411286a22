"""Where commands leave what the daemon is to look at: zips under their hash, and a bell that wakes it.

The requests themselves are in the database; what lies here without one is litter.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from observer.core.layout import RunLayout
from observer.core.models import Digest
from observer.files import write_whole

_BELL: Final = "bell"


class Letterbox:
    """The folder `.work/asked` of a run."""

    def __init__(self, layout: RunLayout) -> None:
        self._folder = layout.asked

    @property
    def folder(self) -> Path:
        return self._folder

    def put(self, digest: Digest, blob: bytes) -> None:
        """Leave a zip.

        Raises:
            OSError: the disk is full or not writable.
        """
        write_whole(self._path(digest), blob)

    def take(self, digest: Digest) -> bytes:
        """The bytes of a zip that was left here.

        Raises:
            FileNotFoundError: somebody has cleared it away.
        """
        return self._path(digest).read_bytes()

    def ring(self) -> None:
        """Wake the daemon, if one runs; it looks by itself a little later anyway."""
        with suppress(OSError):
            (self._folder / _BELL).write_bytes(b"")

    def remove(self, digest: Digest) -> None:
        """Clear a zip away that has served its request."""
        self._path(digest).unlink(missing_ok=True)

    def remove_except(self, wanted: Collection[Digest], *, older_than: float) -> None:
        """Delete zips that no request is about; one that was just put may still get its request."""
        for path in self._folder.glob("*.zip"):
            with suppress(OSError):
                if path.stem not in wanted and path.stat().st_mtime < older_than:
                    path.unlink()

    def _path(self, digest: Digest) -> Path:
        return self._folder / f"{digest}.zip"
