"""A network with nothing in it but this machine's own loopback.

Owns a network namespace of one's own, which the kernel gives to root, and to everybody where user namespaces are
allowed. Inside of a service that has no network already, nothing is to be done.
"""

import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Final

from observer.adapters.confinement import kernel

_NEW_USER: Final = 0x10000000
_NEW_NETWORK: Final = 0x40000000
_SET_FLAGS: Final = 0x8914
_UP_AND_RUNNING: Final = 0x41
_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_PORTS: Final = (32768, 60999)
_IPV6_DEVICE: Final = 9


def leave() -> bool:
    """Leave the machine's network for one of one's own with a loopback that works; False: nothing has changed.

    A child tries it first: some systems give the namespace and then not the right to use it, and there is no way back.
    """
    child = os.fork()
    if child == 0:
        try:
            _leave()
        except BaseException:  # noqa: BLE001 -- whatever it was, this child goes no further
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        return False
    _leave()
    return True


def leads_out() -> bool:
    """Whether there is any route but loopback's."""
    proc = Path("/proc/self/net")
    try:
        routes = (proc / "route").read_text(encoding="ascii").splitlines()[1:]
        ipv6 = proc / "ipv6_route"
        devices = [line.split() for line in ipv6.read_text(encoding="ascii").splitlines()] if ipv6.exists() else []
    except OSError:
        return True
    return bool(routes) or any(fields[_IPV6_DEVICE] != "lo" for fields in devices)


def short_lived_ports() -> range:
    """The ports that the kernel gives to those who do not ask for one."""
    try:
        first, last = map(int, _PORTS.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        first, last = _DEFAULT_PORTS
    return range(first, last + 1)


def _leave() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.call("unshare", _NEW_NETWORK)
    except PermissionError:
        kernel.call("unshare", _NEW_USER | _NEW_NETWORK)
        # the same names inside as outside: whose a file is does not change
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))
