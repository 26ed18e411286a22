"""From files in a watched folder to checkpoints in the queue: settled, whole, hashed, copied, admitted.

The scan is the truth; an event only makes it come sooner. What is known about files beyond the database is derived
again by scanning. One bad file never stops the others.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from env.options import EnvironmentOptions, OptionsError
from observer.adapters.checkpoint_folder import Listing, companion_name, list_folder, read_sidecar
from observer.adapters.machine import is_on_network
from observer.adapters.recognition import checkpoint_of, step_in_name
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import FactName, Store
from observer.checkpointfile import FileIdentity, read_file, readable
from observer.core.asking import Fact
from observer.core.clock import Clock
from observer.core.companion import Companion
from observer.core.errors import CheckpointCorrupt, CheckpointError, CheckpointIncomplete, CheckpointVanished, Verdict
from observer.core.models import Checkpoint, Digest, EvaluationPlan, JobState, ParkedFile, Trust
from observer.core.plan import Planned, plan_digest
from observer.sb3zip import check_archive

log = structlog.get_logger()

#: an incomplete file that has not changed for so long will not be finished any more
DAMAGED_AFTER_SECONDS: Final = 600.0
LONGEST_WAIT_SECONDS: Final = 60.0
#: read in one scan: with thousands of files at once the loop must still come round
READS_PER_SCAN: Final = 64
BYTES_PER_SCAN: Final = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    folder: Path
    settle_seconds: float
    #: where other machines write: their files are seen late and in pieces
    network_settle_seconds: float
    #: what the checkpoints were made with, unless a file beside them says so
    environment: EnvironmentOptions
    planned: Callable[[EnvironmentOptions], Planned]
    #: `unpickle`: what cannot be read as data is still admitted
    trust: Trust
    #: whether other machines may write into a folder
    is_remote: Callable[[Path], bool] = is_on_network


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """A file that is not dealt with yet. Times are monotonic."""

    identity: FileIdentity
    #: of what was saved beside it
    companion: FileIdentity | None
    unchanged_since: float
    next_look: float
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Environment:
    """What the folder's checkpoints are to be played with, or why that is not known."""

    #: equal keys: the same plans, or the same problem
    key: str
    #: in the order to queue them; none where there is a problem
    plans: tuple[EvaluationPlan, ...] = ()
    problem: str = ""


class Intake:
    """One run's watched folder; call `scan` when something may have changed, and at `next_look`."""

    def __init__(self, *, settings: IntakeSettings, store: Store, snapshots: Snapshots, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._snapshots = snapshots
        self._clock = clock
        self._seen: dict[str, str] | None = None
        #: paths of files that cannot be used
        self._parked: set[str] = set()
        self._forgotten: Fact | None = None
        self._sightings: dict[str, _Sighting] = {}
        self._sidecar: tuple[FileIdentity | None, float] = (None, float("-inf"))
        self._environment: _Environment | None = None
        self._folder_problem = ""
        #: device of the folder, and how long files in it must stay as they are
        self._device: int | None = None
        self._settle_seconds = settings.settle_seconds

    @property
    def is_idle(self) -> bool:
        """Every file that the last scan saw is admitted, parked or dropped."""
        return self._seen is not None and not self._sightings

    @property
    def next_look(self) -> float | None:
        """Monotonic time at which a scan will find something to do by itself; None: only after a change."""
        looks = [sighting.next_look for sighting in self._sightings.values()]
        if not looks:
            return None
        _, sidecar_since = self._sidecar
        return min(looks) if self._environment else max(min(looks), sidecar_since + self._settle_seconds)

    def scan(self) -> None:
        """Look at the folder, and deal with the files whose time has come."""
        self._remember()
        listing = list_folder(self._settings.folder)
        self._tell_about_folder(listing if isinstance(listing, str) else "")
        if isinstance(listing, str):
            self._sightings.clear()
            return
        self._learn_place(listing)
        self._forget_parked(listing)
        now = self._clock.monotonic()
        environment = self._environment_now(listing, now)
        self._update_sightings(listing, environment, now=now)
        if environment is not None:
            for name in self._due(now):
                self._look(name, environment)

    def _remember(self) -> None:
        """What was made of the files before; anew where somebody has asked for some of them again."""
        forgotten = self._store.facts.get(FactName.FORGOTTEN)
        if self._seen is None or forgotten != self._forgotten:
            self._seen, self._forgotten = self._store.seen_files(), forgotten
            self._parked = {file.path for file in self._store.parked_files()}

    def _forget_parked(self, listing: Listing) -> None:
        """A file that could not be used and is no longer there concerns nobody any more."""
        if not self._parked:
            return
        gone = self._parked - {self._path(name) for name in listing.checkpoints}
        if gone:
            self._store.forget_files(gone)
            self._parked -= gone
            for path in gone:
                (self._seen or {}).pop(path, None)

    def _tell_about_folder(self, problem: str) -> None:
        folder = str(self._settings.folder)
        if problem and problem != self._folder_problem:
            log.warning("folder.missed", folder=folder, problem=problem, waiting="until it can be read")
        elif not problem and self._folder_problem:
            log.info("folder.found", folder=folder)
        self._folder_problem = problem

    def _learn_place(self, listing: Listing) -> None:
        """Whether other machines may write into the folder, as long as it lies where it lies."""
        if listing.device == self._device:
            return
        self._device = listing.device
        is_remote = self._settings.is_remote(self._settings.folder)
        settings = self._settings
        self._settle_seconds = settings.network_settle_seconds if is_remote else settings.settle_seconds
        if is_remote:
            how = "no events of other machines come from there: it is read again and again instead"
            log.info("folder.remote", folder=str(settings.folder), settle_seconds=self._settle_seconds, how=how)

    def _environment_now(self, listing: Listing, now: float) -> _Environment | None:
        """None: the file beside the checkpoints has just changed; it may be half written."""
        identity, since = self._sidecar
        if listing.sidecar is None and identity is not None:  # its last word counts until the daemon is started anew
            return self._environment
        if listing.sidecar != identity:
            self._sidecar, self._environment = (listing.sidecar, now), None
            return None
        if self._environment is None and now - since >= self._settle_seconds:
            self._environment = self._read_environment(identity)
        return self._environment

    def _read_environment(self, sidecar: FileIdentity | None) -> _Environment:
        try:
            options = self._settings.environment if sidecar is None else read_sidecar(self._settings.folder)
        except OptionsError as error:
            problem = str(error)
        else:
            planned = self._settings.planned(options)
            for name, reason in planned.refused.items():
                log.error("scenario.refused", scenario=name, problem=reason)
            if planned.plans:
                return _Environment(
                    key="-".join(plan_digest(plan)[:16] for plan in planned.plans), plans=planned.to_queue
                )
            problem = "; ".join(planned.refused.values())
        log.error("environment.refused", problem=problem)
        return _Environment(key=f"bad:{'' if sidecar is None else _key(sidecar)}", problem=problem)

    def _update_sightings(self, listing: Listing, environment: _Environment | None, *, now: float) -> None:
        old, self._sightings = self._sightings, {}
        for name, identity in listing.checkpoints.items():
            companion = listing.companion_of(name)
            if environment is not None and self._is_seen(name, _seen_as(identity, companion, environment)):
                continue
            known = old.get(name)
            if known is None or (known.identity, known.companion) != (identity, companion):
                wait = self._settle_seconds
                known = _Sighting(
                    identity=identity,
                    companion=companion,
                    unchanged_since=now,
                    next_look=now + wait,
                    wait_seconds=wait,
                )
            self._sightings[name] = known

    def _due(self, now: float) -> list[str]:
        """The files to read in this scan, newest first; a file seen for the first time waits for the next one."""
        due = [
            (step_in_name(name), sighting.identity.modified_ns, name)
            for name, sighting in self._sightings.items()
            if sighting.next_look <= now and sighting.unchanged_since < now
        ]
        chosen: list[str] = []
        size = 0
        for *_, name in sorted(due, reverse=True)[:READS_PER_SCAN]:
            size += self._sightings[name].identity.size
            if chosen and size > BYTES_PER_SCAN:
                break
            chosen.append(name)
        return chosen

    def _look(self, name: str, environment: _Environment) -> None:
        try:
            self._admit(name, environment)
        except CheckpointError as error:
            self._refuse(name, error, environment)
        except OSError as error:  # of our own disk: the file is as good as before
            problem = f"no copy of it can be kept in the output folder: {error}"
            log.warning("checkpoint.delayed", name=readable(name), problem=problem)
            self._look_later(name)

    def _admit(self, name: str, environment: _Environment) -> None:
        sighting = self._sightings[name]
        blob, identity = read_file(self._settings.folder / name)
        if identity != sighting.identity:
            raise CheckpointIncomplete("changing", f"{readable(name)} changed before it was read.")
        check_archive(blob)
        beside = self._read_companion(name, sighting)
        checkpoint = checkpoint_of(blob, name=name, trust=self._settings.trust, seen_at=self._clock.now())
        if not environment.plans:
            self._park(name, "bad_environment", environment.problem, environment=environment)
            return
        states = [self._store.evaluation_state(checkpoint.digest, plan) for plan in environment.plans]
        if any(state is not JobState.DONE for state in states):
            self._snapshots.keep(checkpoint.digest, blob)
        companion = self._keep_companion(checkpoint, beside, is_late=JobState.DONE in states)
        seen_as = _seen_as(identity, sighting.companion, environment)
        jobs = self._store.admit(
            checkpoint, environment.plans, path=self._path(name), seen_as=seen_as, companion=companion
        )
        self._parked.discard(self._path(name))
        self._forget(name, seen_as)
        event = "checkpoint.admitted" if jobs else "checkpoint.recognised"
        log.info(event, step=checkpoint.step, name=checkpoint.name, digest=checkpoint.digest[:8])

    def _read_companion(self, name: str, sighting: _Sighting) -> tuple[Companion, bytes] | None:
        """What was saved beside a checkpoint; one that cannot be used is left out and said.

        Raises:
            CheckpointIncomplete: it is still being written.
        """
        if sighting.companion is None:
            return None
        beside = companion_name(name)
        try:
            blob, identity = read_file(self._settings.folder / beside)
        except CheckpointCorrupt as error:
            log.warning("companion.refused", name=readable(beside), problem=error.sentence)
            return None
        except CheckpointVanished as error:
            raise CheckpointIncomplete("changing", f"{readable(beside)} has just gone.") from error
        if identity != sighting.companion:
            raise CheckpointIncomplete("changing", f"{readable(beside)} changed before it was read.")
        digest = Digest(hashlib.sha256(blob).hexdigest())
        now = self._clock.now()
        return Companion(kind="vecnormalize", digest=digest, name=readable(beside), size=len(blob), seen_at=now), blob

    def _keep_companion(
        self, checkpoint: Checkpoint, beside: tuple[Companion, bytes] | None, *, is_late: bool
    ) -> Companion | None:
        if beside is None or self._store.companion(checkpoint.digest) == beside[0].digest:
            return None
        self._snapshots.keep_companion(checkpoint.digest, *beside)
        told = {"step": checkpoint.step, "name": beside[0].name}
        if is_late:
            log.warning("checkpoint.paired", problem="it came after its checkpoint was played without it", **told)
        else:
            log.info("checkpoint.paired", **told)
        return beside[0]

    def _refuse(self, name: str, error: CheckpointError, environment: _Environment) -> None:
        sighting = self._sightings[name]
        if error.verdict is Verdict.DROP:
            log.info("checkpoint.vanished", name=readable(name))
            self._forget(name, _seen_as(sighting.identity, sighting.companion, environment))
        elif error.verdict is Verdict.PARK:
            self._park(name, error.word, error.sentence, environment=environment)
        elif self._clock.monotonic() - sighting.unchanged_since >= DAMAGED_AFTER_SECONDS:
            word = error.word if error.word == "permission" else "damaged"
            minutes = f"It has not changed for {DAMAGED_AFTER_SECONDS / 60:.0f} minutes."
            self._park(name, word, f"{error.sentence} {minutes}", environment=environment)
        else:
            if sighting.wait_seconds == self._settle_seconds:  # not looked at before
                log.info("checkpoint.awaited", name=readable(name), word=error.word, sentence=readable(error.sentence))
            self._look_later(name)

    def _look_later(self, name: str) -> None:
        sighting = self._sightings[name]
        wait = min(max(2 * sighting.wait_seconds, 1.0), LONGEST_WAIT_SECONDS)
        next_look = self._clock.monotonic() + wait
        self._sightings[name] = replace(sighting, next_look=next_look, wait_seconds=wait)

    def _park(self, name: str, word: str, sentence: str, *, environment: _Environment) -> None:
        sighting = self._sightings[name]
        seen_as = _seen_as(sighting.identity, sighting.companion, environment)
        file = ParkedFile(path=self._path(name), word=word, sentence=readable(sentence), seen_at=self._clock.now())
        self._store.park_file(file, seen_as=seen_as)
        self._parked.add(file.path)
        self._forget(name, seen_as)
        log.error("checkpoint.parked", name=readable(name), word=word, sentence=readable(sentence))

    def _is_seen(self, name: str, seen_as: str) -> bool:
        return self._seen is not None and self._seen.get(self._path(name)) == seen_as

    def _forget(self, name: str, seen_as: str) -> None:
        """It is dealt with until it looks different."""
        if self._seen is not None:
            self._seen[self._path(name)] = seen_as
        del self._sightings[name]

    def _path(self, name: str) -> str:
        return readable(str(self._settings.folder / name))


def _key(identity: FileIdentity) -> str:
    return f"{identity.device}:{identity.inode}:{identity.size}:{identity.modified_ns}:{identity.changed_ns}"


def _seen_as(identity: FileIdentity, companion: FileIdentity | None, environment: _Environment) -> str:
    """What a file looked like and what it was to be played with: while that stays, there is nothing new about it."""
    beside = "" if companion is None else f"+{_key(companion)}"
    return f"{_key(identity)}{beside}/{environment.key}"
