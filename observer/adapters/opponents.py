"""The checkpoint that sits on the other side of evaluated games: read once, and kept as a copy of ours.

A file that is exchanged later changes no plan: the plan names the bytes, and the copy holds them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from observer.checkpointfile import read_file
from observer.core.errors import CheckpointError, SetupError
from observer.core.layout import RunLayout
from observer.core.models import Digest
from observer.files import write_whole
from observer.sb3zip import check_archive


@dataclass(frozen=True, slots=True, kw_only=True)
class OpponentZip:
    """A checkpoint's bytes."""

    digest: Digest
    blob: bytes

    def keep(self, layout: RunLayout) -> None:
        """Have a copy in a run's output folder.

        Raises:
            OSError: the disk is full or not writable.
        """
        path = layout.opponent(self.digest)
        if not path.exists():
            write_whole(path, self.blob)


def read_opponent(chosen: Path | str | None) -> OpponentZip | None:
    """What `evaluation.opponent` names, where it is a file.

    Raises:
        SetupError: it is not there, or no zip of stable-baselines3; the sentence names it.
    """
    if not isinstance(chosen, Path):
        return None
    try:
        blob, _ = read_file(chosen)
        check_archive(blob)
    except CheckpointError as error:
        named = "" if str(chosen) in error.sentence else f"{chosen}: "
        raise SetupError(
            f"opponent: {named}{error.sentence} Name a checkpoint's zip, or noop, random or scripted."
        ) from error
    return OpponentZip(digest=Digest(hashlib.sha256(blob).hexdigest()), blob=blob)
