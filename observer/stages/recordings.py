"""What the training process recorded of its games: copied, tabled, and every so-manieth game filmed.

Works on a run whose training is long over as well. A damaged segment gives the games before the damage, and a sentence.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter

from env import replay as replays
from env import segment
from env.errors import ReplayError
from env.recordings import SegmentName, count_of
from env.replay import Replay
from observer.adapters import evidence, jobfiles
from observer.adapters.store import FactName, Store
from observer.adapters.trainingfiles import TrainingFiles
from observer.core.clock import Clock
from observer.core.encoding import Encoding
from observer.core.errors import JobError
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Highlight, JobKind, RenderRequest, RenderResult
from observer.core.plan import canonical_json
from observer.core.recorded import Film, Recorded, is_filmed
from observer.core.runjob import RunJob
from observer.files import write_whole

log = structlog.get_logger()

_FILM: Final = TypeAdapter(Film)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    #: where the training process records; need not exist
    folder: Path
    #: every so-manieth game is filmed; 0: none
    film_every: int
    rom: Path
    encoding: Encoding


class Recordings:
    """One run's recorded training."""

    def __init__(self, *, settings: RecordingSettings, store: Store, layout: RunLayout, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._layout = layout
        self._clock = clock
        self._files = TrainingFiles(source=settings.folder, target=layout.training, closed=layout.closed)
        #: copy -> its games
        self._games: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._is_known = False

    def look(self) -> None:
        """Take in what is new, and have films of it ordered.

        Raises:
            OSError: the disk is full, or a folder cannot be read; the next look goes on.
        """
        changed = self._files.take_in()
        segments = [path for path in changed if SegmentName.of(path.name)]
        if not self._is_known:
            segments, self._is_known = self._files.segments(), True
        if len(changed) > len(segments) or (changed and not self._layout.training_table.exists()):
            self._files.merge(self._layout.training_table)
        if sum([self._read(path) for path in segments]):
            told = f"{sum(self._games.values())} games"
            self._store.facts.put(FactName.RECORDED, told, now=self._clock.now())

    def recall(self) -> None:
        """Read what was taken in before, and nothing else: for a report that is written without a daemon."""
        self._is_known = True
        for path in self._files.segments():
            self._read(path)

    def recorded(self) -> Recorded:
        """As people see it."""
        found = (_FILM.validate_json(text) for text in self._store.of_run.results(JobKind.FILM).values() if text)
        names = [name for text in self._games if (name := SegmentName.of(text))]
        return Recorded(
            games=sum(self._games.values()),
            environments=len({(name.run, name.env) for name in names}),
            size=sum(path.stat().st_size for path in self._files.segments()),
            films=tuple(sorted(found, key=lambda film: (film.timestep, film.environment))),
            problems=tuple(self._problems.values()),
        )

    def request(self, job: RunJob) -> RenderRequest:
        """See `RunWork`: the game is laid out as a replay for a worker that knows no segments."""
        name, number = _subject(job)
        folder, seed = self._laid_out(job), 0
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(ReplayError):  # a copy that is gone: the worker misses the replay and says so
            game = segment.game(self._layout.training / name, number)
            replays.write(game, folder / f"{game.seed}.replay")
            seed = game.seed
        return RenderRequest(
            rom=str(self._settings.rom),
            replays=str(folder),
            highlights=(Highlight(seed=seed, reason=_stem(job)),),
            encoding=self._settings.encoding,
        )

    def commit(self, job: RunJob, files: JobFiles) -> None:
        """See `RunWork`.

        Raises:
            JobError: it could not be filmed, for the first time.
        """
        result = jobfiles.read(RenderResult, files.result)
        problem = "; ".join(result.problems.values()) or None
        if problem and not job.failures:
            raise JobError(problem)
        names = evidence.check_clips(files, result.clips)
        film = self._film(job, result)
        if film:
            evidence.place_clips(files, self._layout.training_clips, names=names)
            write_whole(self._layout.training_clips / f"{_stem(job)}.json", film)
        self._store.of_run.commit(job, film, problem=problem, now=self._clock.now())
        shutil.rmtree(self._laid_out(job), ignore_errors=True)
        log.info("game.filmed", job=job.id, subject=job.subject, problem=problem)

    def _film(self, job: RunJob, result: RenderResult) -> str:
        """What is remembered of it; empty: there is no clip."""
        if not result.clips:
            return ""
        name, number = _subject(job)
        game = segment.game(self._layout.training / name, number)
        film = Film(
            clip=result.clips[0],
            environment=name.rpartition("-")[0],
            outcome=str(game.record.get("outcome", "")),
            viruses_cleared=_count(game.record, "viruses_cleared"),
            **asdict(count_of(game.metadata)),
        )
        return canonical_json(asdict(film))

    def _read(self, path: Path) -> bool:
        """Count a copy's games and order films of some; whether people have not seen that."""
        known, number, problem, is_news = self._games.get(path.name, 0), -1, "", path.name not in self._games
        try:
            for number, game in enumerate(segment.games(path)):
                if number >= known:
                    is_news |= self._order(path.name, number, game)
        except ReplayError as error:
            problem = str(error).replace(str(path), path.name)
        self._games[path.name] = number + 1
        return self._note(path, problem) or is_news

    def _note(self, path: Path, problem: str) -> bool:
        """Keep what is wrong with a copy; whether that is new. A game may still be being written to the newest one."""
        if _may_be_growing(problem) and self._is_newest(path):
            problem = ""
        before = self._problems.pop(path.name, "")
        if problem:
            self._problems[path.name] = problem
        if problem and problem != before:
            log.error("recording.damaged", problem=problem)
        return problem != before

    def _order(self, name: str, number: int, game: Replay) -> bool:
        """Have a game filmed, if it is one of those; whether it was not known."""
        told, where = count_of(game.metadata), SegmentName.of(name)
        every = self._settings.film_every
        if where is None or not is_filmed(environment=where.env, episode=told.episode, every=every):
            return False
        subject, now = f"{name} {number}", self._clock.now()
        kept = self._layout.training_clips / f"{name.removesuffix(segment.SUFFIX)}-{number}.json"
        if kept.exists() and self._store.of_run.adopt(
            JobKind.FILM, subject, "", result=kept.read_text(encoding="utf-8"), now=now, step=told.timestep
        ):
            return True
        return self._store.of_run.want(JobKind.FILM, subject, "", now=now, step=told.timestep) is not None

    def _is_newest(self, path: Path) -> bool:
        """Whether its environment has begun no later one: it may still be written."""
        this = SegmentName.of(path.name)
        names = [SegmentName.of(other.name) for other in self._files.segments()]
        return this is not None and not any(
            other and other[:2] == this[:2] and other.number > this.number for other in names
        )

    def _laid_out(self, job: RunJob) -> Path:
        return self._layout.work / "films" / str(job.id)


def _may_be_growing(problem: str) -> bool:
    return "is being written" in problem


def _subject(job: RunJob) -> tuple[str, int]:
    name, _, number = job.subject.rpartition(" ")
    return name, int(number)


def _stem(job: RunJob) -> str:
    name, number = _subject(job)
    return f"{name.removesuffix(segment.SUFFIX)}-{number}"


def _count(record: Mapping[str, object], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
