"""What `doctor` finds: one line each, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    #: the work is done, but not as well as it could be
    WARNING = "warning"
    #: the work cannot be done
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    #: what was looked at, in a word or two
    what: str
    level: Level
    sentence: str
    #: what to do; empty where there is nothing to do
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    findings: tuple[Finding, ...]

    @property
    def can_work(self) -> bool:
        return all(finding.level is not Level.PROBLEM for finding in self.findings)
