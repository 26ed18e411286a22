"""The netplay connection to one client, with a deadline on every wait.

Owns the sockets and the counting of acknowledgements. Refuses processes, states and games.
"""

import os
import select
import socket
import struct
from collections.abc import Callable

from env import wire
from env.errors import EmulatorDied, EmulatorError, FrameDeadline, ProtocolError
from env.wire import Command

_RECEIVE_BYTES = 1 << 16
#: The kernel collects acknowledgements until all are there. (SO_RCVLOWAT would save it wake-ups, but a receive that finds
#: some bytes takes them, counts only later ones towards the mark, and sleeps until its time-out.)
_ALL = int(socket.MSG_WAITALL)


def _unopened(_: object, __: int = 0) -> bytes:
    raise EmulatorError("The emulator is not running: start it first.")


class Connection:
    """One listening port, then one client on it."""

    def __init__(self, deadline_seconds: float) -> None:
        """Nothing is opened before `listen`."""
        self._deadline_seconds = deadline_seconds
        self._listener: socket.socket | None = None
        self._socket: socket.socket | None = None
        self._send: Callable[[bytes], object] = _unopened
        self._receive: Callable[[int, int], bytes] = _unopened
        self._decoder = wire.Decoder()

    def listen(self) -> int:
        """Open a port on loopback and return its number."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        return int(self._listener.getsockname()[1])

    def accept(self, pid: int) -> wire.Login:
        """Wait for the client `pid` and let it join without players; it is primed afterwards.

        Raises:
            EmulatorDied: it ended first.
            FrameDeadline: it did not connect in time.
            ProtocolError: it is not a Mednafen with two NES pads.
        """
        self._open(self._accepted(pid))
        login = wire.parse_login(self._exactly(wire.login_size(self._exactly(4))))
        self.send(wire.joined())
        self._answer(Command.SETFPS)
        self.send(wire.PRIME)
        return login

    def send(self, items: bytes) -> None:
        """Send without waiting for anything.

        Raises:
            EmulatorDied: the connection is gone.
            FrameDeadline: the client takes nothing any more.
        """
        try:
            self._send(items)
        except OSError as error:
            raise self._failure(error) from error

    def acknowledgements(self, count: int) -> None:
        """Wait until `count` more frames have been emulated.

        Raises:
            EmulatorDied: the connection is gone.
            FrameDeadline: none came in time.
            ProtocolError: something else came.
        """
        while count:
            data = self._some(count, _ALL)
            if data.count(0) != len(data):
                self._refuse(data)
            count -= len(data)

    def exchange(self, items: bytes, count: int) -> None:
        """`send` and `acknowledgements`, without the calls between them: at one frame a trip every microsecond counts.

        Raises:
            EmulatorDied, FrameDeadline, ProtocolError: as `acknowledgements`.
        """
        try:
            self._send(items)
            data = self._receive(count, _ALL)
        except OSError as error:
            raise self._failure(error) from error
        if not data:
            raise EmulatorDied(None, "")
        if data.count(0) != len(data):
            self._refuse(data)
        if len(data) != count:
            self.acknowledgements(count - len(data))

    def request(self, items: bytes, answer: Command) -> bytes:
        """Send to a client that owes nothing, and return the payload of its `answer`.

        Raises:
            EmulatorDied, FrameDeadline, ProtocolError: as `acknowledgements`.
        """
        self.send(items)
        return self._answer(answer)

    def close(self) -> None:
        """Close everything; the client would run on alone, so end it first."""
        for opened in (self._listener, self._socket):
            if opened is not None:
                opened.close()
        self._listener = self._socket = None
        self._send = self._receive = _unopened

    def _accepted(self, pid: int) -> socket.socket:
        if self._listener is None:
            raise EmulatorError("The port is not open: listen first.")
        ended = os.pidfd_open(pid)
        try:
            ready, _, _ = select.select([self._listener.fileno(), ended], [], [], self._deadline_seconds)
        finally:
            os.close(ended)
        if not ready:
            raise FrameDeadline(self._deadline_seconds)
        if ready == [ended]:
            raise EmulatorDied(None, "")
        accepted, _ = self._listener.accept()
        self._listener.close()
        return accepted

    def _open(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The kernel's own time-outs: Python's would cost a poll() for every receive.
        whole = int(self._deadline_seconds)
        limit = struct.pack("ll", whole, int((self._deadline_seconds - whole) * 1e6))
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._socket = accepted
        self._send = accepted.sendall
        self._receive = accepted.recv

    def _some(self, limit: int, flags: int = 0) -> bytes:
        try:
            data = self._receive(limit, flags)
        except OSError as error:
            raise self._failure(error) from error
        if not data:
            raise EmulatorDied(None, "")
        return data

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self._some(count - len(data))
        return data

    def _answer(self, wanted: Command) -> bytes:
        while True:
            for message in self._decoder.feed(self._some(_RECEIVE_BYTES)):
                if message.command == wanted:
                    return message.payload
                if message.command == Command.QUIT:
                    raise EmulatorDied(None, "")
                if message.command == Command.FRAME:
                    raise ProtocolError("Mednafen emulated a frame that nobody sent: start it again.")

    def _refuse(self, data: bytes) -> None:
        if Command.QUIT in data:
            raise EmulatorDied(None, "")
        raise ProtocolError(f"Mednafen sent {data[:16].hex(' ')} in place of frames: start it again.")

    def _failure(self, error: OSError) -> EmulatorError:
        if isinstance(error, BlockingIOError):
            return FrameDeadline(self._deadline_seconds)
        return EmulatorDied(None, "")
