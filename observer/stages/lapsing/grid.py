"""Up to sixteen games side by side, frame by frame; one that has ended stands still and says how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np

from observer.adapters.drawing import badge, labelled, short_steps
from observer.adapters.video import ClipWriter, Encoded, Picture, pictures
from observer.core.models import Outcome

_LABEL_HEIGHT: Final = 20
_TILES_IN_A_ROW: Final = 8
_SAID: Final = {Outcome.WIN: "won", Outcome.LOSS: "lost", Outcome.DRAW: "draw", Outcome.TIMEOUT: "timed out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    step: int
    outcome: Outcome
    #: of the game
    film: Path


def make_grid(tiles: Sequence[Tile], path: Path) -> Encoded:
    """Write the grid; tiles come in the order in which they are read.

    Raises:
        RenderError: a film cannot be read, or the grid not written.
    """
    columns = -(-len(tiles) // -(-len(tiles) // _TILES_IN_A_ROW))
    streams = [_until_ended(tile) for tile in tiles]
    last = [next(stream) for stream in streams]
    height, width = last[0].shape[:2]
    rows = -(-len(tiles) // columns)
    with ClipWriter(path, width=columns * width, height=rows * height, has_sound=False) as writer:
        canvas = np.zeros((rows * height, columns * width, 3), np.uint8)
        _lay(canvas, last, columns=columns)
        writer.add_picture(canvas)
        for now in zip_longest(*streams):
            _lay(canvas, now, columns=columns)
            writer.add_picture(canvas)
        return writer.finish()


def _until_ended(tile: Tile) -> Iterator[Picture]:
    """Its pictures with their label, and at the end the one that stays."""
    words = short_steps(tile.step)
    picture: Picture | None = None
    for picture in pictures(tile.film):
        yield labelled(picture, words, height=_LABEL_HEIGHT)
    if picture is not None:
        ended = badge(picture, _SAID[tile.outcome], is_good=tile.outcome is Outcome.WIN)
        yield labelled(ended, words, height=_LABEL_HEIGHT)


def _lay(canvas: Picture, tiles: Sequence[Picture | None], *, columns: int) -> None:
    """Lay what is new in its place; what is not stays as it was."""
    for number, tile in enumerate(tiles):
        if tile is not None:
            row, column = divmod(number, columns)
            height, width = tile.shape[:2]
            canvas[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
