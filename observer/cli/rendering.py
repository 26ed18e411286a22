"""`observer render`: any game as a clip."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from observer import app
from observer import config as configuration
from observer.cli.terminal import ConfigOption, JsonOption, RunOption, layout_of, out, progress_bar, warn
from observer.core.models import Clip, Digest
from observer.filming import Finder, Game, Look, Wanted, film_game, require_new


def render(  # noqa: PLR0913 -- each is an option of the command line
    source: Annotated[
        str, typer.Argument(help="A checkpoint's zip, the step or hash of an evaluated one, a segment, or a replay.")
    ],
    config: ConfigOption = None,
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="The game of this seed.")] = None,
    episode: Annotated[
        int | None, typer.Option(min=0, help="The game at this place, from 0: in the plan, or in the segment.")
    ] = None,
    scale: Annotated[int | None, typer.Option(min=1, max=8, help="Enlargement; default: the configuration's.")] = None,
    speed: Annotated[int, typer.Option(min=1, max=64, help="So many times as fast, without sound.")] = 1,
    overlay: Annotated[bool, typer.Option("--overlay", help="With a panel: pads, policy, reward.")] = False,
    output: Annotated[Path | None, typer.Option(help="The file; default: a name of its own here.")] = None,
    name: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a clip of any game; a zip's game that nobody played yet is played first."""
    if (seed is None) == (episode is None) and not (seed is None and source.endswith(".replay")):
        raise typer.BadParameter("say which game: --seed S, or --episode E")
    settings = configuration.load(config)
    rom = app.check_setup(settings)
    warn(rom.warning)
    with progress_bar(quiet=as_json) as on_progress:
        finder = Finder(
            config=settings,
            layout=layout_of(settings, name),
            rom_sha256=Digest(rom.sha256),
            on_progress=on_progress,
        )
        game = finder.find(source, Wanted(seed=seed, episode=episode))
    file = output or Path(_default_name(source, game))
    require_new(file)
    encoding = settings.clips.encoding()
    encoding = encoding if scale is None else replace(encoding, scale=scale)
    with progress_bar(quiet=as_json, what="frames") as on_progress:
        clip = film_game(
            game,
            settings.environment.rom_path,
            output=file,
            look=Look(encoding=encoding, speed=speed, overlay=finder.overlay(source, game) if overlay else None),
            on_progress=lambda told: on_progress(replace(told, done=told.frames, total=game.replay.frames)),
        )
    if as_json:
        print(json.dumps(_told(file, game, clip, speed=speed), indent=1))  # noqa: T201 -- this is the answer
    else:
        out.print(f"{escape(str(file))}: {_sentence(game, clip, speed=speed)}", soft_wrap=True)


def _default_name(source: str, game: Game) -> str:
    if game.checkpoint is None:
        which = f"-seed{game.replay.seed}" if source.endswith(".segment") else ""
        return f"{Path(source).stem}{which}.mp4"
    return f"{game.checkpoint.step}-{game.checkpoint.digest[:8]}-seed{game.replay.seed}.mp4"


def _sentence(game: Game, clip: Clip, *, speed: int) -> str:
    whose = "" if game.checkpoint is None else f", step {game.checkpoint.step:,}"
    sound = "" if speed == 1 else f", {speed} times as fast, without sound"
    outcome = game.replay.record.get("outcome", "not known")
    return f"seed {game.replay.seed}{whose}, outcome {outcome}, {clip.seconds:.1f} s{sound}"


def _told(file: Path, game: Game, clip: Clip, *, speed: int) -> dict[str, object]:
    return {
        "file": str(file),
        "step": None if game.checkpoint is None else game.checkpoint.step,
        "checkpoint": None if game.checkpoint is None else game.checkpoint.digest,
        "seed": game.replay.seed,
        "outcome": game.replay.record.get("outcome"),
        "game_frames": game.replay.frames,
        "frames": clip.frames,
        "frames_after": clip.frames_after,
        "seconds": clip.seconds,
        "width": clip.width,
        "height": clip.height,
        "speed": speed,
        "has_sound": speed == 1,
    }
