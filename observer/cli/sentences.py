"""How far a run is, in words: a line for each thing that `status` shows, for 80 columns."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Final

from observer.core import trainingspeed
from observer.core.clock import iso
from observer.core.models import ParkedFile
from observer.core.standing import Disk, LastResult, RunningJob, Standing

#: more of them are counted, not listed
_MOST_PARKED: Final = 10
_RESTS: Final = {False: "nothing", True: "nothing: `observer run` takes up again what was being played"}
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_SIZES: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def lines(told: Standing, *, now: float) -> dict[str, str]:
    """What there is to say, by its heading; what there is nothing to say of is left out."""
    is_running = told.daemon is not None
    playing = "\n".join(map(_job, told.running)) if told.running and is_running else _RESTS[bool(told.running)]
    said = {
        "daemon": "\n".join(_daemon(told, now)),
        "problems": "\n".join(f"{problem.what}: {problem.sentence}" for problem in told.problems),
        "now": playing,
        "evaluations": _counts(told.queue),
        "clips": _counts(told.renderings),
        "behind training": _lag(told, now),
        "last result": "\n".join(map(_last_result, told.results)) or "none yet",
        "speed": _speed(told),
        "training": "\n".join(_training(told)),
        "disk": _disk(told.disk),
        "parked": "\n".join(_parked(told.parked)) or "nothing",
    }
    return {heading: sentence for heading, sentence in said.items() if sentence}


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`, `2 days 4 h`."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    days = int(seconds // _DAY)
    return f"{days} day{'s' if days > 1 else ''} {int(seconds % _DAY // _HOUR)} h"


def size(count: int) -> str:
    """`71.1 GiB`."""
    for unit, name in _SIZES:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def _daemon(told: Standing, now: float) -> Iterator[str]:
    since = f", for {duration(max(now - told.started_at, 0.0))}" if told.started_at is not None else ""
    yield "not running" if told.daemon is None else f"process {told.daemon}{since}"
    if told.paused:
        yield f"paused since {told.paused}: `observer resume` lets it go on"
    if told.asked:
        yield f"asked for, and done when it runs: {', '.join(told.asked)}"


def _job(job: RunningJob) -> str:
    left = "" if job.seconds_left is None else f", about {duration(job.seconds_left)} left"
    what = "games" if job.kind in {"evaluate", "reference"} else "clips"
    again = f" (attempt {job.attempt})" if job.attempt > 1 else ""
    plan, _, player = job.scenario.partition("/")
    who = f"{player} player, plan {plan[:8]}" if job.kind == "reference" else f"step {job.step:,}, {job.scenario}"
    return f"{who}: {job.done} of {job.total} {what}{left}{again}"


def _training(told: Standing) -> Iterator[str]:
    yield "goes on" if told.ended is None else f"has ended: {told.ended}"
    if told.final is not None:
        yield f"the report is final since {told.final}"
    if told.training is not None:
        yield trainingspeed.sentence(told.training)


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.items() if number) or "none yet"


def _lag(told: Standing, now: float) -> str:
    if told.lag is None:
        return "no checkpoint has come yet"
    came = duration(max(now - told.lag.newest_seen_at, 0.0))
    newest = f"training was at step {told.lag.newest_step:,} {came} ago"
    if told.lag.evaluated_step is None:
        return f"{newest}; nothing is evaluated yet"
    if not told.lag.steps:
        return f"{newest}; all is evaluated up to there"
    behind = f"{told.lag.steps:,} steps and {duration(told.lag.seconds)} behind"
    return f"{newest}; evaluated up to {told.lag.evaluated_step:,}: {behind}"


def _last_result(last: LastResult) -> str:
    games = last.problem or f"{last.wins} of {last.episodes} games won"
    return f"step {last.step:,}, {last.scenario}: {games}\n{last.directory}\n{iso(last.finished_at)}"


def _speed(told: Standing) -> str:
    speed = told.throughput
    if speed is None:
        return ""
    rest = "the last result" if speed.evaluations == 1 else f"the last {speed.evaluations} results"
    return f"{speed.games_per_hour:,.0f} games an hour, {speed.frames_per_second:,.0f} frames a second ({rest})"


def _disk(disk: Disk) -> str:
    held = {name: count for name, count in asdict(disk).items() if name not in {"free", "dropped"} and count}
    holds = ", ".join(f"{name} {size(count)}" for name, count in held.items()) or "nothing yet"
    dropped = f"; dropped for want of room {size(disk.dropped)}" if disk.dropped else ""
    return f"{size(disk.free)} free; {holds}{dropped}"


def _parked(files: tuple[ParkedFile, ...]) -> Iterator[str]:
    yield from (f"{PurePath(file.path).name}: {file.word}: {file.sentence}" for file in files[-_MOST_PARKED:])
    if len(files) > _MOST_PARKED:
        yield f"and {len(files) - _MOST_PARKED} older ones: `observer status --json` lists them"
    if files:
        yield "when it is put right: `observer retry FILE`, or `--all`; a file that changes is looked at by itself"
