"""One Mednafen in lockstep: it emulates a frame when it is given the frame's inputs, and never otherwise.

Owns the frame count, RAM, states and pictures. Knows no game. After any error the emulator is killed, since one that
lost its connection would run on alone.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Never, Self

import numpy as np
import numpy.typing as npt

from env import savestate, wire
from env.cartridge import Cartridge
from env.connection import Connection
from env.errors import EmulatorDied, EmulatorError, RomError
from env.memory import PICTURE_BYTES, FrameBuffers, ProcessMemory, find_ram, known_ram
from env.process import MednafenProcess
from env.savestate import RAM_BYTES
from env.wire import PAD_BYTES, Command

#: Frames in flight at most: their inputs (10 KB) always fit the sockets' buffers, so sending never blocks on an
#: emulator that itself blocks on sending acknowledgements.
_WINDOW_FRAMES = 2048
_BLOCK_BYTES = _WINDOW_FRAMES // 2 * PAD_BYTES
_PICTURE_ATTEMPTS = 200
_IDLE = bytes(PAD_BYTES)


class Emulator:
    """A context manager around one emulator process, to be used by the thread that started it and only while it lives.

    Every wait ends after `deadline_seconds` without an answer.
    """

    def __init__(
        self, rom: Path, *, recording: Path | None = None, deadline_seconds: float = 20.0, cpu: int | None = None
    ) -> None:
        """Nothing runs before `start`.

        Args:
            rom: an iNES file.
            recording: a QuickTime file to write, whole only after `close`. N frames stepped give N+1 pictures in it:
                picture k is the moment after k frames, what `screenshot` would have shown. The first one's sound is
                short: 233 samples after power-on, 790 after a loaded state. On a busy machine a frame or more that
                nobody stepped may follow: asked to end, Mednafen plays on alone until it has heard it.
            deadline_seconds: of every single wait.
            cpu: pins the emulator to this core.
        """
        #: Frames emulated since the start, whatever was loaded in between.
        self.frames = 0
        #: MD5 of the cartridge without its header, as the emulator saw it.
        self.rom_md5 = ""
        #: SHA-256 of the same, as read from the file.
        self.rom_sha256 = ""
        self._rom = rom
        self._recording = recording
        self._deadline_seconds = deadline_seconds
        self._cpu = cpu
        self._pending = 0
        self._connection = Connection(deadline_seconds)
        self._process: MednafenProcess | None = None
        self._memory: ProcessMemory | None = None
        self._ram_address: int | None = None
        self._buffers: FrameBuffers | None = None
        self._layout: savestate.Layout = {}

    def __enter__(self) -> Self:
        """`start`."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """`close`; after an exception without caring for the recording."""
        if kind is None:
            self.close()
        else:
            self._discard()

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return 0 if self._process is None else self._process.pid

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Launch Mednafen and wait until it is blocked before its first frame (about 50 ms).

        Raises:
            RomError: the file is no cartridge, or Mednafen refuses it; the sentence holds its reason.
            EmulatorMissing: not installed.
            EmulatorError: it does not come up.
        """
        cartridge = Cartridge.read(self._rom)
        self.rom_sha256 = cartridge.sha256
        port = self._connection.listen()
        self._process = MednafenProcess(cartridge.data, port=port, recording=self._recording)
        try:
            self._process.launch()
            self._join(self._process)
        except BaseException:
            self._discard()
            raise

    def close(self) -> None:
        """End it and remove its home; twice is harmless.

        Raises:
            EmulatorDied: a recording could not be finished.
        """
        process, code, words = self._process, None, ""
        if process is not None and self._recording is not None and process.is_alive():
            code = process.finish(self._deadline_seconds)
            words = process.log_tail()
        self._discard()
        if code:
            raise EmulatorDied(code, words)

    def send(self, pads: bytes) -> None:
        """Queue frames, two bytes each (pad 1, pad 2), and return at once; `wait` collects them.

        More than 1024 frames are fed piece by piece, so this then waits for most of them.

        Raises:
            EmulatorError: the emulator is gone.
            ValueError: half a frame.
        """
        count = len(pads) // PAD_BYTES
        if self._pending + count > _WINDOW_FRAMES // 2:
            self._stream(pads)
        elif count:
            self._send_batch(pads, count)

    def wait(self) -> None:
        """Return when all frames that were sent have been emulated.

        Raises:
            EmulatorError: the emulator is gone, or did not answer in time.
        """
        pending, self._pending = self._pending, 0
        try:
            self._connection.acknowledgements(pending)
        except EmulatorError as error:
            self._fail(error)

    def step(self, pads: bytes) -> None:
        """`send` and `wait`.

        Raises:
            EmulatorError, ValueError: as they do.
        """
        count = len(pads) // PAD_BYTES
        if self._pending or not 0 < count <= _WINDOW_FRAMES // 2:
            self.send(pads)
            self.wait()
            return
        try:
            self._connection.exchange(wire.batch(pads), count)
        except EmulatorError as error:
            self._fail(error)
        self.frames += count

    def read_ram(self) -> bytes:
        """The 2048 bytes of work RAM after the last frame (2 us; 0.2 ms where reading its memory is not allowed).

        Raises:
            EmulatorError: the emulator is gone.
        """
        if self._pending:
            self.wait()
        if self._memory is None:
            self._open_memory()
        if self._memory is None or self._ram_address is None:
            return savestate.ram(self.save_state())
        data = self._memory.read(self._ram_address, RAM_BYTES)
        if len(data) != RAM_BYTES:
            self._fail(EmulatorDied(None, ""))
        return data

    def save_state(self) -> bytes:
        """The whole machine, uncompressed; its header holds the time of saving (see `savestate.canonical`).

        Raises:
            EmulatorError: the emulator is gone.
        """
        self.wait()
        with self._killing():
            answer = self._connection.request(wire.primed(wire.message(Command.REQUEST_STATE)), Command.LOADSTATE)
            return _unpacked(answer)

    def load_state(self, state: bytes) -> None:
        """Become the machine that was saved, by this process or another; returns when it is done.

        Raises:
            StateError: not a save state of such a machine; nothing was sent.
            EmulatorError: the emulator is gone, or refused the state.
        """
        self._layout = self._layout or savestate.layout(self.save_state())
        savestate.require_layout(state, self._layout)
        self.wait()
        with self._killing():
            self._load(load_message(state))

    def screenshot(self) -> npt.NDArray[np.uint8]:
        """The picture of now, (224, 256, 3) RGB: the next frame is drawn, then the machine is put back where it was.

        Raises:
            EmulatorError: the emulator is gone, records (the picture would be in the film), or its memory is closed to us.
        """
        if self._recording is not None:
            raise EmulatorError("A recording emulator takes no screenshots: they would be in the film.")
        frames, load = self.frames, load_message(self.save_state())
        self.read_ram()
        with self._killing():
            picture = self._drawn(load)
            self._load(load)
        self.frames = frames
        return _rgb(picture)

    def _send_batch(self, pads: bytes, count: int) -> None:
        try:
            self._connection.send(wire.batch(pads))
        except EmulatorError as error:
            self._fail(error)
        self._pending += count
        self.frames += count

    def _stream(self, pads: bytes) -> None:
        for start in range(0, len(pads), _BLOCK_BYTES):
            block = pads[start : start + _BLOCK_BYTES]
            count = len(block) // PAD_BYTES
            if self._pending + count > _WINDOW_FRAMES:
                self._wait_for(self._pending + count - _WINDOW_FRAMES)
            self._send_batch(block, count)

    def _wait_for(self, count: int) -> None:
        self._pending -= count
        with self._killing():
            self._connection.acknowledgements(count)

    def _join(self, process: MednafenProcess) -> None:
        try:
            self.rom_md5 = self._connection.accept(process.pid).rom_md5
        except EmulatorDied as error:
            code, words = process.reap(), process.log_tail()
            if self._recording is not None and str(self._recording) in words:
                raise EmulatorDied(code, words) from error
            reason = words.rpartition(" / ")[2]
            raise RomError(f"Mednafen does not run {self._rom}: {reason}") from error
        if self._cpu is not None:
            process.pin(self._cpu)

    def _load(self, load: bytes) -> None:
        # INTEGRITY as a barrier: its answer comes after the state has been taken over.
        items = load + wire.message(Command.INTEGRITY)
        self._connection.request(wire.primed(items), Command.INTEGRITY_RESULT)

    def _open_memory(self) -> None:
        memory = ProcessMemory(self.pid)
        try:
            memory.open()
        except OSError:
            return
        self._memory = memory
        state, frames = self.save_state(), self.frames
        self._ram_address = known_ram(memory, state)
        # Searching steps, which would be filmed: a recording emulator gives its RAM through states.
        if self._ram_address is None and self._recording is None:
            self._ram_address = find_ram(memory, self)
            self.load_state(state)
            self.frames = frames

    def _drawn(self, load: bytes) -> bytes:
        """Draw the same frame until both halves of the double buffer hold it: then neither is an older picture."""
        memory = self._memory
        if memory is None:
            raise EmulatorError("The emulator's memory cannot be read here, so it gives no pictures.")
        for attempt in range(_PICTURE_ATTEMPTS):
            self._draw(load)
            self._buffers = self._buffers or memory.frame_buffers()
            if self._buffers is None or not attempt:
                continue
            first, second = (memory.read(pixels, PICTURE_BYTES) for pixels in self._buffers.pixels)
            if first == second and len(first) == PICTURE_BYTES:
                return first
        raise EmulatorError("Mednafen drew no picture: its frame buffers were not found.")

    def _draw(self, load: bytes) -> None:
        # A frame is drawn when nothing was waiting at the one before it: so that one goes first, then the state.
        frame = wire.frames(_IDLE)
        self._connection.send(wire.unprimed(frame))
        self._connection.acknowledgements(1)
        self._connection.send(load + frame + wire.PRIME)
        self._connection.acknowledgements(1)

    @contextmanager
    def _killing(self) -> Iterator[None]:
        try:
            yield
        except EmulatorError as error:
            self._fail(error)

    def _fail(self, error: EmulatorError) -> Never:
        """Kill what is left and say how it ended."""
        code, words = None, ""
        if self._process is not None and isinstance(error, EmulatorDied):
            code, words = self._process.reap(), self._process.log_tail()
        self._abandon()
        if isinstance(error, EmulatorDied):
            raise EmulatorDied(code, words) from error
        raise error

    def _abandon(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._connection.close()
        if self._memory is not None:
            self._memory.close()

    def _discard(self) -> None:
        self._abandon()
        if self._process is not None:
            self._process.remove_home()


def load_message(state: bytes) -> bytes:
    """The message that makes a client become the machine that was saved."""
    return wire.message(Command.LOADSTATE, payload=struct.pack("<I", len(state)) + zlib.compress(state, 1))


def _unpacked(answer: bytes) -> bytes:
    try:
        return zlib.decompress(answer[4:])
    except zlib.error as error:
        raise EmulatorError("Mednafen sent a state that cannot be unpacked: start it again.") from error


def _rgb(picture: bytes) -> npt.NDArray[np.uint8]:
    pixels = np.frombuffer(picture, dtype=np.uint8).reshape(224, 256, 4)
    return np.ascontiguousarray(pixels[:, :, 2::-1])
