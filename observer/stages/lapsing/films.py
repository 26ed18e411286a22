"""The films that a time-lapse is made of: the end of a game above the curve, and a game's bottle for the grid."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from env.game import seats
from env.replay import Replay
from env.viewing import options_of
from observer.adapters.drawing import Curve, Mark
from observer.adapters.video import (
    FRAME_RATE,
    PICTURE_HEIGHT,
    PICTURE_WIDTH,
    SAMPLE_RATE,
    ClipWriter,
    Samples,
    enlarged,
    film,
)
from observer.core.encoding import Encoding
from observer.core.models import Outcome

_SCALE: Final = 2
_CURSOR_SECONDS: Final = 1.0
#: Films are joined at whole packets of sound, so these are silent: what is cut off or lacks its other half is nothing.
_SILENT_SAMPLES: Final = 1024
_FADE_SAMPLES: Final = SAMPLE_RATE // 20
#: A second beyond the end of a decided game, in which its tune begins.
_FRAMES_AFTER: Final = 60
_DECIDED: Final = (Outcome.WIN, Outcome.LOSS, Outcome.DRAW)
#: A grid is as long as its longest game, and no longer than three minutes.
MOST_TILE_FRAMES: Final = round(180 * FRAME_RATE)
#: Where the bottles of one player and of two are in the picture; all are of one size.
_ALONE_LEFT: Final = 84
_LEFT: Final = {1: 20, 2: 148}
_TOP, _BOTTOM, _WIDTH = 40, 216, 88
#: Tiles are encoded twice, so the first time has to be good.
_TILE: Final = Encoding(crf=12)


def film_part(replay: Replay, rom: Path, marks: Sequence[Mark], *, seconds: float, path: Path) -> int:
    """Film the last seconds of a game, with the curve to its checkpoint, the last of `marks`, below; how many frames.

    Raises:
        RenderError, EnvError: as filming does.
    """
    last = _last_frame(replay)
    first = max(0, last - round(seconds * FRAME_RATE))
    length = round((last - first) * SAMPLE_RATE / FRAME_RATE)
    curve, heard = Curve(marks, scale=_SCALE), 0
    height = PICTURE_HEIGHT * _SCALE + curve.draw(0.0).shape[0]
    shots = film(replay, rom, folder=path.parent, first_frame=first, last_frame=last)
    with closing(shots), ClipWriter(path, width=PICTURE_WIDTH * _SCALE, height=height) as writer:
        for moment in shots:
            way = min(1.0, (moment.index - first) / (_CURSOR_SECONDS * float(FRAME_RATE)))
            writer.add_picture(np.concatenate([enlarged(moment.picture, _SCALE), curve.draw(way)]))
            writer.add_sound(_faded(moment.samples, heard, length=length))
            heard += moment.samples.size
        writer.finish()
    return last - first


def film_tile(replay: Replay, rom: Path, path: Path) -> int:
    """Film the agent's bottle through a whole game, without sound; how many frames.

    Raises:
        RenderError, EnvError: as filming does.
    """
    last, left = min(_last_frame(replay), MOST_TILE_FRAMES), _bottle_left(replay)
    shots = film(replay, rom, folder=path.parent, last_frame=last)
    writer = ClipWriter(path, width=_WIDTH, height=_BOTTOM - _TOP, encoding=_TILE, has_sound=False)
    with closing(shots), writer:
        for moment in shots:
            writer.add_picture(np.ascontiguousarray(moment.picture[_TOP:_BOTTOM, left : left + _WIDTH]))
        writer.finish()
    return last


def _last_frame(replay: Replay) -> int:
    return replay.frames + (_FRAMES_AFTER if replay.record.get("outcome") in _DECIDED else 0)


def _bottle_left(replay: Replay) -> int:
    scenario = options_of(replay).scenario
    at = seats(scenario.player, has_rival=scenario.has_rival)
    return _ALONE_LEFT if at.rival is None else _LEFT[at.own.number]


def _faded(samples: Samples, position: int, *, length: int) -> Samples:
    """`samples` of a film of `length` samples, of which the first is its sample `position`."""
    at = np.arange(position, position + samples.size)
    gain = np.clip((np.minimum(at, length - 1 - at) - _SILENT_SAMPLES) / _FADE_SAMPLES, 0.0, 1.0)
    return np.asarray(samples * gain, np.int16)
