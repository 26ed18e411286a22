"""What wakes the loop: events of the file system, schedules and signals. Each of them only posts to the inbox."""

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from types import FrameType, TracebackType
from typing import Final, Self

from observer.adapters.scheduler import Scheduler
from observer.adapters.watcher import Watcher
from observer.config import Config
from observer.core.clock import Clock
from observer.core.layout import RunLayout

SWEEP_SECONDS: Final = 600.0


class Message(StrEnum):
    FOLDER_CHANGED = "folder changed"
    ASKED = "asked"
    SCAN_DUE = "scan due"
    SWEEP_DUE = "sweep due"
    RELOAD = "reload"
    STOP = "stop"


class Inbox:
    """What others want of the loop. `post` may be called from any thread and from signal handlers."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def post(self, message: Message) -> None:
        self._messages.put(message)

    def wait(self, seconds: float) -> set[Message]:
        """The messages that are there, or the first that comes within `seconds`."""
        found = set()
        try:
            found.add(self._messages.get(timeout=max(seconds, 0.0)))
            while True:
                found.add(self._messages.get_nowait())
        except queue.Empty:
            return found


class Producers:
    """Watchers and schedules, as the configuration stands; a context manager that ends them."""

    def __init__(self, inbox: Inbox, *, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._watchers: tuple[Watcher, ...] = ()
        self._scheduler: Scheduler | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def begin(self, config: Config) -> None:
        """Watch what this configuration names, and nothing else."""
        self._stop()
        folders = {section.watch: Message.FOLDER_CHANGED for section in config.runs}
        folders |= {RunLayout(section.output).asked: Message.ASKED for section in config.runs}
        self._watchers = tuple(Watcher(folder, wake=self._poster(message)) for folder, message in folders.items())
        self._scheduler = Scheduler(
            {
                "scan": (config.watch.rescan_seconds, self._poster(Message.SCAN_DUE)),
                "sweep": (SWEEP_SECONDS, self._poster(Message.SWEEP_DUE)),
            },
            clock=self._clock,
        )
        for watcher in self._watchers:
            watcher.start()
        self._scheduler.start()

    def rearm(self) -> None:
        """Be ready to tell of changes again."""
        for watcher in self._watchers:
            watcher.rearm()

    def keep_time(self) -> None:
        """To be called now and then: schedules go on where the machine's clock was set."""
        if self._scheduler is not None:
            self._scheduler.keep_time()

    def _poster(self, message: Message) -> Callable[[], None]:
        return partial(self._inbox.post, message)

    def _stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop()
            self._scheduler = None
        for watcher in self._watchers:
            watcher.stop()
        self._watchers = ()


@contextmanager
def signals(inbox: Inbox) -> Iterator[None]:
    """SIGTERM and SIGINT ask for an end, SIGHUP for the configuration to be read again.

    A terminal that is closed sends SIGHUP too: then it asks for an end, unless the program was told not to mind (nohup).
    Whoever asked for an end has it: what is sent afterwards does not cut it short. A program that runs the loop in another
    thread keeps its own handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    minds_hangup = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
    is_ending = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal is_ending
        is_reload = number == signal.SIGHUP and not (minds_hangup and not _has_terminal())
        is_ending |= not is_reload
        inbox.post(Message.RELOAD if is_reload else Message.STOP)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if is_ending else handler)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
