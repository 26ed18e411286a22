"""A cartridge in a real emulator beside the rules model: the same inputs to both, RAM held against the model.

Owns the addresses that are compared. Pad bits are the game's own (`models.rules_model`).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from models.rules_model import Round, new_round

from env.emulator import Emulator
from env.savestate import with_ram

CARTRIDGE = Path(__file__).parents[2] / "env" / "rom" / "vial-rival.nes"

MODE, FRAME_COUNTER, ATTRACT, PAUSE = 0x46, 0x43, 0x741, 0x68D
TITLE, OPTIONS, INIT, PLAY, TOPPED_OUT, ROUND_OVER, INTRO = 0, 1, 3, 4, 5, 7, 8
BLOCK, FIELD, QUEUE = 0x300, 0x400, 0x780
LEVEL, SPEED, VIRUSES = BLOCK + 0x16, BLOCK + 0x0B, BLOCK + 0x24
START = 0x10
PATIENCE_FRAMES = 700


class Machine:
    """One emulator with the cartridge in it; `emulator` is started and stopped by the caller."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.level_data = b""

    @property
    def ram(self) -> bytes:
        return self.emulator.read_ram()

    def step(self, held: int = 0, other: int = 0, *, frames: int = 1) -> None:
        """Frames with these buttons on pad 1 and pad 2."""
        self.emulator.step(bytes([mirrored(held), mirrored(other)]) * frames)

    def tap(self, button: int, other: int = 0) -> None:
        """One press, then released frames."""
        self.step(button, other, frames=2)
        self.step(frames=4)

    def trace(self, held: Iterable[int], other: Iterable[int] = ()) -> list[bytes]:
        """One frame for each of pad 1's bytes; RAM after every one of them."""
        rams = []
        for one, two in zip_longest(held, other, fillvalue=0):
            self.step(one, two)
            rams.append(self.ram)
        return rams

    def poke(self, values: Mapping[int, int]) -> None:
        """Other bytes in RAM, as they would stand between two frames."""
        self.emulator.load_state(with_ram(self.emulator.save_state(), values))

    def wait_for(self, values: Mapping[int, int]) -> None:
        """Step until these addresses hold these values."""
        for _ in range(PATIENCE_FRAMES):
            ram = self.ram
            if all(ram[address] == value for address, value in values.items()):
                return
            self.step()
        raise TimeoutError(f"after {PATIENCE_FRAMES} frames RAM does not hold {values}")

    def boot(self) -> None:
        """From power-on to the title; keeps a state of the first frame of mode 3, where games are seeded."""
        self.wait_for({MODE: TITLE, ATTRACT: 0})
        title = self.emulator.save_state()
        self.tap(START)
        self.step(START)
        self.wait_for({MODE: INIT})
        self.level_data = self.emulator.save_state()
        self.emulator.load_state(title)
        self.step()

    def begin(self, level: int, speed: int, *, state: int, frame_counter: int = 0) -> Round:
        """A game from a generator state (`a` in the high byte) up to its first frame of play, and its model."""
        a, b = divmod(state, 256)
        seeded = {0x17: a, 0x18: b, LEVEL: level, SPEED: speed, FRAME_COUNTER: frame_counter}
        self.emulator.load_state(with_ram(self.level_data, seeded))
        self.step(frames=140)
        self.wait_for({MODE: PLAY})
        return new_round(level, speed, a=a, b=b, frame_counter=self.ram[FRAME_COUNTER])

    def put_board(self, model: Round, board: Sequence[int]) -> None:
        """Another board under both."""
        model.board[:] = board
        model.viruses = sum(cell & 0xF0 == 0xD0 for cell in board)
        self.poke({FIELD + i: cell for i, cell in enumerate(board)} | {VIRUSES: bcd(model.viruses)})

    def play(self, model: Round, held: int) -> None:
        """One frame on both sides, which must then agree."""
        self.step(held)
        model.frame(held)
        difference = differences(self.ram, model)
        assert not difference, f"frame {model.frame_counter}, level {model.level}, speed {model.speed}: {difference}"


def mirrored(held: int) -> int:
    """The game's pad byte as Mednafen's, which has the bits the other way round."""
    return int(f"{held:08b}"[::-1], 2)


def bcd(number: int) -> int:
    """Two decimal digits in a byte."""
    return number // 10 % 10 << 4 | number % 10


def expected_ram(model: Round) -> dict[int, int]:
    """What the cartridge's RAM must hold, besides the field."""
    block = {
        0x00: model.redraw & 255,
        0x01: model.colours[0],
        0x02: model.colours[1],
        0x05: model.x,
        0x06: model.y,
        0x07: model.step,
        0x09: model.lost,
        0x0A: model.speedups,
        0x0B: model.speed,
        0x0F: model.matches,
        0x10: bcd(model.capsules),
        0x11: model.capsules // 100,
        0x12: model.gravity,
        0x13: model.repeat,
        0x16: model.level,
        0x17: model.action,
        0x1A: model.next_colours[0],
        0x1B: model.next_colours[1],
        0x21: model.cells,
        0x24: bcd(model.viruses),
        0x25: model.rotation,
        0x27: model.queue_index,
        0x2D: model.kills,
    }
    counters = {FRAME_COUNTER: model.frame_counter, PAUSE: 5 * model.paused, 0xF5: model.pressed, 0xF7: model.held}
    digits = {0x729 + i: model.score // 10 ** (i + 1) % 10 for i in range(6)}
    return {BLOCK + offset: value for offset, value in block.items()} | counters | digits


def differences(ram: bytes, model: Round) -> dict[str, tuple[int, int]]:
    """Address -> (the cartridge's byte, the model's), where they differ."""
    expected = expected_ram(model)
    if ram[FIELD : FIELD + 128] != model.board:
        expected |= {FIELD + i: cell for i, cell in enumerate(model.board)}
    return {f"{address:#06x}": (ram[address], value) for address, value in expected.items() if ram[address] != value}
