"""The runs that are observed, by the configuration as it stands now; one output folder is one run, whatever its name."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from env.recognition import Recognition
from observer import app
from observer.adapters.backends import Backend
from observer.config import Config
from observer.core.clock import Clock
from observer.core.models import Digest

log = structlog.get_logger()


class Runs:
    """Opens, hands on and closes runs; a context manager that closes what is open."""

    def __init__(self, *, clock: Clock, backend: Backend) -> None:
        self._clock = clock
        self._backend = backend
        self._open: dict[Path, app.Run] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for output in tuple(self._open):
            self._close(output)

    def __iter__(self) -> Iterator[app.Run]:
        return iter(tuple(self._open.values()))

    def apply(self, config: Config) -> Recognition:
        """Observe what this configuration says, whole or not at all; the game that its ROM is.

        Runs that stay go on without losing a game: what is being played ends by the configuration it began with.

        Raises:
            SetupError: ROM or emulator are missing, or an output folder cannot be used.
            AlreadyRunning: another daemon works on an output folder.
            StoreError: a database cannot be used.
        """
        rom = app.check_setup(config)
        rom_sha256 = Digest(rom.sha256)
        found: dict[Path, app.Run] = {}
        with ExitStack() as opening:
            for section in config.runs:
                known = self._open.get(section.output)
                found[section.output] = known or opening.enter_context(
                    app.open_run(config, section, clock=self._clock, backend=self._backend, rom_sha256=rom_sha256)
                )
            opening.pop_all()
        for section in config.runs:
            if section.output in self._open:
                found[section.output].reconfigure(config, section, rom_sha256=rom_sha256)
        for output in self._open.keys() - found.keys():
            self._close(output)
        self._open = found
        if rom.warning:
            log.warning("rom.unrecognised", problem=rom.warning)
        return rom

    def _close(self, output: Path) -> None:
        run = self._open.pop(output)
        try:
            run.dispatch.stop_all()
        except (OSError, sqlite3.Error) as error:  # its jobs go back when it is opened the next time
            log.warning("run.closed", run=run.name, problem=str(error))
        finally:
            run.close()
