"""Our own copies of checkpoints, by content: the trainer may delete or rewrite its file from then on."""

from collections.abc import Collection

from observer.core.companion import Companion
from observer.core.layout import RunLayout
from observer.core.models import Digest
from observer.files import write_whole


class Snapshots:
    """The folder `.work/snapshots` of a run."""

    def __init__(self, layout: RunLayout) -> None:
        self._layout = layout

    def keep(self, digest: Digest, blob: bytes) -> None:
        """Have a copy of a checkpoint's bytes.

        Raises:
            OSError: the disk is full or not writable.
        """
        path = self._layout.snapshot(digest)
        if not path.exists():
            write_whole(path, blob)

    def keep_companion(self, digest: Digest, companion: Companion, blob: bytes) -> None:
        """Have a copy of what was saved beside a checkpoint; the newest counts.

        Raises:
            OSError: the disk is full or not writable.
        """
        write_whole(self._layout.companion(digest, companion.kind), blob)

    def remove_except(self, wanted: Collection[Digest]) -> int:
        """Delete the copies that nothing needs any more; how many."""
        folder = self._layout.snapshots
        found = [*folder.glob("*.zip"), *folder.glob("*.pkl")]
        gone = [path for path in found if path.name.partition(".")[0] not in wanted]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)
