"""Commands about how far a run is: status, report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from observer import app
from observer import config as configuration
from observer.adapters import logs
from observer.adapters.lock import FolderLock
from observer.adapters.store import Store
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, layout_of, out, show
from observer.core.clock import SystemClock
from observer.stages.publishing import Publishing
from observer.stages.status import status as read_status


def status(config: ConfigOption = None, *, name: RunOption = None, as_json: JsonOption = False) -> None:
    """Say how far the work is; works while the daemon runs."""
    settings = configuration.load(config)
    layout = layout_of(settings, name)
    told = read_status(layout)
    others = [section.name for section in settings.runs if section.output != layout.output]
    shown = told if as_json else _standing(told) | ({"other runs": f"--run {', '.join(others)}"} if others else {})
    show(shown, as_json=as_json, title=str(layout.output))


def report(config: ConfigOption = None, *, name: RunOption = None) -> None:
    """Write report, metrics.csv and TensorBoard events anew from the evidence; a running daemon does so by itself."""
    settings = configuration.load(config)
    logs.configure(settings.service.log)
    layout = layout_of(settings, name)
    writers = app.writers(layout, run=name or settings.runs[0].name)
    with Store(layout.database, read_only=True):
        pass  # a run that never was gets no database by being asked about
    with FolderLock(layout.lock), Store(layout.database) as store:
        for writer in writers:
            store.advance(writer.name, 0)
        Publishing(store, layout, writers, clock=SystemClock()).flush()
    out.print(str(layout.report), soft_wrap=True)


_RESTS = {False: "nothing", True: "nothing: `observer run` takes up again what was being played"}


def _standing(told: Mapping[str, Any]) -> dict[str, str]:
    """How far the work is, a line for each thing."""
    jobs = [
        f"step {job['step']:,}, {job['scenario']}: {job['done']} of {job['total']} ({job['kind']})"
        for job in told["running"]
    ]
    parked = [f"{Path(file['path']).name}: {file['word']}: {file['sentence']}" for file in told["parked"]]
    return {
        "daemon": _daemon(told),
        "training": _training(told),
        "evaluations": _counts(told["queue"]),
        "clips": _counts(told["renderings"]),
        "now": "\n".join(jobs) if jobs and told["daemon"] is not None else _RESTS[bool(jobs)],
        "parked": "\n".join(parked) or "nothing",
        "last result": "\n".join(map(_last_result, told["results"])) or "none yet",
    }


def _daemon(told: Mapping[str, Any]) -> str:
    lines = ["not running" if told["daemon"] is None else f"process {told['daemon']}"]
    lines += [f"paused since {told['paused']}: `observer resume` lets it go on"] if told["paused"] else []
    lines += [f"asked for, and done when it runs: {', '.join(told['asked'])}"] if told["asked"] else []
    return "\n".join(lines)


def _training(told: Mapping[str, Any]) -> str:
    if told["ended"] is None:
        return "goes on"
    return f"has ended: {told['ended']}" + (f"\nthe report is final since {told['final']}" if told["final"] else "")


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.items() if number) or "none yet"


def _last_result(last: Mapping[str, Any]) -> str:
    games = last.get("problem") or f"{last['wins']} of {last['episodes']} games won"
    return f"step {last['step']:,}, {last['scenario']}: {games}\n{last['directory']}\n{last['finished_at']}"
