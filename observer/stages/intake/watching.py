"""The files of a watched folder, until each one is admitted, parked or dropped: settled, whole, hashed, copied.

The scan is the truth; an event only makes it come sooner. What is known about files beyond the database is derived
again by scanning. One bad file never stops the others.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import structlog

from observer.adapters.checkpoint_folder import Listing, companion_name, list_folder
from observer.adapters.recognition import checkpoint_of, step_in_name
from observer.adapters.snapshots import Snapshots
from observer.adapters.store import FactName, Store
from observer.checkpointfile import FileIdentity, appearance, read_file, readable
from observer.core.asking import Fact
from observer.core.clock import Clock
from observer.core.companion import Companion
from observer.core.errors import CheckpointCorrupt, CheckpointError, CheckpointIncomplete, CheckpointVanished, Verdict
from observer.core.models import Checkpoint, Digest, JobState, ParkedFile
from observer.sb3zip import check_archive
from observer.stages.intake.settings import IntakeSettings
from observer.stages.intake.surroundings import FolderEnvironment, Surroundings

log = structlog.get_logger()

#: an incomplete file that has not changed for so long will not be finished any more
DAMAGED_AFTER_SECONDS: Final = 600.0
_MINUTES: Final = f"{DAMAGED_AFTER_SECONDS / 60:.0f} minutes"
LONGEST_WAIT_SECONDS: Final = 60.0
#: read in one scan: with thousands of files at once the loop must still come round
READS_PER_SCAN: Final = 64
BYTES_PER_SCAN: Final = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """A file that is not dealt with yet. Times are monotonic."""

    identity: FileIdentity
    #: of what was saved beside it
    companion: FileIdentity | None
    unchanged_since: float
    next_look: float
    wait_seconds: float
    #: why it cannot be used yet, once it was looked at
    awaited_for: str = ""


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
        self._surroundings = Surroundings(settings)
        self._folder_problem = ""
        #: device of the folder, and how long files in it must stay as they are
        self._device: int | None = None
        self._settle_seconds = settings.settle_seconds

    @property
    def is_idle(self) -> bool:
        """Every file that the last scan saw is admitted, parked or dropped."""
        return self._seen is not None and not self._sightings

    @property
    def problem(self) -> str:
        """What keeps files from being played, unless it passes by itself; empty: nothing."""
        if self._folder_problem:
            return f"{self._settings.folder}: {self._folder_problem}. It is looked for again and again."
        awaited = [
            f"{readable(name)}: {sighting.awaited_for}"
            for name, sighting in sorted(self._sightings.items())
            if sighting.awaited_for
        ]
        if not awaited:
            return ""
        others = f" And {len(awaited) - 1} more wait." if len(awaited) > 1 else ""
        return f"{awaited[0]} It is looked at again, and parked {_MINUTES} after its last change.{others}"

    @property
    def next_look(self) -> float | None:
        """Monotonic time at which a scan will find something to do by itself; None: only after a change."""
        looks = [sighting.next_look for sighting in self._sightings.values()]
        return max(min(looks), self._surroundings.known_at(self._settle_seconds)) if looks else None

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
        environment = self._surroundings.look(listing, now=now, settle_seconds=self._settle_seconds)
        self._update_sightings(listing, environment, now=now)
        if environment is not None:
            for name in self._due(now):
                self._look(name, environment)

    def _remember(self) -> None:
        """What was made of the files before; anew where somebody has asked for some of them again."""
        forgotten = self._store.facts.get(FactName.FORGOTTEN)
        if self._seen is None or forgotten != self._forgotten:
            self._seen = {**self._settings.closed.seen, **self._store.seen_files()}
            self._forgotten = forgotten
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

    def _update_sightings(self, listing: Listing, environment: FolderEnvironment | None, *, now: float) -> None:
        old, self._sightings = self._sightings, {}
        for name, identity in listing.checkpoints.items():
            companion = listing.companion_of(name)
            if environment is not None and self._is_seen(name, appearance(identity, companion, environment.key)):
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

    def _look(self, name: str, environment: FolderEnvironment) -> None:
        try:
            self._admit(name, environment)
        except CheckpointError as error:
            self._refuse(name, error, environment)
        except OSError as error:  # of our own disk: the file is as good as before
            problem = f"no copy of it can be kept in the output folder: {error}."
            log.warning("checkpoint.delayed", name=readable(name), problem=problem)
            self._look_later(name, awaited_for=problem)

    def _admit(self, name: str, environment: FolderEnvironment) -> None:
        sighting = self._sightings[name]
        blob, identity = read_file(self._settings.folder / name)
        if identity != sighting.identity:
            raise CheckpointIncomplete("changing", f"{readable(name)} changed before it was read.")
        check_archive(blob)
        beside = self._read_companion(name, sighting)
        checkpoint = checkpoint_of(blob, name=name, trust=self._settings.trust, seen_at=self._clock.now())
        seen_as = appearance(identity, sighting.companion, environment.key)
        if checkpoint.digest in self._settings.closed.checkpoints:
            self._forget(name, seen_as)
            return
        if not environment.plans:
            self._park(name, "bad_environment", environment.problem, environment=environment)
            return
        states = [self._store.evaluation_state(checkpoint.digest, plan) for plan in environment.plans]
        if any(state is not JobState.DONE for state in states):
            self._snapshots.keep(checkpoint.digest, blob)
        companion = self._keep_companion(checkpoint, beside, is_late=JobState.DONE in states)
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

    def _refuse(self, name: str, error: CheckpointError, environment: FolderEnvironment) -> None:
        sighting = self._sightings[name]
        if error.verdict is Verdict.DROP:
            log.info("checkpoint.vanished", name=readable(name))
            self._forget(name, appearance(sighting.identity, sighting.companion, environment.key))
        elif error.verdict is Verdict.PARK:
            self._park(name, error.word, error.sentence, environment=environment)
        elif self._clock.monotonic() - sighting.unchanged_since >= DAMAGED_AFTER_SECONDS:
            word = error.word if error.word == "permission" else "damaged"
            self._park(name, word, f"{error.sentence} It has not changed for {_MINUTES}.", environment=environment)
        else:
            if not sighting.awaited_for:
                log.info("checkpoint.awaited", name=readable(name), word=error.word, sentence=readable(error.sentence))
            self._look_later(name, awaited_for=readable(error.sentence))

    def _look_later(self, name: str, *, awaited_for: str) -> None:
        sighting = self._sightings[name]
        wait = min(max(2 * sighting.wait_seconds, 1.0), LONGEST_WAIT_SECONDS)
        next_look = self._clock.monotonic() + wait
        self._sightings[name] = replace(sighting, next_look=next_look, wait_seconds=wait, awaited_for=awaited_for)

    def _park(self, name: str, word: str, sentence: str, *, environment: FolderEnvironment) -> None:
        sighting = self._sightings[name]
        seen_as = appearance(sighting.identity, sighting.companion, environment.key)
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
