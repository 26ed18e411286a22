"""A game of two in a real emulator: both pads, both fields, and places to put things into RAM.

Stands on save states, so that a round begins at once. Pad bits are the game's own (`models.rules_model`).
"""

from collections.abc import Mapping, Sequence

from models.machine import ATTRACT, INIT, MODE, OPTIONS, PLAY, START, TITLE, bcd
from models.rules_model import SELECT
from models.seeding_model import EMPTY

from env.emulator import Emulator
from env.savestate import with_ram

STATE = 0x1234
BLOCKS, FIELDS = (0x300, 0x380), (0x400, 0x500)
LEVEL, SPEED, ATTACK, COLOURS, WINS, VIRUSES, LOST, ACTION = 0x16, 0x0B, 0x18, 0x29, 0x1E, 0x24, 0x09, 0x17
WINNER, LOSER, VS_CPU, PLAYERS = 0x55, 0x61, 0x04, 0x727
PATIENCE_FRAMES = 900


class Duel:
    """`selects`: how often Select is pressed on the title: 0 for one player, 1 for two, 2 against the machine."""

    def __init__(self, emulator: Emulator, *, selects: int = 1) -> None:
        self.emulator = emulator
        self.wait_for({MODE: TITLE, ATTRACT: 0})
        for button in (*[SELECT] * selects, START):
            self.tap(button)
        self.wait_for({MODE: OPTIONS})
        self.step(START)
        self.wait_for({MODE: INIT})
        self.level_data = emulator.save_state()

    @property
    def ram(self) -> bytes:
        return self.emulator.read_ram()

    def of(self, player: int, offset: int) -> int:
        """A byte of a player's block."""
        return self.ram[BLOCKS[player] + offset]

    def field(self, player: int) -> bytes:
        return self.ram[FIELDS[player] : FIELDS[player] + 128]

    def step(self, first: int = 0, second: int = 0, *, frames: int = 1) -> None:
        """Frames with these buttons held; Mednafen has the bits the other way round."""
        self.emulator.step(bytes(int(f"{held:08b}"[::-1], 2) for held in (first, second)) * frames)

    def tap(self, first: int = 0, second: int = 0) -> None:
        """One press, then released frames."""
        self.step(first, second, frames=2)
        self.step(frames=4)

    def poke(self, values: Mapping[int, int]) -> None:
        self.emulator.load_state(with_ram(self.emulator.save_state(), values))

    def wait_for(self, values: Mapping[int, int], *, held: tuple[int, int] = (0, 0)) -> int:
        """Step until these addresses hold these values; how many frames it took."""
        for frames in range(PATIENCE_FRAMES):
            ram = self.ram
            if all(ram[address] == value for address, value in values.items()):
                return frames
            self.step(*held)
        raise TimeoutError(f"after {PATIENCE_FRAMES} frames RAM does not hold {values}")

    def begin(self, levels: tuple[int, int] = (0, 0), speeds: tuple[int, int] = (1, 1), *, state: int = STATE) -> None:
        """A round up to its first frame of play."""
        options = {BLOCKS[i] + LEVEL: levels[i] for i in (0, 1)} | {BLOCKS[i] + SPEED: speeds[i] for i in (0, 1)}
        seeded = {0x17: state >> 8, 0x18: state & 255, 0x43: 0}
        self.emulator.load_state(with_ram(self.level_data, options | seeded))
        self.step(frames=120)
        self.wait_for({MODE: PLAY})

    def put(self, player: int, board: Sequence[int]) -> None:
        """Another field under a player, with the count of its viruses."""
        viruses = sum(cell & 0xF0 == 0xD0 for cell in board)
        cells = {FIELDS[player] + i: cell for i, cell in enumerate(board)}
        self.poke(cells | {BLOCKS[player] + VIRUSES: bcd(viruses)})

    def give_wins(self, first: int, second: int) -> None:
        self.poke({BLOCKS[0] + WINS: first, BLOCKS[1] + WINS: second})

    @property
    def wins(self) -> tuple[int, int]:
        return self.of(0, WINS), self.of(1, WINS)


def board(cells: Mapping[int, int] | None = None) -> list[int]:
    """A field with one virus in a lower corner, and these cells."""
    field = [EMPTY] * 128
    field[127] = 0xD2
    for cell, byte in (cells or {}).items():
        field[cell] = byte
    return field
