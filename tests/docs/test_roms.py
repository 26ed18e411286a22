"""The page on ROMs is the program's table."""

from pathlib import Path

from env.known_roms import KNOWN

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "roms.md").read_text(encoding="utf-8")


def test_every_known_edition_is_on_the_page_with_its_hash_and_what_becomes_of_it() -> None:
    rows = {cells[1].strip(): line for line in PAGE.splitlines() if len(cells := line.split("|")) == 5}
    for rom in KNOWN:
        row = rows[rom.name]
        assert all(digest in row for digest in [rom.content or "", *rom.files_md5])
        assert ("refused" in row) is bool(rom.refusal)
