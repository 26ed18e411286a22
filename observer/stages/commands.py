"""What people ask of a run, done by its daemon: pause, resume, retry, evaluate now.

A request is a row of the database. It is left with or without a daemon, and done once, by whichever daemon comes next.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from env.options import EnvironmentOptions, OptionsError
from observer.adapters.letterbox import Letterbox
from observer.adapters.recognition import checkpoint_of
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import Store
from observer.core.asking import CloseRun, Command, CommandKind, EvaluateNow, Retry
from observer.core.clock import Clock
from observer.core.errors import CheckpointError
from observer.core.models import Trust
from observer.core.plan import Planned
from observer.sb3zip import check_archive

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    #: of checkpoints without an `environment.json` beside them
    environment: EnvironmentOptions
    planned: Callable[[EnvironmentOptions], Planned]
    trust: Trust
    #: has the run closed under a name when its requests are done
    close: Callable[[str], None]


class Commands:
    """One run's requests, done in the order they were made."""

    def __init__(
        self, *, settings: CommandSettings, store: Store, snapshots: Snapshots, letterbox: Letterbox, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._snapshots = snapshots
        self._letterbox = letterbox
        self._clock = clock

    def obey(self) -> bool:
        """Do what waits; whether there was anything.

        Raises:
            OSError: the disk is full; what was not done yet is done by a later call.
        """
        waiting = self._store.requests.waiting()
        for command in waiting:
            answer = self._do(command)
            log.info("command.done", command=command.kind.value, number=command.id, answer=answer)
        return bool(waiting)

    def _do(self, command: Command) -> str:
        requests, now = self._store.requests, self._clock.now()
        match command.kind, command.argument:
            case CommandKind.PAUSE, _:
                return requests.pause(command, now=now)
            case CommandKind.RESUME, _:
                return requests.resume(command, now=now)
            case CommandKind.RETRY, Retry() as which:
                return requests.retry(command, which, now=now)
            case CommandKind.EVALUATE, EvaluateNow() as wanted:
                return self._evaluate(command, wanted)
            case CommandKind.CLOSE, CloseRun() as closing:
                self._settings.close(closing.name)
                return requests.close(command, now=now)
        return requests.refuse(command, "not understood", now=now)

    def _evaluate(self, command: Command, wanted: EvaluateNow) -> str:
        try:
            answer = self._queue(command, wanted)
        except FileNotFoundError:
            answer = self._refuse(command, f"the copy of {wanted.path} is gone: ask again")
        except (CheckpointError, OptionsError) as error:
            answer = self._refuse(command, f"{wanted.path}: {error}")
        if wanted.digest not in self._store.requests.letters():
            self._letterbox.remove(wanted.digest)
        return answer

    def _queue(self, command: Command, wanted: EvaluateNow) -> str:
        blob = self._letterbox.take(wanted.digest)
        if hashlib.sha256(blob).hexdigest() != wanted.digest:
            return self._refuse(command, f"the copy of {wanted.path} is damaged: ask again")
        check_archive(blob)
        now = self._clock.now()
        name = wanted.path.rpartition("/")[2]
        checkpoint = checkpoint_of(blob, name=name, trust=self._settings.trust, seen_at=now)
        planned = self._settings.planned(self._environment(wanted))
        if not planned.plans:
            return self._refuse(command, f"{wanted.path}: {'; '.join(planned.refused.values())}")
        self._snapshots.keep(checkpoint.digest, blob)
        return self._store.requests.evaluate(command, checkpoint, planned.to_queue, now=now)

    def _environment(self, wanted: EvaluateNow) -> EnvironmentOptions:
        if wanted.environment is None:
            return self._settings.environment
        return EnvironmentOptions.from_json(wanted.environment, source=f"environment.json beside {wanted.path}")

    def _refuse(self, command: Command, sentence: str) -> str:
        log.error("command.refused", command=command.kind.value, number=command.id, problem=sentence)
        return self._store.requests.refuse(command, sentence, now=self._clock.now())
