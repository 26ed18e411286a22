"""Before anything is evaluated: a worker tries whether games can be compared here. Until it has, and where they cannot, all wait.

Tried once for a ROM, an emulator and a version of ours; a restart finds what was found. The daemon asks and waits, it plays nothing.
"""

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

import observer
from env.process import mednafen_version
from observer import app
from observer.adapters import jobfiles
from observer.adapters.backends import Backend, Exit
from observer.config import Config
from observer.core.clock import Clock
from observer.core.errors import ExitCode, ResultInvalid
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, Failure
from observer.core.selftest import SelfTestRequest, SelfTestResult, subject

log = structlog.get_logger()

#: what was found wrong stays so until a person has mended it
REFUSED_WAIT_SECONDS: Final = 600.0
#: a worker that failed, without a word about the games, is tried again
FAILED_WAIT_SECONDS: Final = 60.0


def request_of(config: Config) -> SelfTestRequest:
    """What is tried with this configuration.

    Raises:
        SetupError: the ROM cannot be used, or Mednafen is not installed.
    """
    rom_sha256 = Digest(app.check_setup(config).sha256)
    scenario = config.environment.options().scenario
    versions = (mednafen_version(), f"observer {observer.__version__}", platform.machine())
    return SelfTestRequest(
        rom=str(config.environment.rom_path.absolute()),
        rom_sha256=rom_sha256,
        scenario=scenario,
        subject=subject(rom_sha256=rom_sha256, scenario=scenario, versions=versions),
    )


class SelfTest:
    """The daemon's side of it; `look` is called every turn."""

    def __init__(self, *, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._request: SelfTestRequest | None = None
        self._files = JobFiles(Path())
        self._is_running = False
        self._wait_until = float("-inf")
        #: nothing is in the way of evaluating
        self.is_passed = False
        #: why nothing is evaluated; empty: nothing wrong was found yet
        self.problem = ""
        #: that is so until a person has mended it
        self.is_refused = False

    def begin(self, config: Config) -> None:
        """Go by this configuration; what was tested before counts where it is the same.

        Raises:
            SetupError: as `request_of`.
        """
        self.stop()
        self._request = request_of(config)
        self._files = RunLayout(config.runs[0].output).self_test
        self._wait_until, self.problem, self.is_refused = float("-inf"), "", False
        self.is_passed = self._found_before(self._request)

    def look(self, exits: Sequence[Exit]) -> None:
        """Take in how the worker ended; start one where that is due."""
        for ended in exits:
            if self._is_running and ended.job_dir == self._files.folder:
                self._is_running = False
                self._settle(ended)
        is_due = self._clock.monotonic() >= self._wait_until and self._backend.running < self._backend.slots
        if self._request is not None and not self.is_passed and not self._is_running and is_due:
            self._start(self._request)

    def stop(self) -> None:
        """End the worker, if there is one."""
        if self._is_running:
            self._backend.stop(self._files.folder)
            self._is_running = False

    def _found_before(self, request: SelfTestRequest) -> bool:
        try:
            return jobfiles.read(SelfTestResult, self._files.result).subject == request.subject
        except ResultInvalid:
            return False

    def _start(self, request: SelfTestRequest) -> None:
        self._wait_until = self._clock.monotonic() + FAILED_WAIT_SECONDS
        shutil.rmtree(self._files.folder, ignore_errors=True)
        self._files.folder.mkdir(parents=True)
        jobfiles.write(self._files.request, request)
        self._backend.start(self._files.folder)
        self._is_running = True

    def _settle(self, ended: Exit) -> None:
        if ended.code == ExitCode.DONE and self._request is not None and self._found_before(self._request):
            self.is_passed, self.problem, self.is_refused = True, "", False
            log.info("selftest.passed", frames=jobfiles.read(SelfTestResult, self._files.result).frames)
            return
        self.is_refused = ended.code == ExitCode.SETUP
        wait = REFUSED_WAIT_SECONDS if self.is_refused else FAILED_WAIT_SECONDS
        self._wait_until, self.problem = self._clock.monotonic() + wait, self._reason(ended)
        log.error("selftest.failed", problem=self.problem, waiting=f"nothing is evaluated; again in {wait:.0f} s")

    def _reason(self, ended: Exit) -> str:
        try:
            return jobfiles.read(Failure, self._files.failure).sentence
        except ResultInvalid:
            words = jobfiles.last_words(self._files) or "it wrote nothing to its log"
            return f"the self-test ended with code {ended.code}: {words}"
