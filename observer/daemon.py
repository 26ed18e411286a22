"""The loop: one thread owns the state; events, schedules and signals only post to its inbox.

A step that fails is logged and tried again a little later; it stops neither the loop nor the other runs.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import structlog

from observer import app
from observer.adapters import confinement
from observer.adapters.backends import Backend, Exit
from observer.adapters.store import is_damage
from observer.adapters.systemd import Notifier
from observer.config import Config
from observer.core.clock import Clock, SystemClock
from observer.core.daemonstate import DaemonState, Problem
from observer.core.errors import ExitCode, SetupError, StoreDamaged
from observer.core.models import JobState
from observer.producers import Inbox, Message, Producers, signals
from observer.reloading import Reloading
from observer.runs import Runs
from observer.selftest import SelfTest
from observer.stages.status import Bulletin

log = structlog.get_logger()

#: workers are asked whether they have ended so often, while any runs
POLL_SECONDS: Final = 0.25
#: jobs that wait may be waiting for a back-off to be over: they are looked at so often
BACKOFF_LOOK_SECONDS: Final = 5.0
#: with nothing to do at all
IDLE_WAIT_SECONDS: Final = 60.0
#: a file that is being written wakes us with every write; scanning more often than this finds nothing sooner
SCAN_PAUSE_SECONDS: Final = 0.25
#: a step that failed is left alone so long, and twice as long after each further failure
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class Steps:
    """Runs steps that may fail without taking the loop along."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[str, tuple[float, float]] = {}
        #: step -> what is wrong with it now
        self.problems: dict[str, str] = {}

    def run(self, name: str, step: Callable[[], None]) -> None:
        until, pause = self._pauses.get(name, (float("-inf"), FIRST_PAUSE_SECONDS / 2))
        now = self._clock.monotonic()
        if now < until:
            return
        try:
            step()
        except Exception as error:
            if is_damage(error):
                raise StoreDamaged(
                    f"{name}: the database is damaged ({error}): start again, it is then replaced"
                ) from error
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            self._pauses[name] = (now + pause, pause)
            self.problems[name] = str(error)
            # a full disk or a lost folder is a matter for the operator, all else for us
            is_machine = isinstance(error, OSError | sqlite3.OperationalError)
            log.exception("step.failed", step=name, problem=str(error), retry_seconds=pause, exc_info=not is_machine)
        else:
            self._pauses.pop(name, None)
            self.problems.pop(name, None)


class Daemon:
    """The runs and the loop body; `tick` is called by `run`, and by tests."""

    def __init__(self, runs: Iterable[app.Run], *, backend: Backend, clock: Clock, notifier: Notifier) -> None:
        """`runs` may give others when it is iterated anew, after the configuration has changed."""
        self._runs = runs
        self._backend = backend
        self._clock = clock
        self._notifier = notifier
        self._steps = Steps(clock)
        self._scan_at = float("-inf")
        self._scan_wanted = True
        self._sweep_wanted = True
        self._is_stopping = False
        #: by name of the run, as last read from its database
        self._statuses: dict[str, str] = {}
        self._has_work: dict[str, bool] = {}
        self._started_at = clock.now()
        self._bulletin = Bulletin()
        #: None: nothing tells of changes, or the configuration stays as it is
        self.producers: Producers | None = None
        self.reloading: Reloading | None = None
        #: None: whoever runs the loop knows that games can be compared
        self.self_test: SelfTest | None = None

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    @property
    def is_idle(self) -> bool:
        """Everything that was found is done, filmed and published."""
        return not self._scan_wanted and all(self._is_run_idle(run) for run in self._runs)

    def _is_run_idle(self, run: app.Run) -> bool:
        found = []
        self._steps.run(f"{run.name} idle", lambda: found.append(run.is_idle))
        return found == [True]

    @property
    def refusal(self) -> str:
        """Why nothing at all will be evaluated; empty: it is, or it may yet be."""
        return self.self_test.problem if self.self_test is not None and self.self_test.is_refused else ""

    def tick(self, messages: set[Message]) -> None:
        """One turn: what was asked, then each stage in the order a checkpoint travels."""
        self._is_stopping |= Message.STOP in messages
        if self._is_stopping:
            return
        self._reload(messages)
        self._scan_wanted |= bool(messages & {Message.FOLDER_CHANGED, Message.ASKED, Message.SCAN_DUE, Message.RELOAD})
        self._sweep_wanted |= Message.SWEEP_DUE in messages
        if self.producers is not None:
            self.producers.keep_time()
        self._scan()
        for run in self._runs:
            self._steps.run(f"{run.name} commands", partial(self._obey, run))
        exits = self._backend.poll()
        for run in self._runs:
            run.dispatch.note(exits)  # told once: a run that waits out a failure must not miss them
            self._steps.run(f"{run.name} collect", run.dispatch.collect)
            self._steps.run(f"{run.name} stalled", run.dispatch.stop_stalled)
            self._steps.run(f"{run.name} rest", run.dispatch.rest)
            self._steps.run(f"{run.name} disk", run.retention.look)
            self._steps.run(f"{run.name} timelapse", run.timelapse.refresh)
            self._steps.run(f"{run.name} references", run.references.refresh)
        if self._is_tested(exits):
            self._start_more()
        for run in self._runs:
            self._steps.run(f"{run.name} ending", partial(self._look_for_end, run))
            self._steps.run(f"{run.name} publish", run.publishing.flush)
        self._sweep()
        for run in self._runs:
            run.trainer.note(is_busy=self._backend.running > 0)
            self._steps.run(f"{run.name} training", run.trainer.look)
            self._steps.run(f"{run.name} bulletin", partial(self._bulletin.say, run.layout, self._state(run)))
        self._notifier.watchdog(self.status_line())

    def wait_seconds(self) -> float:
        """How long the loop may wait for a message before its next turn."""
        now = self._clock.monotonic()
        looks = [run.intake.next_look for run in self._runs]
        waits = [max(look - now, SCAN_PAUSE_SECONDS) for look in looks if look is not None]
        waits += [max(self._scan_at - now, 0.0)] if self._scan_wanted else []
        waits += [POLL_SECONDS] if self._backend.running else []
        waits += [BACKOFF_LOOK_SECONDS] if any(self._has_work.get(run.name) for run in self._runs) else []
        waits += [self._notifier.watchdog_seconds / 3] if self._notifier.watchdog_seconds else []
        return min(waits, default=IDLE_WAIT_SECONDS)

    def stop(self) -> None:
        """End the workers; their jobs go back and resume later."""
        if self.self_test is not None:
            self.self_test.stop()
        for run in self._runs:
            self._steps.run(f"{run.name} stop", run.dispatch.stop_all)

    def status_line(self) -> str:
        """How far each run is, for the service manager; as last known, where a database cannot be read now."""
        for run in self._runs:
            self._steps.run(f"{run.name} status", partial(self._read_status, run))
        return "; ".join(self._statuses.get(run.name, f"{run.name}: not known") for run in self._runs)

    def _is_tested(self, exits: Sequence[Exit]) -> bool:
        if self.self_test is None:
            return True
        self._steps.run("self-test", partial(self.self_test.look, exits))
        return self.self_test.is_passed

    def _obey(self, run: app.Run) -> None:
        if run.commands.obey():
            self._scan_wanted = True  # files may have been asked for again
        if run.is_to_be_closed:
            run.begin_anew()

    def _look_for_end(self, run: app.Run) -> None:
        run.ending.look(is_all_done=not self._scan_wanted and run.is_all_done)

    def _read_status(self, run: app.Run) -> None:
        counts = run.store.counts()
        told = [f"{counts[state]} {state.value}" for state in JobState]
        told += ["paused"] if run.is_paused else []
        self._statuses[run.name] = f"{run.name}: " + ", ".join(told)
        self._has_work[run.name] = run.has_work

    def _reload(self, messages: set[Message]) -> None:
        if Message.RELOAD in messages and self.reloading is not None:
            self._notifier.reloading(monotonic_seconds=self._clock.monotonic())
            self.reloading.reload()
            self._notifier.ready(self.status_line())

    def _state(self, run: app.Run) -> DaemonState:
        """What there is to say of the daemon's work on a run, beside what its database says."""
        said = {step.rpartition(" "): sentence for step, sentence in self._steps.problems.items()}
        problems = {what: sentence for (name, _, what), sentence in said.items() if name == run.name}
        problems |= {"configuration": self.reloading.problem} if self.reloading and self.reloading.problem else {}
        problems |= {"setup": run.dispatch.held_for} if run.dispatch.held_for else {}
        problems |= {"self-test": self.self_test.problem} if self.self_test and self.self_test.problem else {}
        problems |= {"room": run.retention.problem} if run.retention.problem else {}
        problems |= {"watch": run.intake.problem} if run.intake.problem else {}
        return DaemonState(
            pid=os.getpid(),
            started_at=self._started_at,
            problems=tuple(Problem(what=what, sentence=sentence) for what, sentence in sorted(problems.items())),
            training=run.trainer.speed,
        )

    def _scan(self) -> None:
        now = self._clock.monotonic()
        looks = [run.intake.next_look for run in self._runs]
        is_due = self._scan_wanted or any(look is not None and look <= now for look in looks)
        if not is_due or now < self._scan_at:
            return
        self._scan_at, self._scan_wanted = now + SCAN_PAUSE_SECONDS, False
        if self.producers is not None:
            self.producers.rearm()
        for run in self._runs:
            self._steps.run(f"{run.name} intake", run.scan)
            self._steps.run(f"{run.name} recordings", run.recordings.look)

    def _start_more(self) -> None:
        """A job of each run in turn, until the backend is full or nothing is due."""
        waiting = list(self._runs)
        while waiting:
            waiting = [run for run in waiting if self._start_one(run)]

    def _start_one(self, run: app.Run) -> bool:
        if run.retention.problem:
            return False
        started = []
        self._steps.run(f"{run.name} start", lambda: started.append(run.dispatch.start_one()))
        return started == [True]

    def _sweep(self) -> None:
        if self._sweep_wanted and all(run.may_be_swept for run in self._runs):
            self._sweep_wanted = False
            for run in self._runs:
                self._steps.run(f"{run.name} sweep", run.upkeep.sweep)


def run(
    config: Config,
    *,
    until_idle: bool = False,
    on_turn: Callable[[], None] = lambda: None,
    read_again: Callable[[], Config] | None = None,
    backend: Backend | None = None,
    notifier: Notifier | None = None,
) -> int:
    """Observe the configured runs until told to stop; the exit code.

    Args:
        config: the whole configuration.
        until_idle: end when everything that was found is done, filmed and published.
        on_turn: called after each turn of the loop.
        read_again: gives the configuration anew on SIGHUP; None: it does not change.
        backend: where workers run; by default as children of this process.
        notifier: the service manager; by default the one in the environment.

    Raises:
        SetupError: ROM or emulator are missing, or its games cannot be compared and nothing else is waited for.
        AlreadyRunning: another daemon works on an output folder.
        StoreError: a database cannot be used.
    """
    clock, inbox = SystemClock(), Inbox()
    notifier = notifier or Notifier.from_environment()
    if problem := confinement.support().problem:
        log.warning("confinement.missing", problem=problem)
    backend = backend or app.worker_backend(config)
    with ExitStack() as stack:
        stack.enter_context(signals(inbox))  # to the very end: a second signal must not cut a clean one short
        runs = stack.enter_context(Runs(clock=clock, backend=backend))
        rom = runs.apply(config)
        producers = stack.enter_context(Producers(inbox, clock=clock))
        daemon = Daemon(runs, backend=backend, clock=clock, notifier=notifier)
        daemon.producers = producers
        daemon.self_test = self_test = SelfTest(backend=backend, clock=clock)
        self_test.begin(config)
        if read_again is not None:
            apply = (runs.apply, lambda new: backend.resize(new.workers.count), producers.begin, self_test.begin)
            daemon.reloading = Reloading(config, read_again=read_again, apply=apply)
        stack.callback(daemon.stop)
        producers.begin(config)
        log.info("observer.started", runs=len(config.runs), workers=config.workers.count, rom=rom.name)
        notifier.ready(daemon.status_line())
        _loop(daemon, inbox, until_idle=until_idle, on_turn=on_turn)
        notifier.stopping()
    log.info("observer.stopped")
    return ExitCode.DONE


def _loop(daemon: Daemon, inbox: Inbox, *, until_idle: bool, on_turn: Callable[[], None]) -> None:
    messages: set[Message] = set()
    while True:
        daemon.tick(messages)
        on_turn()
        if daemon.is_stopping or (until_idle and daemon.is_idle):
            return
        if until_idle and daemon.refusal:
            raise SetupError(f"nothing is evaluated: {daemon.refusal}")
        messages = inbox.wait(daemon.wait_seconds())
