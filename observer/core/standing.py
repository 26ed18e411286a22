"""How far a run is: the values that `status` shows, and what follows from them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from observer.core.daemonstate import Problem, TrainingSpeed
from observer.core.models import ParkedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """What is being played, or filmed."""

    job: int
    #: evaluate, render, timelapse or film
    kind: str
    #: of a checkpoint, or of training when it played what is filmed
    step: int
    #: or what is made of the whole run
    scenario: str
    attempt: int
    #: games or clips
    done: int
    total: int
    #: NES frames emulated by this attempt
    frames: int
    #: None: too early to say
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far evaluation is behind training."""

    #: of the newest checkpoint that was taken in
    newest_step: int
    newest_seen_at: float
    #: of the newest one that is evaluated; None: none is
    evaluated_step: int | None
    evaluated_seen_at: float | None
    steps: int
    #: from the arrival of the one to that of the other; with none evaluated, since the newest came
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LastResult:
    step: int
    scenario: str
    finished_at: float
    directory: str
    clips: int
    #: None: its evidence cannot be read, as `problem` says
    wins: int | None
    episodes: int | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes: what is free, what the run takes up by class (`core.holdings`), and what was dropped and is not back."""

    free: int
    clips: int
    replays: int
    results: int
    database: int
    report: int
    snapshots: int
    timelapse: int
    training: int
    closed: int
    work: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """One evaluation's work, in Unix seconds."""

    begin: float
    end: float
    games: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """How fast games are played while workers play, all of them together."""

    games_per_hour: float
    frames_per_second: float
    #: newest evaluations that it rests on
    evaluations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What `observer status --json` prints."""

    output: str
    #: process id; None: none runs
    daemon: int | None
    #: of the daemon that runs; None: none does, or it has not said so yet
    started_at: float | None
    #: since when, ISO-8601; None: it is not
    paused: str | None
    #: requests that wait for a daemon
    asked: tuple[str, ...]
    #: why training is taken to be over; None: it goes on
    ended: str | None
    #: since when all of it is done, ISO-8601; None: it is not
    final: str | None
    problems: tuple[Problem, ...]
    #: state -> evaluations
    queue: Mapping[str, int]
    #: state -> renderings
    renderings: Mapping[str, int]
    running: tuple[RunningJob, ...]
    parked: tuple[ParkedFile, ...]
    #: committed
    evaluations: int
    last_result: LastResult | None
    #: the furthest trained checkpoint's of each plan
    results: tuple[LastResult, ...]
    lag: Lag | None
    disk: Disk
    throughput: Throughput | None
    #: training's own speed; None: not measured
    training: TrainingSpeed | None


def seconds_left(*, games: int, frames_a_game: float | None, frames: int, seconds: float) -> float | None:
    """When the games that are missing will be over.

    Args:
        games: how many are missing; those in play count as whole.
        frames_a_game: how long one is; None: not known.
        frames: emulated by this attempt.
        seconds: in which it did so.
    """
    if not games:
        return 0.0
    if frames_a_game is None or frames <= 0 or seconds <= 0:
        return None
    return games * frames_a_game * seconds / frames


def throughput(stints: Sequence[Stint]) -> Throughput | None:
    """All workers together: time in which several played counts once, time in which none did not at all."""
    seconds, until = 0.0, float("-inf")
    for stint in sorted(stints, key=lambda each: each.begin):
        seconds += max(0.0, stint.end - max(stint.begin, until))
        until = max(until, stint.end)
    if seconds <= 0:
        return None
    games, frames = sum(stint.games for stint in stints), sum(stint.frames for stint in stints)
    return Throughput(
        games_per_hour=round(games * 3600 / seconds, 1),
        frames_per_second=round(frames / seconds, 1),
        evaluations=len(stints),
    )
