"""Records the attract demo's game: which buttons the greedy player holds, and for how many frames each.

`PYTHONPATH=tests python -m models.record_demo` writes `env/rom/demo_game.inc`. Needed where the rules change, not where
the looks do: the cartridge plays it from the first frame of play, on an even frame, with this generator state.
"""

import sys
from itertools import groupby
from typing import Final

from models.greedy import best
from models.machine import CARTRIDGE, FRAME_COUNTER, VIRUSES, Machine, mirrored

from env.actions import ACTIONS, until_control
from env.emulator import Emulator
from env.game import ALONE, is_over
from env.observation import OBSERVATIONS
from env.play import Play, drive

LISTING: Final = CARTRIDGE.parent / "demo_game.inc"
LEVEL, SPEED, FRAMES = 10, 1, 3600
SEEDS: Final = range(1, 60)
LONGEST: Final = 255


def main() -> int:
    """The game in which most viruses were killed."""
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        machine.boot()
        games = [play(machine, (seed * 20077 % 32767 + 1) << 1) for seed in SEEDS]
    _, state, held = min(games)
    LISTING.write_text(listing(state, held), encoding="ascii")
    return 0


def play(machine: Machine, state: int) -> tuple[int, int, bytes]:
    """Viruses left, the generator's state, and what was held in each frame."""
    for first in (0, 1):
        machine.begin(LEVEL, SPEED, state=state, frame_counter=first)
        if machine.ram[FRAME_COUNTER] % 2 == 0:
            break
    pads = bytearray()
    drive(machine.emulator, greedy_game(machine.ram, pads))
    return machine.ram[VIRUSES], state, bytes(mirrored(pad) for pad in pads[::2])


def greedy_game(ram: bytes, pads: bytearray) -> Play[None]:
    """Capsule after capsule until the time is over; `pads` collects what was pressed."""
    actions, observe = ACTIONS["placement"], OBSERVATIONS["planes"]
    ram = yield from noted(until_control(ram), ram, pads)
    while len(pads) < 2 * FRAMES and not is_over(ram):
        action = best(observe(ram, ALONE), actions.mask(ram, ALONE))
        ram = yield from noted(actions.pads(action, ram, 1, ALONE), ram, pads)


def noted(inner: Play[object], ram: bytes, pads: bytearray) -> Play[bytes]:
    """Another play, its pads written down; the RAM after it."""
    try:
        pressed = next(inner)
        while True:
            pads += pressed
            ram = yield pressed
            pressed = inner.send(ram)
    except StopIteration:
        return ram


def listing(state: int, held: bytes) -> str:
    """Assembly: the generator's state, then pairs of frames and buttons, a nought at the end."""
    lines = [
        "; Recorded by models.record_demo: the generator's state, then frames and the buttons held in them.",
        f"DEMO_RNG_A = ${state >> 8:02X}",
        f"DEMO_RNG_B = ${state & 255:02X}",
        "demo_game:",
    ]
    for button, frames in groupby(held):
        count = len(list(frames))
        while count:
            lines.append(f"  .byte {min(count, LONGEST)}, ${button:02X}")
            count -= min(count, LONGEST)
    return "\n".join([*lines, "  .byte 0", ""])


if __name__ == "__main__":
    sys.exit(main())
