"""From files in a watched folder to checkpoints in the queue."""

from observer.stages.intake.settings import IntakeSettings
from observer.stages.intake.watching import READS_PER_SCAN, Intake

__all__ = ["READS_PER_SCAN", "Intake", "IntakeSettings"]
