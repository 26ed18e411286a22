"""Where log lines go: `key=value` for a terminal, with a priority and without a time for the journal.

Events are named `noun.past_verb`; INFO is a change that was committed, WARNING will be tried again, ERROR wants a person.
"""

import errno
import logging
import os
import select
import stat
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: syslog's numbers, as sd-daemon(3) wants them at the beginning of a line
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure(mode: Literal["auto", "terminal", "journal"] = "auto", *, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to a stream, by default standard error."""
    target = sys.stderr if stream is None else stream
    to_journal = mode == "journal" or (mode == "auto" and "JOURNAL_STREAM" in os.environ)
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level]
    if not to_journal:
        shared.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _Handler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _journal_line if to_journal else _terminal_line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("apscheduler", "watchdog"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a reader of the log that went away must not stop the work


class _Handler(logging.StreamHandler[TextIO]):
    """Waits for no reader: lines that a full pipe has no room for are lost, and counted in the next one that has.

    Writes into nothing once the reader has gone: what could not be flushed would make Python end with 120.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
            if self._lost and self._has_room():
                lost, self._lost = self._lost, 0
                line = f'event=log.lost lines={lost} problem="nobody read the log"{self.terminator}{line}'
            for start in range(0, len(line), _PIECE):
                if not self._has_room():
                    self._lost += 1
                    return
                self.stream.write(line[start : start + _PIECE])
                self.stream.flush()
        except Exception:  # noqa: BLE001 -- as every handler of the standard library has it
            self.handleError(record)

    def _has_room(self) -> bool:
        """Whether a piece can be written at once; a reader that is only slow is waited for, one that is stuck is not."""
        try:
            outlet = self.stream.fileno()
        except OSError:  # not a file of the system
            return True
        poll = select.poll()
        poll.register(outlet, select.POLLOUT)
        return bool(poll.poll(0 if self._lost else _PATIENCE_MILLISECONDS))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- the standard library's name
        del record
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno not in _READER_GONE:
            return
        target = self.stream.fileno()
        if stat.S_ISREG(os.fstat(target).st_mode):
            return  # a disk may recover
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, target)
        os.close(nothing)


#: characters, at most four bytes each: a pipe that has any room has it for 4096 bytes
_PIECE: Final = 1024
_PATIENCE_MILLISECONDS: Final = 1000
#: of a pipe, and of a terminal that was closed
_READER_GONE: Final = frozenset({errno.EPIPE, errno.EIO})

_KEY_VALUES: Final = structlog.processors.LogfmtRenderer(
    key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
)


def _terminal_line(logger: WrappedLogger, name: str, event: EventDict) -> str:
    trace = event.pop("exception", "")
    line = _KEY_VALUES(logger, name, _plain(event))
    return f"{line}\n{trace}" if trace else line


def _journal_line(logger: WrappedLogger, name: str, event: EventDict) -> str:
    priority = _PRIORITIES.get(str(event.pop("level", "info")), 6)
    lines = _terminal_line(logger, name, event).splitlines()
    return "\n".join(f"<{priority}>{line}" for line in lines)


def _plain(event: EventDict) -> EventDict:
    """One line a message: what came from outside may hold line ends."""
    return {key: value.replace("\n", "\\n") if isinstance(value, str) else value for key, value in event.items()}
