"""What a self-test of the measurement is asked, and what it found where it found nothing wrong."""

from dataclasses import dataclass

from env.options import Scenario
from observer.core.models import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestRequest:
    #: of the ROM, an absolute path
    rom: str
    rom_sha256: Digest
    scenario: Scenario
    #: everything that the outcome depends on, see `subject`
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestResult:
    """The games of this machine can be compared."""

    subject: str
    games: int
    frames: int
    tested_at: float


def subject(*, rom_sha256: Digest, scenario: Scenario, versions: tuple[str, ...]) -> str:
    """What was tested, as one text: while it is the same, there is nothing to test anew."""
    return ", ".join((rom_sha256, scenario.name, *versions))
