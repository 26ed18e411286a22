"""What the checkpoints of a folder are played with: the file beside them says so, or the configuration."""

from dataclasses import dataclass

import structlog

from env.options import OptionsError
from observer.adapters.checkpoint_folder import Listing, read_sidecar
from observer.checkpointfile import FileIdentity
from observer.core.models import EvaluationPlan
from observer.core.plan import plan_digest
from observer.stages.intake.settings import IntakeSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEnvironment:
    """What the folder's checkpoints are to be played with, or why that is not known."""

    #: equal keys: the same plans, or the same problem
    key: str
    #: in the order to queue them; none where there is a problem
    plans: tuple[EvaluationPlan, ...] = ()
    problem: str = ""


class Surroundings:
    """The environment of one folder, read anew when the file beside the checkpoints has changed and settled."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self._sidecar: tuple[FileIdentity | None, float] = (None, float("-inf"))
        self._environment: FolderEnvironment | None = None

    def known_at(self, settle_seconds: float) -> float:
        """Monotonic time before which nothing can be admitted."""
        return float("-inf") if self._environment else self._sidecar[1] + settle_seconds

    def look(self, listing: Listing, *, now: float, settle_seconds: float) -> FolderEnvironment | None:
        """What counts now (monotonic); None: the file beside the checkpoints has just changed and may be half written."""
        identity, since = self._sidecar
        if listing.sidecar is None and identity is not None:  # its last word counts until the daemon is started anew
            return self._environment
        if listing.sidecar != identity:
            self._sidecar, self._environment = (listing.sidecar, now), None
            return None
        if self._environment is None and now - since >= settle_seconds:
            self._environment = self._read_environment(identity)
        return self._environment

    def _read_environment(self, sidecar: FileIdentity | None) -> FolderEnvironment:
        try:
            options = self._settings.environment if sidecar is None else read_sidecar(self._settings.folder)
        except OptionsError as error:
            problem = str(error)
        else:
            planned = self._settings.planned(options)
            for name, reason in planned.refused.items():
                log.error("scenario.refused", scenario=name, problem=reason)
            if planned.plans:
                return FolderEnvironment(
                    key="-".join(plan_digest(plan)[:16] for plan in planned.plans), plans=planned.to_queue
                )
            problem = "; ".join(planned.refused.values())
        log.error("environment.refused", problem=problem)
        return FolderEnvironment(key=f"bad:{'' if sidecar is None else sidecar.key}", problem=problem)
