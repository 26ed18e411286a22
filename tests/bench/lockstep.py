"""What lockstep costs: frames per second of one emulator and its driver on one core, streamed and a few at a time.

Every case plays the same 10,000 frames from the same state, so that only the round trips differ.
"""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from env.emulator import Emulator
from env.wire import PAD_BYTES

_FRAMES = 10_000
_WARM_UP_FRAMES = 600
_STREAMED = "streamed"
_CHUNKS = {_STREAMED: _FRAMES, "1 a trip": 1, "4 a trip": 4}


class Turn(NamedTuple):
    """One case, once."""

    #: Frames per second of wall time.
    rate: float
    #: Frames per second of time on the core, emulator and driver together.
    core_rate: float


def measure(rom: Path, *, seconds: float, repeats: int) -> dict[str, object]:
    """Frames per second of each case, and their ratios to streaming.

    The cases take turns, each for at least `seconds`; a ratio is the median over the turns, so that a machine that
    slows down for a while spoils a turn and not a case. Frames per second of the core's time that the two really got
    are the same figures on a quiet machine, and the only ones that mean anything on a busy one.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in _CHUNKS}
    core = max(os.sched_getaffinity(0))
    with _pinned(core), Emulator(rom, cpu=core) as emulator:
        emulator.step(bytes(PAD_BYTES * _WARM_UP_FRAMES))
        state = emulator.save_state()
        for _ in range(repeats):
            for name, chunk in _CHUNKS.items():
                turns[name].append(_turn(emulator, state, chunk=chunk, seconds=seconds))
    rates = {name: [turn.rate for turn in done] for name, done in turns.items()}
    core_rates = {name: [turn.core_rate for turn in done] for name, done in turns.items()}
    return {
        "core": core,
        "repeats": repeats,
        "frames_per_second": _medians(rates),
        "ratio_to_streamed": _ratios(rates),
        "frames_per_core_second": _medians(core_rates),
        "core_ratio_to_streamed": _ratios(core_rates),
    }


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _turn(emulator: Emulator, state: bytes, *, chunk: int, seconds: float) -> Turn:
    size = chunk * PAD_BYTES
    inputs = _inputs()
    pieces = [inputs[start : start + size] for start in range(0, len(inputs), size)]
    spent, spent_on_core, frames = 0.0, 0.0, 0
    while not frames or spent < seconds:
        emulator.load_state(state)
        begin, begin_on_core = time.perf_counter(), _core_seconds(emulator.pid)
        for piece in pieces:
            emulator.step(piece)
            emulator.read_ram()
        spent += time.perf_counter() - begin
        spent_on_core += _core_seconds(emulator.pid) - begin_on_core
        frames += _FRAMES
    return Turn(rate=frames / spent, core_rate=frames / spent_on_core)


def _core_seconds(pid: int) -> float:
    """What the emulator and this process have run so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return time.process_time() + sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _inputs() -> bytes:
    held = np.random.default_rng(0).integers(0, 256, _FRAMES // 4, dtype=np.uint8).repeat(4)
    return np.stack([held, np.zeros_like(held)], axis=1).tobytes()


def _medians(rates: dict[str, list[float]]) -> dict[str, int]:
    return {name: round(statistics.median(values)) for name, values in rates.items()}


def _ratios(rates: dict[str, list[float]]) -> dict[str, float]:
    streamed = rates[_STREAMED]
    return {
        name: round(statistics.median(value / base for value, base in zip(values, streamed, strict=True)), 3)
        for name, values in rates.items()
        if name != _STREAMED
    }
