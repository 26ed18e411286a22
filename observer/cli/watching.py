"""`observer watch-live`: a game in a window, at the console's own speed."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from env.game import FRAMES_PER_SECOND
from env.window import Pace, Window, display
from observer import app
from observer import config as configuration
from observer.cli.terminal import ConfigOption, RunOption, layout_of, out, progress_bar, warn
from observer.core.encoding import FRAMES_AFTER
from observer.core.models import Digest
from observer.filming import Finder, Look, Wanted, film_game, require_new


def watch_live(
    source: Annotated[str, typer.Argument(help="As for render.", metavar="CHECKPOINT")],
    config: ConfigOption = None,
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="The game of this seed; default: the plan's first.")] = None,
    record: Annotated[Path | None, typer.Option(help="Make a clip of what was shown.")] = None,
    name: RunOption = None,
) -> None:
    """Show a checkpoint playing a game in a Mednafen window; ends with the game, or when the window is closed."""
    settings = configuration.load(config)
    display(os.environ)
    if record is not None:
        require_new(record)
    rom = app.check_setup(settings)
    warn(rom.warning)
    with progress_bar(quiet=False) as on_progress:
        finder = Finder(
            config=settings, layout=layout_of(settings, name), rom_sha256=Digest(rom.sha256), on_progress=on_progress
        )
        is_replay = source.endswith(".replay")
        first = None if is_replay else settings.evaluation.first_seed
        game = finder.find(source, Wanted(seed=first if seed is None else seed))
    out.print(
        f"seed {game.replay.seed}, {float(game.replay.frames / FRAMES_PER_SECOND):.0f} s; close the window to end"
    )
    shown = 0
    with Window(settings.environment.rom_path, pace=Pace(FRAMES_PER_SECOND)) as window:
        for frame in window.show(game.replay, frames_after=FRAMES_AFTER):
            shown = frame
    whole = shown >= game.replay.frames
    out.print(f"outcome {game.replay.record.get('outcome', 'not known')}" if whole else "the window was closed")
    if record is None or not shown:
        return
    with progress_bar(quiet=False, what="clips") as on_progress:
        look = Look(encoding=settings.clips.encoding(), last_frame=None if whole else shown)
        clip = film_game(game, settings.environment.rom_path, output=record, look=look, on_progress=on_progress)
    out.print(f"{escape(str(record))}: {clip.seconds:.1f} s", soft_wrap=True)
