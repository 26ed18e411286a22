"""Landlock: the kernel holds this process and its children to a list of paths (Linux 5.13 and later).

Owns its three calls and what each of its versions (ABI) adds. https://docs.kernel.org/userspace-api/landlock.html
"""

import errno
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Final

from observer.adapters.confinement import kernel

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_RULE_OF_A_PATH: Final = 1
_RULE_OF_A_PORT: Final = 2

#: the first version that limits TCP, and the first that limits signals and abstract sockets
NETWORK_ABI: Final = 4
_SCOPE_ABI: Final = 6
_SCOPES: Final = 0b11


class Access(IntFlag):
    """Rights over files, by the kernel's bits."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


class Port(IntFlag):
    """Rights over TCP ports."""

    BIND = 1 << 0
    CONNECT = 1 << 1


#: how many of the rights a version knows
_KNOWN: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_READ: Final = Access.READ_FILE | Access.READ_DIR
_EXECUTE: Final = _READ | Access.EXECUTE
_WRITE: Final = (
    _READ
    | (Access.WRITE_FILE | Access.TRUNCATE | Access.REFER)
    | (Access.MAKE_REG | Access.MAKE_DIR | Access.REMOVE_FILE | Access.REMOVE_DIR)
)
_DEVICE: Final = Access.READ_FILE | Access.WRITE_FILE
#: what can be said of a file; the rest is about folders
_OF_FILES: Final = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV

_PROBLEMS: Final = {
    errno.ENOSYS: "this kernel has no Landlock (it came with Linux 5.13)",
    errno.EOPNOTSUPP: "this kernel has Landlock, but switched off: add landlock to its `lsm=` boot parameter",
    errno.EPERM: "a system-call filter forbids Landlock: let landlock_create_ruleset, landlock_add_rule and "
    "landlock_restrict_self through it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Whether Landlock can be used here."""

    #: its version; 0: not at all
    abi: int
    #: why not, and what to do; empty where it can
    problem: str = ""


def support() -> Support:
    """Ask the kernel; nothing is restricted by asking."""
    try:
        return Support(abi=kernel.syscall(_CREATE_RULESET, 0, 0, _ASK_VERSION))
    except OSError as error:
        return Support(abi=0, problem=_PROBLEMS.get(error.errno or 0, f"Landlock does not answer: {error.strerror}"))


def restrict(
    reads: Iterable[Path], *, executes: Iterable[Path], writes: Iterable[Path], devices: Iterable[Path], abi: int
) -> None:
    """From now on nothing but these paths, and signals to nobody but one's own children where `abi` can say that.

    Raises:
        OSError: the kernel refuses.
    """
    handled = Access((1 << _KNOWN.get(abi, len(Access))) - 1)
    scopes = _SCOPES if abi >= _SCOPE_ABI else 0
    with _ruleset(handled, scopes=scopes, abi=abi) as ruleset:
        for paths, access in ((reads, _READ), (executes, _EXECUTE), (writes, _WRITE), (devices, _DEVICE)):
            for path in paths:
                _allow_path(ruleset, path, access & handled)


def restrict_ports(connect: Iterable[int], *, abi: int) -> None:
    """From now on TCP connections to these ports only, and servers only on a port that the kernel chooses.

    Nothing happens where `abi` is too old. Landlock knows ports, not addresses, and leaves UDP alone.

    Raises:
        OSError: the kernel refuses.
    """
    if abi < NETWORK_ABI:
        return
    with _ruleset(Access(0), ports=Port.BIND | Port.CONNECT, abi=abi) as ruleset:
        for access, ports in ((Port.BIND, (0,)), (Port.CONNECT, connect)):
            for port in ports:
                _add(ruleset, _RULE_OF_A_PORT, struct.pack("=QQ", access, port))


@contextmanager
def _ruleset(handled: Access, *, ports: int = 0, scopes: int = 0, abi: int) -> Iterator[int]:
    """A list to be filled; it holds for this process from the end of the block on."""
    fields = 3 if abi >= _SCOPE_ABI else 2 if abi >= NETWORK_ABI else 1
    attributes = struct.pack("=3Q", handled, ports, scopes)[: 8 * fields]
    ruleset = kernel.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        yield ruleset
        kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_path(ruleset: int, path: Path, access: Access) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # what cannot be reached needs no leave
    try:
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        allowed = access if is_folder else access & _OF_FILES
        _add(ruleset, _RULE_OF_A_PATH, struct.pack("=Qi", allowed, opened))
    finally:
        os.close(opened)


def _add(ruleset: int, kind: int, rule: bytes) -> None:
    kernel.syscall(_ADD_RULE, ruleset, kind, rule, 0)
