"""Events of the file system as wake-up calls: something changed in a folder, look again.

Losing every one of them costs only time. A folder that is missing, replaced or a link is watched where it is found.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

#: our own reading opens and closes files too: those events would wake us for ever
_CHANGES: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
]


class Watcher(FileSystemEventHandler):
    """Calls `wake` from a thread of its own, once until `rearm` is called."""

    def __init__(self, folder: Path, *, wake: Callable[[], None]) -> None:
        self._folder = folder
        self._wake = wake
        self._told = threading.Event()
        self._observer: BaseObserver | None = None
        self._watch: ObservedWatch | None = None
        self._watched: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin; where the system gives no watch, scanning alone must do."""
        with suppress(OSError):
            observer = Observer()
            observer.start()
            self._observer = observer
        self.rearm()

    def rearm(self) -> None:
        """Be ready to tell again, and follow the folder where it was made anew (watchdog goes silently deaf)."""
        self._told.clear()
        found = _identity(self._folder)
        if self._observer is None or found == self._watched:
            return
        if self._watch is not None:
            with suppress(KeyError, OSError):
                self._observer.unschedule(self._watch)
            self._watch = None
        self._watched = None
        if found is not None:
            with suppress(OSError):
                self._watch = self._observer.schedule(
                    self, str(self._folder.resolve()), recursive=False, event_filter=_CHANGES
                )
                self._watched = found

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=2.0)
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 -- whatever it was: the scan will see
        if not self._told.is_set():
            self._told.set()
            self._wake()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()  # follows a link: it is the folder behind it that is watched
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
