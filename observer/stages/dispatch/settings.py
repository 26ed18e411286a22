"""What dispatching goes by: the configuration's sections of the queue, the workers, the policies and the clips."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from observer.core.backlog import BacklogPolicy
from observer.core.encoding import Encoding
from observer.core.models import Digest, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    backlog: BacklogPolicy
    max_failures: int
    #: after the first, second, ... failure
    backoff_seconds: tuple[float, ...]
    stall_cpu_seconds: float
    stall_seconds: float
    rom: Path
    #: when the observer was started
    rom_sha256: Digest
    trusted_classes: Mapping[str, str]
    trust: Trust
    #: which games are filmed; none: no clips
    reasons: tuple[str, ...]
    encoding: Encoding
    #: whether clips have a panel beside the game
    overlay: bool = False
