"""The powers of root, and of the owner of a namespace, given up: of root remains that it may open any file.

Which files those are is Landlock's to say.
"""

import ctypes
import os
import struct
from typing import Final

from observer.adapters.confinement import kernel

_NO_NEW_PRIVILEGES: Final = 38
_VERSION: Final = 0x20080522
#: of root's: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_KEPT: Final = 0b110


def give_up() -> None:
    """No program gives this process more than it has, and it has no more than it needs.

    Raises:
        OSError: the kernel refuses.
    """
    kernel.prctl(_NO_NEW_PRIVILEGES, 1)
    header = struct.pack("=Ii", _VERSION, 0)
    held = ctypes.create_string_buffer(24)
    kernel.call("capget", header, held)
    _, permitted, *_ = struct.unpack("=6I", held.raw)
    kept = permitted & _KEPT if os.geteuid() == 0 else 0
    if kept == permitted:
        return
    kernel.call("capset", header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))
