"""The composition root of the daemon: a configuration becomes the running thing.

Owns which part is given what. Everything below is handed its own section, never the whole configuration.
"""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from env.cartridge import Cartridge
from env.errors import EmulatorMissing, RomError
from env.options import EnvironmentOptions
from env.process import find_program
from env.recognition import Recognition, recognise
from observer.adapters import closed
from observer.adapters.backends import Backend
from observer.adapters.backends.process import ProcessBackend
from observer.adapters.letterbox import Letterbox
from observer.adapters.lock import FolderLock
from observer.adapters.opponents import read_opponent
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import FactName, Store, set_aside
from observer.adapters.traininglog import TrainingLog
from observer.adapters.writers import Writer
from observer.adapters.writers.metrics_csv import MetricsCsv
from observer.adapters.writers.report import Report
from observer.adapters.writers.tensorboard import TensorBoard
from observer.config import Config, RunSection
from observer.core.clock import Clock, iso
from observer.core.errors import SetupError, StoreDamaged
from observer.core.layout import RunLayout
from observer.core.models import Digest, JobKind
from observer.planner import Planner
from observer.stages import closing
from observer.stages.commands import Commands, CommandSettings
from observer.stages.dispatch import Dispatch, DispatchSettings, Products, RunWork
from observer.stages.ending import Ending, EndingSettings
from observer.stages.intake import Intake, IntakeSettings
from observer.stages.publishing import Publishing
from observer.stages.rebuilding import Rebuilding
from observer.stages.recordings import Recordings, RecordingSettings
from observer.stages.references import References, ReferenceSettings
from observer.stages.retention import Retention, RoomSettings
from observer.stages.timelapse import Timelapse, TimelapseSettings
from observer.stages.trainer import Trainer
from observer.stages.upkeep import Upkeep

log = structlog.get_logger()

WORKER_COMMAND: Final = (sys.executable, "-m", "observer.worker")


class Run:
    """One training run being observed: its lock, its database and its stages; a context manager."""

    def __init__(self, config: Config, run: RunSection, *, clock: Clock, backend: Backend, rom_sha256: Digest) -> None:
        self._config = config
        self._run = run
        self._clock = clock
        self._backend = backend
        self._planner = Planner(evaluation=config.evaluation, rom_sha256=rom_sha256)  # its opponent is not read yet
        self._resources = ExitStack()
        self.layout = RunLayout(run.output)
        self.store = Store(self.layout.database)
        self.letterbox = Letterbox(self.layout)
        self._rebuilding = Rebuilding(store=self.store, layout=self.layout, clock=clock)
        #: the database is new, and copies of checkpoints may lie there from before it
        self._misses_snapshots = False

    def __enter__(self) -> Self:
        """Take the output folder and take up what was left there.

        Raises:
            AlreadyRunning: another daemon works on it.
            StoreError: its database cannot be used.
            SetupError: the folder cannot be written.
        """
        with ExitStack() as opening:
            try:
                opening.enter_context(FolderLock(self.layout.lock))
                self.letterbox.folder.mkdir(parents=True, exist_ok=True)
                closing.finish(self.layout, now=self._clock.now())
                self._planner = Planner.read(self._config.evaluation, self._planner.rom_sha256, keep_in=self.layout)
            except OSError as error:
                raise SetupError(f"the output folder {self._run.output} cannot be used: {error.strerror}") from error
            self._open_store(opening)
            self._set_run_work()
            self.dispatch = Dispatch(
                settings=self._dispatch_settings(),
                products=self._products(),
                store=self.store,
                layout=self.layout,
                backend=self._backend,
                clock=self._clock,
            )
            self.trainer = self._new_trainer()
            self._build()
            self._rebuild()
            self.dispatch.recover()
            self._keep_to_rom()
            self._resources = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_to_be_closed(self) -> bool:
        """Somebody asked for it: `begin_anew` does it."""
        return self.layout.closing.exists()

    def begin_anew(self) -> None:
        """Close what was observed so far, and observe on into an empty folder.

        Raises:
            OSError: something could not be moved; the next call goes on with it.
        """
        self.dispatch.stop_all()
        self.close()
        self.__enter__()

    def close(self) -> None:
        """Let go of the output folder."""
        self._resources.close()

    def _open_store(self, opening: ExitStack) -> None:
        """The database; one that is damaged is kept under another name, and a new one takes its place."""
        try:
            opening.enter_context(self.store)
        except StoreDamaged as error:
            problem = str(error)
        else:
            return
        kept = set_aside(self.layout.database, mark=iso(self._clock.now()).replace(":", ""))
        log.error(
            "database.replaced",
            problem=problem,
            kept=str(kept),
            then="it is found again from the results",
            lost="what was paused, parked or passed over",
        )
        opening.enter_context(self.store)

    def _rebuild(self) -> None:
        """Results that lie on disk and are not in the database come into it."""
        self._misses_snapshots = not self.store.totals.checkpoints()
        self._rebuilding.take_in_results(self._products().render_spec)

    def scan(self) -> None:
        """Look at the watched folder; then at the copies of checkpoints, where the database knew of none.

        In this order, for only the files have names; a file may have been copied and not yet recorded when a daemon ended.
        """
        if not self.retention.may_take_in:
            return
        self.intake.scan()
        if self._misses_snapshots and self.intake.is_idle:
            plans = self._planner.planned(self._environment).to_queue
            self._rebuilding.take_in_snapshots(plans, trust=self._config.policy.trust)
            self._misses_snapshots = False

    @property
    def may_be_swept(self) -> bool:
        """It is known what is needed."""
        return not self._misses_snapshots

    def reconfigure(self, config: Config, run: RunSection, *, rom_sha256: Digest) -> None:
        """Go on by another configuration with the same output folder, as after a restart, but without ending a worker."""
        is_same_log = self._log_place(run) == self._log_place(self._run)
        planner = Planner.read(config.evaluation, rom_sha256, keep_in=self.layout)
        self._config, self._run, self._planner = config, run, planner
        self._build()
        self._set_run_work()
        self.dispatch.reconfigure(self._dispatch_settings(), self._products())
        self._keep_to_rom()
        if not is_same_log:
            self.trainer = self._new_trainer()

    def _keep_to_rom(self) -> None:
        if parked := self.store.cartridges.keep_to(self._planner.rom_sha256, now=self._clock.now()):
            log.warning("jobs.parked", run=self.name, jobs=parked, problem="they were planned for another ROM")

    @property
    def name(self) -> str:
        return self._run.name

    @property
    def is_idle(self) -> bool:
        """Everything that was found and may be done is done, filmed and published."""
        return self.intake.is_idle and not self.has_work and not self.publishing.is_behind

    @property
    def is_all_done(self) -> bool:
        """Nothing of it waits, runs or is being taken in, paused or not."""
        return self.intake.is_idle and not self.store.unfinished()

    @property
    def has_work(self) -> bool:
        """Something waits or runs that may be done now: a paused run has nothing to do."""
        return self.store.unfinished() > 0 and not self.is_paused

    @property
    def is_paused(self) -> bool:
        return self.store.facts.get(FactName.PAUSED) is not None

    def _build(self) -> None:
        snapshots = Snapshots(self.layout)
        self.intake = Intake(settings=self._intake_settings(), store=self.store, snapshots=snapshots, clock=self._clock)
        self.publishing = Publishing(
            self.store,
            self.layout,
            writers(self.layout, run=self._run.name),
            clock=self._clock,
            training=lambda: self.trainer.speed,
            recorded=self.recordings.recorded,
        )
        self.upkeep = Upkeep(
            store=self.store, layout=self.layout, snapshots=snapshots, letterbox=self.letterbox, clock=self._clock
        )
        room = RoomSettings(**self._config.disk.model_dump())
        self.retention = Retention(settings=room, store=self.store, layout=self.layout, clock=self._clock)
        self.ending = Ending(
            settings=EndingSettings(folder=self._run.watch, ended_after_hours=self._config.watch.ended_after_hours),
            store=self.store,
            clock=self._clock,
        )
        self.commands = Commands(
            settings=self._command_settings(),
            store=self.store,
            snapshots=snapshots,
            letterbox=self.letterbox,
            clock=self._clock,
        )

    def _command_settings(self) -> CommandSettings:
        return CommandSettings(
            environment=self._environment,
            planned=self._planner.planned,
            trust=self._config.policy.trust,
            close=partial(closing.intend, self.layout),
        )

    @property
    def _environment(self) -> EnvironmentOptions:
        return (self._run.environment or self._config.environment).options()

    def _new_trainer(self) -> Trainer:
        folders, without = self._log_place(self._run)
        return Trainer(TrainingLog(folders, without=without), clock=self._clock)

    def _log_place(self, run: RunSection) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Where the trainer's log is looked for, and where it is not."""
        if run.training_log is not None:
            return (run.training_log,), ()
        return (run.watch.parent, run.watch), (run.watch, run.output)

    def _intake_settings(self) -> IntakeSettings:
        return IntakeSettings(
            folder=self._run.watch,
            settle_seconds=self._config.watch.settle_seconds,
            network_settle_seconds=self._config.watch.network_settle_seconds,
            environment=self._environment,
            planned=self._planner.planned,
            trust=self._config.policy.trust,
            closed=closed.read(self.layout.closed_list),
        )

    def _products(self) -> Products:
        return Products(
            settings=self._dispatch_settings(),
            store=self.store,
            layout=self.layout,
            clock=self._clock,
            of_run=self._of_run,
        )

    def _set_run_work(self) -> None:
        rom, sha256, classes = self._config.environment.rom_path, self._planner.rom_sha256, self._config.policy.classes
        store, layout, clock = self.store, self.layout, self._clock
        lapse = TimelapseSettings(rom=rom, rom_sha256=sha256, seconds=self._config.clips.timelapse_seconds)
        self.timelapse = Timelapse(settings=lapse, store=store, layout=layout, clock=clock)
        players = ReferenceSettings(
            rom=rom, rom_sha256=sha256, players=self._config.evaluation.references, classes=classes
        )
        self.references = References(settings=players, store=store, layout=layout, clock=clock)
        self.recordings = self._new_recordings()
        self._of_run: dict[JobKind, RunWork] = {JobKind.FILM: self.recordings, JobKind.REFERENCE: self.references}
        self._of_run[JobKind.TIMELAPSE] = self.timelapse

    def _new_recordings(self) -> Recordings:
        clips, rom = self._config.clips, self._config.environment.rom_path
        settings = RecordingSettings(
            folder=self._run.recordings_folder, film_every=clips.training_every, rom=rom, encoding=clips.encoding()
        )
        return Recordings(settings=settings, store=self.store, layout=self.layout, clock=self._clock)

    def _dispatch_settings(self) -> DispatchSettings:
        queue, workers = self._config.queue, self._config.workers
        return DispatchSettings(
            backlog=queue.policy(),
            max_failures=queue.max_failures,
            backoff_seconds=queue.backoff_seconds,
            stall_cpu_seconds=workers.stall_cpu_seconds,
            stall_seconds=workers.stall_seconds,
            rom=self._config.environment.rom_path,
            rom_sha256=self._planner.rom_sha256,
            trusted_classes=self._config.policy.classes,
            trust=self._config.policy.trust,
            reasons=self._config.clips.choose,
            encoding=self._config.clips.encoding(),
            overlay=self._config.clips.overlay,
        )


def check_setup(config: Config) -> Recognition:
    """What every checkpoint needs is there; the ROM, and which game it is.

    Raises:
        SetupError: the ROM or the opponent cannot be used, or the emulator is not installed; checkpoints wait meanwhile.
    """
    read_opponent(config.evaluation.opponent)
    try:
        find_program("mednafen", package="mednafen")
        find_program("setpriv", package="util-linux")
        return recognise(Cartridge.read(config.environment.rom_path))
    except (RomError, EmulatorMissing) as error:
        raise SetupError(str(error)) from error


def writers(layout: RunLayout, *, run: str) -> list[Writer]:
    """The projections of a run."""
    return [MetricsCsv(layout.metrics), TensorBoard(layout.tensorboard), Report(path=layout.report, run=run)]


def worker_backend(config: Config) -> ProcessBackend:
    return ProcessBackend(slots=config.workers.count, command=WORKER_COMMAND)


def open_run(config: Config, run: RunSection, *, clock: Clock, backend: Backend, rom_sha256: Digest) -> Run:
    """A run with its stages wired; enter it to begin."""
    return Run(config, run, clock=clock, backend=backend, rom_sha256=rom_sha256)
