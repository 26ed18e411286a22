"""A watched folder as it is now: which checkpoints lie there, and what the trainer says about their environment.

The listing is the truth that intake works on; reads only, never writes there.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from env.options import ENVIRONMENT_FILE, EnvironmentOptions, OptionsError
from observer.checkpointfile import FileIdentity

_SIDECAR_LIMIT_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One look at the folder."""

    #: name -> identity of every `*.zip` without a leading dot, whatever kind of thing it is
    checkpoints: Mapping[str, FileIdentity]
    #: of `environment.json`; None: there is none
    sidecar: FileIdentity | None
    #: name -> identity of every file that may belong to one of them
    companions: Mapping[str, FileIdentity]
    #: number of the file system that the folder lies on
    device: int

    def companion_of(self, name: str) -> FileIdentity | None:
        """What lies beside a checkpoint and belongs to it; None: nothing does."""
        return self.companions.get(companion_name(name))


def list_folder(folder: Path) -> Listing | str:
    """What lies in the folder; where it cannot be read, why."""
    found: dict[str, FileIdentity] = {}
    companions: dict[str, FileIdentity] = {}
    sidecar = None
    try:
        device = folder.stat().st_dev
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == ENVIRONMENT_FILE:
                    sidecar = _identity(entry)
                elif entry.name.endswith(".zip") and not entry.name.startswith("."):
                    identity = _identity(entry)
                    if identity is not None:
                        found[entry.name] = identity
                elif entry.name.endswith(".pkl") and "_vecnormalize" in entry.name:
                    identity = _identity(entry)
                    if identity is not None:
                        companions[entry.name] = identity
    except OSError as error:
        return error.strerror or str(error)
    return Listing(checkpoints=found, sidecar=sidecar, companions=companions, device=device)


def companion_name(name: str) -> str:
    """How VecNormalize's statistics beside a checkpoint are named, by SB3's CheckpointCallback where it named that."""
    named = re.fullmatch(r"(.*)_(\d+)_steps\.zip", name, re.DOTALL)
    return f"{named[1]}_vecnormalize_{named[2]}_steps.pkl" if named else f"{name.removesuffix('.zip')}_vecnormalize.pkl"


def read_sidecar(folder: Path) -> EnvironmentOptions:
    """What `environment.json` says.

    Raises:
        OptionsError: it cannot be read, or is no such file; the sentence names the key.
    """
    path = folder / ENVIRONMENT_FILE
    try:
        with path.open("rb") as file:
            text = file.read(_SIDECAR_LIMIT_BYTES).decode("utf-8", "replace")
        return EnvironmentOptions.from_json(text, source=str(path))
    except OSError as error:
        raise OptionsError(f"{path} cannot be read: {error.strerror}") from error


def _identity(entry: os.DirEntry[str]) -> FileIdentity | None:
    for follow in (True, False):  # a link that leads nowhere is known by itself, until it leads somewhere
        try:
            return FileIdentity.of(entry.stat(follow_symlinks=follow))
        except OSError:
            continue
    return None
