"""The text of a systemd unit: a template with its own lines filled in, and the same without what a user may not do.

Knows systemd's quoting. Refuses paths that no quoting brings through.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from observer.core.errors import SetupError

BEGIN: Final = "# >>> yours"
END: Final = "# <<< yours"

_NEEDS_NO_QUOTES: Final = re.compile(r"[\w./=,+%-]+")
#: a user's manager cannot set them, or needs rights of the machine's for them; the worker's own confinement remains
_OF_THE_MACHINE: Final = frozenset(
    {
        *("User", "After", "IPAddressDeny", "IPAddressAllow", "CapabilityBoundingSet", "AmbientCapabilities"),
        *("ProtectSystem", "ProtectHome", "TemporaryFileSystem", "ProtectProc", "ProcSubset", "ProtectClock"),
        *("ProtectKernelTunables", "ProtectKernelLogs", "ProtectKernelModules", "ProtectControlGroups"),
        *("ProtectHostname", "PrivateTmp", "PrivateDevices", "DevicePolicy", "PrivateIPC", "PrivateMounts"),
        *("PrivateNetwork", "PrivateUsers", "RemoveIPC", "KeyringMode", "RestrictNamespaces"),
    }
)
#: the worker makes a network namespace of its own, where the unit cannot do it for it
_FOR_USERS: Final = {"WantedBy": "WantedBy=default.target", "SystemCallErrorNumber": "SystemCallFilter=unshare"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePaths:
    """What is the user's own in the unit."""

    #: None: the one whose manager it is
    user: str | None
    command: Sequence[str]
    folder: Path
    #: opened again where the unit hides what is around them
    shown: Sequence[Path] = ()
    #: as above, to be written
    shown_writable: Sequence[Path] = ()
    writable: Sequence[Path] = ()
    #: of one core; None: no limit
    cpu_percent: int | None = None


def service_text(template: str, paths: ServicePaths) -> str:
    """The template with the user's lines between its marks.

    Raises:
        SetupError: a path cannot be written into a unit.
    """
    before, _, rest = template.partition(BEGIN)
    after = rest.partition(END)[2].partition("\n")[2]
    text = before + "".join(f"{line}\n" for line in _own_lines(paths)) + after
    return text if paths.user is not None else _without_the_machine(text)


def quoted(word: str) -> str:
    """A word of a list or command as systemd reads it back.

    Raises:
        SetupError: no quoting brings it through.
    """
    text = plain(word)
    return text if _NEEDS_NO_QUOTES.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(word: str) -> str:
    """A value that stands alone.

    Raises:
        SetupError: it cannot stand in a unit.
    """
    if not word.isprintable() or word != word.strip() or word.endswith("\\"):
        raise SetupError(
            f"{word!r} cannot stand in a unit: a line break, a control character, a blank at an end, a backslash at the "
            "end, or a name that is not UTF-8; rename it"
        )
    return word.replace("%", "%%")


def _own_lines(paths: ServicePaths) -> Iterator[str]:
    if paths.user is not None:
        yield f"User={plain(paths.user)}"
    yield "ExecStart=" + " ".join(quoted(word).replace("$", "$$") for word in paths.command)
    yield f"WorkingDirectory={plain(str(paths.folder))}"
    for key, listed in (
        ("BindReadOnlyPaths", paths.shown),
        ("BindPaths", paths.shown_writable),
        ("ReadWritePaths", paths.writable if paths.user is not None else ()),
    ):
        yield from (f"{key}={quoted(str(path))}" for path in listed)
    if paths.cpu_percent is not None:
        yield f"CPUQuota={paths.cpu_percent}%"


def _without_the_machine(text: str) -> str:
    """Drops lines, and the comments that spoke of them alone."""
    kept: list[str] = []
    comments: list[str] = []
    for is_comment, lines in groupby(text.splitlines(), key=lambda line: line.startswith("#")):
        if is_comment:
            comments = list(lines)
            continue
        listed = list(lines)
        mine = [_for_user(line) for line in listed if _key(line) not in _OF_THE_MACHINE]
        if any(_key(line) for line in mine) or not any(_key(line) for line in listed):
            kept += comments
        comments = []
        kept += mine
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)) + "\n"


def _for_user(line: str) -> str:
    key = _key(line)
    if key == "SystemCallErrorNumber":
        return f"{_FOR_USERS[key]}\n{line}"
    return _FOR_USERS.get(key, line)


def _key(line: str) -> str:
    return line.partition("=")[0] if "=" in line else ""
