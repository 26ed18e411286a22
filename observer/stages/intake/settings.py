"""What a run takes its checkpoints in by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from env.options import EnvironmentOptions
from observer.adapters.closed import ClosedRuns
from observer.adapters.machine import is_on_network
from observer.core.models import Trust
from observer.core.plan import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    folder: Path
    settle_seconds: float
    #: where other machines write: their files are seen late and in pieces
    network_settle_seconds: float
    #: what the checkpoints were made with, unless a file beside them says so
    environment: EnvironmentOptions
    planned: Callable[[EnvironmentOptions], Planned]
    #: `unpickle`: what cannot be read as data is still admitted
    trust: Trust
    #: whether other machines may write into a folder
    is_remote: Callable[[Path], bool] = is_on_network
    #: runs before this one: what they saw is not played again
    closed: ClosedRuns = ClosedRuns()  # noqa: RUF009 -- frozen
