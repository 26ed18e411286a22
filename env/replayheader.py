"""The JSON part of a replay, or of a game in a segment, read field by field: what does not fit is refused by name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from env.errors import ReplayDamaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The JSON header, read field by field."""

    values: Mapping[str, object]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ReplayDamaged("The replay's header is not JSON: record the game again.") from error
        if not isinstance(values, dict):
            raise ReplayDamaged("The replay's header is not a mapping: record the game again.")
        return cls(values=values)

    def count(self, name: str, limit: int) -> int:
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
            raise self._wrong(name)
        return value

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._wrong(name)
        return value

    def mapping(self, name: str) -> dict[str, object]:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self._wrong(name)
        return value

    def checks(self, frames: int) -> tuple[tuple[int, str], ...]:
        value = self.values.get("checks")
        pairs = tuple(_check(entry) for entry in value) if isinstance(value, list) else ()
        order = [frame for frame, _ in pairs]
        if not order or order != sorted(set(order)) or order[0] < 0 or order[-1] != frames:
            raise self._wrong("checks")
        return pairs

    @staticmethod
    def _wrong(name: str) -> ReplayDamaged:
        return ReplayDamaged(f"The replay's header has no usable {name!r}: record the game again.")


def _check(entry: object) -> tuple[int, str]:
    match entry:
        case [int(frame), str(digest)]:
            return frame, digest
        case _:
            raise ReplayDamaged("The replay's header has a check that is none: record the game again.")
