"""What the service manager is told: ready, alive, busy with, stopping. Without a service manager: nothing."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """Datagrams to $NOTIFY_SOCKET, a message a datagram."""

    def __init__(self, *, address: str = "", watchdog_seconds: float | None = None) -> None:
        """`address` is a path, or an abstract name that begins with `@`; empty: nobody listens."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = watchdog_seconds
        self._status = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """As the service manager set it up; a watchdog that is meant for another process is not fed."""
        values = os.environ if environment is None else environment
        period = values.get("WATCHDOG_USEC", "")
        is_ours = values.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        seconds = int(period) / _MICROSECONDS if period.isdecimal() and is_ours else None
        return cls(address=values.get("NOTIFY_SOCKET", ""), watchdog_seconds=seconds)

    @property
    def watchdog_seconds(self) -> float | None:
        """How often at least `watchdog` must be called; None: nobody waits for it."""
        return self._watchdog_seconds

    def ready(self, status: str) -> None:
        self._status = status
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, *, monotonic_seconds: float) -> None:
        """The configuration is being read again; `ready` says when that is over."""
        self._send(
            f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_seconds * _MICROSECONDS)}\nSTATUS=reading the configuration"
        )

    def watchdog(self, status: str) -> None:
        """The loop came round; the status line goes with it where it changed."""
        lines = [] if self._watchdog_seconds is None else ["WATCHDOG=1"]
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        if lines:
            self._send("\n".join(lines))

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping; jobs that run will resume")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(message.encode(), self._address)
