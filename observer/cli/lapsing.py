"""`observer timelapse`: a run in a few minutes, now."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.markup import escape

from observer import app
from observer import config as configuration
from observer.adapters import evidence, jobfiles
from observer.adapters.store import Store
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, err, layout_of, out, progress_bar, warn
from observer.core.errors import ExitCode
from observer.core.layout import JobFiles
from observer.core.models import Digest
from observer.core.timelapse import TimelapseResult
from observer.foreground import run_worker
from observer.stages.timelapse import TimelapseSettings, timelapse_request


def timelapse(
    config: ConfigOption = None,
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="The game; default: the most telling one.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, max=30, help="Of each checkpoint; default: the configuration's.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder; default: the run's own, or here with --seed or --seconds.")
    ] = None,
    name: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run's time-lapse: one game at every checkpoint, one after another and side by side."""
    settings = configuration.load(config)
    rom = app.check_setup(settings)
    warn(rom.warning)
    layout = layout_of(settings, name)
    usual = settings.clips.timelapse_seconds or 4.0
    making = TimelapseSettings(
        rom=settings.environment.rom_path.absolute(), rom_sha256=Digest(rom.sha256), seconds=seconds or usual
    )
    with Store(layout.database, read_only=True) as store:
        request = timelapse_request(store, layout, making, seed=seed)
    with TemporaryDirectory(prefix="observer-") as folder, progress_bar(quiet=as_json, what="films") as on_progress:
        files = JobFiles(Path(folder))
        jobfiles.write(files.request, request)
        run_worker(files, on_progress, steps_behind=False)
        result = jobfiles.read(TimelapseResult, files.result)
        if output is None and seed is None and seconds is None:
            output = layout.output
            evidence.place_timelapse(files, layout, result)
        else:
            output = output or Path()
            evidence.place_films(files, output, (result.video, result.grid))
    _tell(result, output, as_json=as_json)
    raise typer.Exit(ExitCode.FAILED if result.problems else ExitCode.DONE)


def _tell(result: TimelapseResult, output: Path, *, as_json: bool) -> None:
    if as_json:
        placed = replace(result, video=str(output / result.video), grid=str(output / result.grid))
        print(json.dumps(asdict(placed), indent=1))  # noqa: T201 -- this is the answer
        return
    for step, sentence in result.problems.items():
        err.print(f"[red]step {escape(step)} is not in it: {escape(sentence)}", soft_wrap=True)
    for film, length, steps in (
        (result.video, result.video_seconds, result.steps),
        (result.grid, result.grid_seconds, result.grid_steps),
    ):
        told = f"seed {result.seed}, {len(steps)} checkpoints from step {steps[0]:,} to {steps[-1]:,}, {length:.0f} s"
        out.print(f"{escape(str(output / film))}: {told}", soft_wrap=True)
