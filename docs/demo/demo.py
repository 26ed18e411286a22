"""The main job before your eyes: checkpoints of a real training run are dropped into a folder one by one.

Starts the daemon on a fresh folder, writes the checkpoints as a trainer does, and waits until each has been played,
filmed and reported on.
"""

import argparse
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console
from rich.live import Live
from rich.table import Table

from observer.adapters import jobfiles
from observer.adapters.store import Store
from observer.core.errors import StoreError
from observer.core.layout import RunLayout
from observer.core.models import EvaluationResult
from observer.stages.status import status

CHECKPOINTS: Final = Path(__file__).parent / "checkpoints"
#: steps of those that are dropped without --all
FEW: Final = frozenset({0, 8_192, 40_960, 61_440})
#: SB3 writes a checkpoint straight to its final name, piece by piece; so do we.
PIECE_BYTES: Final = 1 << 18
PIECE_PAUSE_SECONDS: Final = 0.05
DROP_PAUSE_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.5

screen = Console(highlight=False)


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def prepare(folder: Path, episodes: int) -> Path:
    """An empty run: its configuration file, and the folder that a trainer would write to."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: name a new folder with --output, or remove it")
    watched = folder / "models" / "checkpoints"
    watched.mkdir(parents=True)
    (watched / "environment.json").write_bytes((CHECKPOINTS / "environment.json").read_bytes())
    settings = {
        "runs": [{"name": "demo", "watch": "models/checkpoints", "output": "observations"}],
        "watch": {"settle_seconds": 1, "rescan_seconds": 2},
        "queue": {"order": "oldest_first", "backlog_limit": 0},
        "evaluation": {"episodes": episodes},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return watched


def chosen(*, is_all: bool) -> list[Path]:
    """The checkpoints to drop, the least trained first."""
    by_step = {int(path.stem.split("_")[-2]): path for path in CHECKPOINTS.glob("*.zip")}
    return [path for step, path in sorted(by_step.items()) if is_all or step in FEW]


def drop(checkpoints: Sequence[Path], watched: Path) -> None:
    """Write each checkpoint the way a trainer does: slowly, and under its final name from the first byte on."""
    for source in checkpoints:
        data = source.read_bytes()
        with (watched / source.name).open("wb") as file:
            for start in range(0, len(data), PIECE_BYTES):
                file.write(data[start : start + PIECE_BYTES])
                file.flush()
                pause(PIECE_PAUSE_SECONDS)
        pause(DROP_PAUSE_SECONDS)


@contextmanager
def daemon(folder: Path) -> Any:  # noqa: ANN401 -- an iterator over the one process
    """The observer, in a process of its own as always; its log goes to daemon.log."""
    command = [sys.executable, "-m", "observer.cli", "run", "--config", str(folder / "config.yaml")]
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def progress(now: Mapping[str, Any]) -> Table:
    """What the daemon is at, as a small table."""
    table = Table(box=None, show_header=False)
    for state in ("waiting", "running", "done", "parked"):
        evaluations, clips = now["queue"].get(state, 0), now["renderings"].get(state, 0)
        if evaluations or clips:
            table.add_row(state, f"{evaluations} evaluation(s), {clips} rendering(s)")
    for job in now["running"]:
        who = f"{job['scenario'].partition('/')[2]} player" if job["kind"] == "reference" else f"step {job['step']:,}"
        table.add_row("", f"{job['kind']} {who}: {job['done']} of {job['total']}")
    return table


def is_finished(layout: RunLayout, now: Mapping[str, Any], *, expected: int) -> bool:
    evaluated = now["queue"].get("done", 0) + now["queue"].get("parked", 0) + len(now["parked"])
    with Store(layout.database, read_only=True) as store:
        return evaluated >= expected and not store.unfinished()


def watch(layout: RunLayout, process: subprocess.Popen[bytes], *, expected: int) -> None:
    """Show what happens until everything is done, filmed and published."""
    with Live(console=screen, transient=True) as live:
        while process.poll() is None:
            try:
                now = status(layout)
            except StoreError:  # the daemon has not made its database yet
                pause(POLL_SECONDS)
                continue
            live.update(progress(now))
            if is_finished(layout, now, expected=expected):
                return
            pause(POLL_SECONDS)
    sys.exit("the daemon ended early; its log is daemon.log in the output folder")


def results(layout: RunLayout) -> Table:
    """A row a checkpoint."""
    table = Table(title="What came of each checkpoint")
    for heading in ("step", "games", "won", "win rate [95%]", "viruses cleared [95%]", "clips"):
        table.add_column(heading, justify="right")
    with Store(layout.database, read_only=True) as store:
        evaluations = sorted(store.evaluations(), key=lambda one: one.checkpoint.step)
    for evaluation in evaluations:
        found = jobfiles.read(EvaluationResult, layout.output / evaluation.directory / "result.json").summary
        rate, viruses = found.win_rate, found.viruses_cleared
        table.add_row(
            f"{evaluation.checkpoint.step:,}",
            str(found.episodes),
            str(found.wins),
            f"{rate.value:.0%} [{rate.low:.0%}, {rate.high:.0%}]",
            f"{viruses.value:.2f} [{viruses.low:.2f}, {viruses.high:.2f}]",
            str(len(evaluation.clips)),
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--episodes", type=int, default=10, help="games per checkpoint (default: 10)")
    parser.add_argument("--all", action="store_true", help="all checkpoints of the run instead of four")
    parser.add_argument("--output", type=Path, default=Path("demo-run"), help="a new folder (default: demo-run)")
    options = parser.parse_args()
    folder = options.output.absolute()
    layout = RunLayout(folder / "observations")
    checkpoints = chosen(is_all=options.all)
    watched = prepare(folder, options.episodes)
    screen.print(f"{len(checkpoints)} checkpoints of a real training run, {options.episodes} games each, into {folder}")
    with daemon(folder) as process:
        dropping = threading.Thread(target=drop, args=(checkpoints, watched), daemon=True)
        dropping.start()
        watch(layout, process, expected=len(checkpoints))
    screen.print(results(layout))
    problems = [f"{file['path']}: {file['sentence']}" for file in status(layout)["parked"]]
    screen.print(f"report: {layout.report}", soft_wrap=True)
    screen.print(f"every game: {layout.metrics}   replays and clips: {layout.output / 'checkpoints'}", soft_wrap=True)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
