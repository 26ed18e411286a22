"""Our own copies of checkpoints, by content: the trainer may delete or rewrite its file from then on."""

from collections.abc import Collection

from observer.core.layout import RunLayout
from observer.core.models import Digest
from observer.files import write_whole


class Snapshots:
    """The folder `.work/snapshots` of a run."""

    def __init__(self, layout: RunLayout) -> None:
        self._layout = layout

    def keep(self, digest: Digest, blob: bytes) -> None:
        """Have a copy of these bytes.

        Raises:
            OSError: the disk is full or not writable.
        """
        path = self._layout.snapshot(digest)
        if not path.exists():
            write_whole(path, blob)

    def remove_except(self, wanted: Collection[Digest]) -> int:
        """Delete the copies that nothing needs any more; how many."""
        folder = self._layout.snapshots
        gone = [path for path in folder.glob("*.zip") if path.stem not in wanted] if folder.is_dir() else []
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)
