"""The table of facts names the tests that there are, and all of them."""

import re

from models.fidelity import FACT_TESTS, PAGE


def test_every_fact_test_has_its_rows_and_every_row_its_test() -> None:
    named = set(re.findall(r"\| `(\w+\.py::\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    files = sorted(FACT_TESTS.glob("test_facts_*.py"))
    tests = {
        f"{file.name}::{name}"
        for file in files
        for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    assert len(tests) > 100
    assert named == tests


def test_every_row_measures_what_is_documented_and_the_page_counts_them() -> None:
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| `test_facts", page, re.MULTILINE)
    assert [row for row in rows if row[1] != row[2]] == []
    assert f"**{len(rows)} of {len(rows)} facts measure as documented.**" in page
