"""A filter of system calls: what neither an emulator nor a policy needs, and what reaches elsewhere, is refused.

Landlock leaves sockets other than TCP's alone, such as the one of the user's service manager, which starts programs
outside of any confinement. Owns the filter's few instructions.
"""

import ctypes
import errno
import platform
import socket
import struct
from collections.abc import Iterator
from typing import Final

from observer.adapters.confinement import kernel

_SET_SECCOMP: Final = 22
_FILTER: Final = 2
#: of an instruction: load a word, jump if equal, jump if not below, and with a mask, return
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
#: where the number of the call, the processor and the low halves of the arguments lie
_NUMBER, _PROCESSOR, _FIRST, _SECOND = 0, 4, 16, 24
#: x86 has a second table of calls above it
_OTHER_TABLE: Final = 0x40000000
_SOCKET_TYPE: Final = 0xF


#: name, and its numbers on x86_64 and on aarch64, which lacks some
_REFUSED: Final = (
    # they change other processes
    ("ptrace", 101, 117),
    ("process_vm_writev", 311, 271),
    ("setpriority", 141, 140),
    ("sched_setparam", 142, 118),
    ("sched_setscheduler", 144, 119),
    ("sched_setattr", 314, 274),
    ("ioprio_set", 251, 30),
    # they change what Landlock does not hold: whose a file is, who may use it, its times
    ("chmod", 90, None),
    ("fchmod", 91, 52),
    ("chown", 92, None),
    ("fchown", 93, 55),
    ("lchown", 94, None),
    ("fchownat", 260, 54),
    ("fchmodat", 268, 53),
    ("fchmodat2", 452, 452),
    ("utime", 132, None),
    ("utimes", 235, None),
    ("futimesat", 261, None),
    ("utimensat", 280, 88),
    ("setxattr", 188, 5),
    ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7),
    ("setxattrat", 463, 463),
    ("removexattr", 197, 14),
    ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16),
    ("removexattrat", 466, 466),
    # the kernel's larger doors; io_uring opens sockets past any filter
    ("io_uring_setup", 425, 425),
    ("bpf", 321, 280),
    ("userfaultfd", 323, 282),
    ("perf_event_open", 298, 241),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("keyctl", 250, 219),
    ("unshare", 272, 97),
    ("setns", 308, 268),
)
#: allowed for the process itself, which is number 0
_OWN: Final = (("prlimit64", 302, 261), ("sched_setaffinity", 203, 122))
_SOCKET: Final = (41, 198)
#: its place in the tables, and the mark by which the kernel tells it
_PROCESSORS: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def refuse_dangerous() -> bool:
    """From now on TCP over IPv4 is the only kind of socket, and other processes are out of reach; whether it is so.

    Needs the vow to gain no new privileges. False on a processor whose numbers are not known here.
    """
    processor = _PROCESSORS.get(platform.machine())
    if processor is None:
        return False
    program = b"".join(_program(*processor))
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    try:
        kernel.prctl(_SET_SECCOMP, _FILTER, header)
    except OSError:
        return False
    return True


def _program(column: int, mark: int) -> Iterator[bytes]:
    yield _do(_LOAD, _PROCESSOR)
    yield from _unless(_EQUAL, mark, _do(_RETURN, _REFUSE))
    yield _do(_LOAD, _NUMBER)
    yield from _when(_AT_LEAST, _OTHER_TABLE, _do(_RETURN, _REFUSE))
    for _, *numbers in _REFUSED:
        number = numbers[column]
        if number is not None:
            yield from _when(_EQUAL, number, _do(_RETURN, _REFUSE))
    for _, *own in _OWN:
        yield from _when(_EQUAL, own[column], *_only(_FIRST, 0), _do(_RETURN, _ALLOW))
    yield from _when(_EQUAL, _SOCKET[column], *_only_tcp(), _do(_RETURN, _ALLOW))
    yield _do(_RETURN, _ALLOW)


def _only(argument: int, value: int) -> Iterator[bytes]:
    yield _do(_LOAD, argument)
    yield from _unless(_EQUAL, value, _do(_RETURN, _REFUSE))


def _only_tcp() -> Iterator[bytes]:
    yield from _only(_FIRST, socket.AF_INET)
    yield _do(_LOAD, _SECOND)
    yield _do(_AND, _SOCKET_TYPE)
    yield from _unless(_EQUAL, socket.SOCK_STREAM, _do(_RETURN, _REFUSE))


def _when(test: int, value: int, *then: bytes) -> Iterator[bytes]:
    yield _do(test, value, if_not=len(then))
    yield from then


def _unless(test: int, value: int, *then: bytes) -> Iterator[bytes]:
    yield _do(test, value, if_so=len(then))
    yield from then


def _do(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; the jumps skip so many."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
