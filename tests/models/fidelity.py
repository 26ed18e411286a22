"""The table of facts in the documentation: what is documented of the game, and what the stand-in was measured to do.

Owns the rows' form and the page's generated part.  `python -m models.fidelity` (in tests/) runs the fact tests and
writes the rows that they measured; every fact test then holds its row in the page against what it measures.
"""

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "stand-in-rom.md"
FACT_TESTS = ROOT / "tests" / "rom"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEAD = ("| Fact | Documented | Measured | Test |", "|---|---|---|---|")
PROPERTY = "fact"
#: longer runs of one value are counted
SHOWN_RUN = 3


class Fact(Protocol):
    """What a fact test states in the end; `documented` and `measured` must be equal, and stand in the table."""

    def __call__(self, sentence: str, *, documented: object, measured: object) -> None:
        """One row."""


def shown(value: object) -> str:
    """A value as the table has it: lists with long runs shortened, truth as yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        runs = [(one, len(list(same))) for one, same in groupby(_inner(one) for one in value)]
        return " ".join(f"{one} (x{count})" if count > SHOWN_RUN else " ".join([one] * count) for one, count in runs)
    return str(value).replace("|", "\\|")


def _inner(value: object) -> str:
    return ",".join(map(shown, value)) if isinstance(value, list | tuple) else shown(value)


def row(sentence: str, documented: object, measured: object, *, test: str) -> str:
    """A line of the table; `test` is `file::name`."""
    return f"| {sentence} | {shown(documented)} | {shown(measured)} | `{test}` |"


class Rows:
    """A pytest plugin that collects the rows of the tests that it sees, by topic."""

    def __init__(self) -> None:
        self.topics: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            for name, value in report.user_properties:
                if name == PROPERTY:
                    topic, line = str(value).split("\n")
                    self.topics.setdefault(topic, []).append(line)


def score(lines: Sequence[str]) -> str:
    """The one sentence: how many rows measured what is documented."""
    cells = [line.split(" | ") for line in lines]
    agreeing = sum(documented == measured for _, documented, measured, _ in cells)
    return f"**{agreeing} of {len(cells)} facts measure as documented.**"


def page_with(page: str, topics: dict[str, list[str]]) -> str:
    """The page with these tables in its generated part."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = ["\n".join([f"### {topic}", "", *HEAD, *lines, ""]) for topic, lines in topics.items()]
    total = score([line for lines in topics.values() for line in lines])
    return "\n".join([before + BEGIN, total, "", *tables, END + after])


def main(arguments: Sequence[str]) -> int:
    """Run the fact tests and write the page, with what they measured, be it as documented or not."""
    rows = Rows()
    tests = [str(path) for path in sorted(FACT_TESTS.glob("test_facts_*.py"))]
    pytest.main(["-q", "-p", "no:randomly", "--tb=line", *tests, *arguments], plugins=[rows])
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), rows.topics), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {score([line for lines in rows.topics.values() for line in lines])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
