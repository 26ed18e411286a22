"""What comes out of the template: the user's lines, quoted so that systemd reads them back."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.errors import SetupError
from observer.core.unitfile import ServicePaths, plain, quoted, service_text

TEMPLATE = (Path(__file__).parents[2] / "systemd" / "observer.service").read_text(encoding="utf-8")


def paths(user: str | None = "alice", cpu_percent: int | None = None) -> ServicePaths:
    return ServicePaths(
        user=user,
        command=("/opt/my env/bin/observer", "run", "--config", "/data/50%.yaml"),
        folder=Path("/data"),
        shown=[Path("/srv/alice/run")],
        shown_writable=[Path("/srv/alice/run/out")],
        writable=[Path("/srv/alice/run/out")],
        cpu_percent=cpu_percent,
    )


def keys(text: str) -> list[str]:
    return [line.partition("=")[0] for line in text.splitlines() if "=" in line and not line.startswith("#")]


def test_the_lines_of_the_template_are_replaced_by_the_users() -> None:
    text = service_text(TEMPLATE, paths(cpu_percent=150))
    for line in (
        "User=alice",
        'ExecStart="/opt/my env/bin/observer" run --config /data/50%%.yaml',
        "BindReadOnlyPaths=/srv/alice/run",
        "BindPaths=/srv/alice/run/out",
        "ReadWritePaths=/srv/alice/run/out",
        "CPUQuota=150%",
    ):
        assert f"\n{line}\n" in text
    assert "/opt/training-run-observer" not in text
    assert set(keys(TEMPLATE)) <= set(keys(text))


def test_every_line_of_the_unit_says_why() -> None:
    """A comment stands above every group of lines that belong together."""
    own = TEMPLATE.partition("# <<< yours")[2].partition("[Install]")[0].strip().splitlines()
    bare = [after for before, after in itertools.pairwise(own) if "=" in after and not before]
    assert bare == []


def test_a_users_own_manager_is_not_asked_for_what_it_cannot_do() -> None:
    text = service_text(TEMPLATE, paths(user=None))
    assert not {"User", "ProtectSystem", "BindPaths", "ReadWritePaths", "CapabilityBoundingSet"} - {"BindPaths"} & set(
        keys(text)
    )
    assert {"ExecStart", "WatchdogSec", "Slice", "MemoryMax", "NoNewPrivileges", "SystemCallFilter"} <= set(keys(text))
    assert "WantedBy=default.target" in text
    assert "SystemCallFilter=unshare" in text
    assert "# No keys of the user's." not in text


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "\x1b[0m", " a", "a ", "a\\", "na\udce9", "a\u2028b"])
def test_a_name_that_no_unit_can_hold_is_refused_with_a_sentence(name: str) -> None:
    for write in (quoted, plain):
        with pytest.raises(SetupError, match="rename it"):
            write(name)


def read_back(text: str) -> str:
    """As systemd's own reader does it."""
    if text.startswith('"'):
        text = text[1:-1].replace('\\"', "\0").replace("\\\\", "\\").replace("\0", '"')
    return text.replace("%%", "%")


@given(st.text(st.characters(codec="ascii"), min_size=1))
def test_what_is_not_refused_comes_through(word: str) -> None:
    try:
        text = quoted(word)
    except SetupError:
        return
    assert "\n" not in text
    assert read_back(text) == word
