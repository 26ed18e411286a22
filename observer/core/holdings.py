"""What an output folder holds, by class: each of its files belongs to exactly one. Pure."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final


class Holding(StrEnum):
    """In the order in which people are told of them."""

    #: films and their posters; made again from replays
    CLIPS = "clips"
    #: the games themselves
    REPLAYS = "replays"
    #: what the games came to
    RESULTS = "results"
    #: with the copies that were kept of it
    DATABASE = "database"
    #: report, tables, TensorBoard; made again from results
    REPORT = "report"
    #: copies of checkpoints that are not evaluated yet, or were passed over
    SNAPSHOTS = "snapshots"
    TIMELAPSE = "timelapse"
    #: of the training process: its games' rows and clips
    TRAINING = "training"
    #: runs that were closed, and their archives
    CLOSED = "closed"
    #: jobs, start states
    WORK = "work"


#: by the first part of a path; what is not here is a projection
_TOPS: Final = {
    "training": Holding.TRAINING,
    "training.csv": Holding.TRAINING,
    "closed": Holding.CLOSED,
    "closed.jsonl": Holding.CLOSED,
    "dropped.jsonl": Holding.RESULTS,
    "archives.jsonl": Holding.RESULTS,
}


def holding_of(path: PurePosixPath) -> Holding:
    """The class of a file, by its path relative to the output folder."""
    top, *below = path.parts
    if top in {"checkpoints", "references"}:
        return _of_evaluation(below)
    if top == ".work":
        return _of_work(below)
    if top.startswith("observer.db"):
        return Holding.DATABASE
    if top.startswith("timelapse"):
        return Holding.TIMELAPSE
    return _TOPS.get(top, Holding.REPORT)


def _of_evaluation(below: list[str]) -> Holding:
    if "clips" in below[:-1]:
        return Holding.CLIPS
    return Holding.REPLAYS if "replays" in below[:-1] else Holding.RESULTS


def _of_work(below: list[str]) -> Holding:
    if below and below[0] == "snapshots":
        return Holding.SNAPSHOTS
    return Holding.TIMELAPSE if below and below[0] == "films" else Holding.WORK
