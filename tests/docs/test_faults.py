"""The table of faults names tests that there are, and all of the faults."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_all_are_there_in_their_order() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 52))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_test_that_is_named_is_there_and_marked_as_it_says(row: tuple[str, str, str, str]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`(?: \((slow|soak)\))?", row[3])
    assert named
    for file, name, marked in named:
        text = (ROOT / "tests" / file).read_text("utf-8")
        found = re.search(rf"((?:^ *@.*\n)*)^ *def {name}\(", text, re.MULTILINE)
        assert found, f"{file}::{name}"
        marks = re.findall(r"mark\.(slow|soak)", found[1] + "".join(re.findall(r"^pytestmark.*", text, re.MULTILINE)))
        assert marks == ([marked] if marked else []), f"{file}::{name}"
