"""Where log lines go: `key=value` for a terminal, with a priority and without a time for the journal.

Events are named `noun.past_verb`; INFO is a change that was committed, WARNING will be tried again, ERROR wants a person.
"""

import errno
import logging
import os
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
    """Writes into nothing once the reader has gone: what could not be flushed would make Python end with 120."""

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
