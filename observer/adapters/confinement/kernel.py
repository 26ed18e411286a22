"""Calls of the kernel that Python has no name for; a failure is the OSError of its number."""

import ctypes
import os
from typing import Final

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)

Argument = int | bytes | ctypes.Array[ctypes.c_char]


def call(name: str, *arguments: Argument) -> int:
    """Call a function of the C library; integers are passed as longs, buffers by address.

    Raises:
        OSError: as the kernel says.
    """
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = getattr(_LIBRARY, name)(*passed)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number: int, *arguments: Argument) -> int:
    """Call the kernel by number.

    Raises:
        OSError: as the kernel says.
    """
    return call("syscall", number, *arguments)


def prctl(option: int, *arguments: Argument) -> None:
    """Change something about this process; arguments that are left out are 0.

    Raises:
        OSError: as the kernel says.
    """
    call("prctl", option, *(*arguments, 0, 0, 0, 0)[:4])
