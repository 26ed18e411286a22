"""What the daemon says of itself and of the training beside it, for people and for commands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that keeps the daemon from its work, until it goes away or a person mends it."""

    #: which part of the work, in a word
    what: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpeed:
    """How fast training is beside our workers and without them, as its own log tells; medians in steps a second."""

    evaluating: float | None
    #: stretches between two points of the log that the median rests on
    evaluating_points: int
    idle: float | None
    idle_points: int
    #: idle / evaluating; 1.00: undisturbed; None: not enough points yet
    slowdown: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """What the daemon says of itself in daemon.json, for commands beside it; what it holds counts while it runs."""

    pid: int
    started_at: float
    problems: tuple[Problem, ...] = ()
    #: None: no log of the training was found, or nothing was logged since the daemon started
    training: TrainingSpeed | None = None
