"""What a command said, and the type of the fixture that calls it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


class Command(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...
