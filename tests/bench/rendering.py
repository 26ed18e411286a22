"""What a clip costs: seconds of processor and of the clock for each second of the clip, recorder and encoder together.

Beside it what it costs to play the same game without looking: the quotient of the two is of the program, not of the machine.
"""

import os
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from env import replay as replays
from env.emulator import Emulator
from env.stand_in import stand_in_rom
from observer.adapters.video import PICTURE_HEIGHT, PICTURE_WIDTH, ClipWriter, Encoded, enlarged, film
from observer.core.encoding import Encoding

_GAME = stand_in_rom().parent / "games" / "clear.replay"
_CASES = {
    "plain": Encoding(),
    "three_times_as_large": Encoding(scale=3),
    "superfast": Encoding(preset="superfast"),
}


def measure(*, repeats: int) -> dict[str, object]:
    """Film the golden game in each of the ways, the best of several times.

    Returns:
        For each: the clip's seconds by processor seconds of this process and its emulators (`times_real_time_of_one_core`;
        at least 10 is wanted of `plain` where an emulator plays 4,000 frames a second), the same by the clock, how many
        times the processor seconds of playing alone it took, and the largest sum of recordings on the disk.
    """
    played = min(_played() for _ in range(repeats))
    found = {name: _best([_measured(encoding) for _ in range(repeats)]) for name, encoding in _CASES.items()}
    for one in found.values():
        one["times_the_cost_of_playing"] = round(one["clip_seconds"] / one["times_real_time_of_one_core"] / played, 2)
    return {"played_frames_a_core_second": round(replays.read(_GAME).frames / played), **found}


def _played() -> float:
    """Processor seconds of the game without pictures."""
    replay, before = replays.read(_GAME), _processor_seconds()
    with Emulator(stand_in_rom()) as emulator:
        replays.play(replay, emulator)
        emulator.read_ram()  # waits for the last frame
    return _processor_seconds() - before


def _best(found: list[dict[str, float]]) -> dict[str, float]:
    return max(found, key=lambda one: one["times_real_time_of_one_core"])


def _measured(encoding: Encoding) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        clock, processor = time.perf_counter(), _processor_seconds()
        encoded, peak_bytes = _filmed(Path(folder), encoding)
        clock, processor = time.perf_counter() - clock, _processor_seconds() - processor
    return {
        "clip_seconds": round(encoded.seconds, 2),
        "times_real_time_of_one_core": round(encoded.seconds / processor, 2),
        "times_real_time_by_the_clock": round(encoded.seconds / clock, 2),
        "recordings_megabytes": round(peak_bytes / 1e6, 1),
    }


def _filmed(folder: Path, encoding: Encoding) -> tuple[Encoded, int]:
    replay, peak_bytes = replays.read(_GAME), 0
    width, height = PICTURE_WIDTH * encoding.scale, PICTURE_HEIGHT * encoding.scale
    with (
        closing(film(replay, stand_in_rom(), folder=folder)) as shots,
        ClipWriter(folder / "clip.mp4", width=width, height=height, encoding=encoding) as writer,
    ):
        for moment in shots:
            writer.add_picture(enlarged(moment.picture, encoding.scale))
            writer.add_sound(moment.samples)
            if not moment.index % 100:
                peak_bytes = max(peak_bytes, sum(file.stat().st_size for file in folder.rglob("*.mov")))
        return writer.finish(), peak_bytes


def _processor_seconds() -> float:
    """Of this process and of the emulators that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
