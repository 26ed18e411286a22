import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.clock import from_iso, iso


def test_files_tell_the_time_in_utc() -> None:
    assert iso(0.0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_comes_back_as_it_was_written(milliseconds: int) -> None:
    assert round(from_iso(iso(milliseconds / 1000)) * 1000) == milliseconds


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        from_iso("2026-01-01T00:00:00")
