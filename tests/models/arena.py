"""A prepared scene on the cartridge: one capsule to steer, one virus in the corner, whatever else a test puts there.

Owns the scene's save state, so that a fact costs the frames that show it and no more.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from models.machine import BLOCK, FIELD, FRAME_COUNTER, MODE, PLAY, Machine
from models.seeding_model import CELLS, EMPTY, VIRUS

from env.savestate import ram, with_ram

#: offsets in a player's block
REDRAW, COLOURS, X, Y, STEP, LOST, SPEEDUPS, SPEED = 0x00, 0x01, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0B
MATCHES, CAPSULES, GRAVITY, REPEAT, LEVEL, ACTION, ATTACK, NEXT, WINS = (
    0x0F,
    0x10,
    0x12,
    0x13,
    0x16,
    0x17,
    0x18,
    0x1A,
    0x1E,
)
MATCHED_CELLS, VIRUSES, ROTATION, QUEUE_INDEX, TO_PLACE, MATCH_COLOURS, KILLS = 0x21, 0x24, 0x25, 0x27, 0x28, 0x29, 0x2D
YELLOW, RED, BLUE = range(3)
#: the virus that keeps the round from being won, out of everything's way
CORNER = CELLS - 1
PATIENCE_FRAMES = 900


@dataclass(slots=True)
class Arena:
    """A machine with a saved scene."""

    machine: Machine
    scene: bytes

    def stage(
        self,
        cells: Mapping[int, int] | None = None,
        block: Mapping[int, int] | None = None,
        values: Mapping[int, int] | None = None,
    ) -> None:
        """The scene, with other cells (index -> byte), bytes of the player's block and bytes of RAM."""
        cells = {CORNER: VIRUS | BLUE} | dict(cells or {})
        viruses = [cell & 3 for cell in cells.values() if cell & 0xF0 == VIRUS]
        written = {FIELD + i: cells.get(i, EMPTY) for i in range(CELLS)}
        written |= {BLOCK + VIRUSES: len(viruses), **{0x72 + colour: viruses.count(colour) for colour in range(3)}}
        written |= {BLOCK + offset: value for offset, value in (block or {}).items()}
        self.machine.emulator.load_state(with_ram(self.scene, written | dict(values or {})))

    def trace(self, held: Iterable[int]) -> list[bytes]:
        """One frame for each pad byte; RAM after every one of them."""
        return self.machine.trace(held)

    def until(self, holds: Callable[[bytes], bool], held: int = 0) -> list[bytes]:
        """Frames with these buttons until RAM is so; RAM after every one of them."""
        rams: list[bytes] = []
        while not (rams and holds(rams[-1])):
            if len(rams) == PATIENCE_FRAMES:
                raise TimeoutError(f"not so within {PATIENCE_FRAMES} frames")
            rams += self.trace([held])
        return rams


def make_arena(machine: Machine) -> Arena:
    """One player, MED, the first capsule (yellow, red) at the top, blue pairs to follow."""
    machine.begin(0, 1, state=0x1234)
    while (machine.ram[MODE], machine.ram[BLOCK + ACTION]) != (PLAY, 0):
        machine.step()
    state = machine.emulator.save_state()
    quiet = {0x780 + i: 8 for i in range(128)} | {BLOCK + NEXT: BLUE, BLOCK + NEXT + 1: BLUE}
    colours = {BLOCK + COLOURS: YELLOW, BLOCK + COLOURS + 1: RED}
    arena = Arena(machine, with_ram(state, quiet | colours | {BLOCK + REDRAW: 0xFF, FRAME_COUNTER: 0}))
    if ram(arena.scene)[BLOCK + Y] != 15:
        raise ValueError("the first capsule is not at the top")
    return arena


def action(state: int) -> Callable[[bytes], bool]:
    """Whether the player's block is in this action state."""
    return lambda memory: memory[BLOCK + ACTION] == state


def block(memory: bytes, offset: int) -> int:
    """A byte of the first player's block."""
    return memory[BLOCK + offset]
