"""A cartridge in a real emulator: driven by the game's own pad bits, and brought to where a model begins."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from models.match_model import Match
from models.rules_model import Round, new_round

from env.emulator import Emulator
from env.savestate import with_ram

CARTRIDGE = Path(__file__).parents[2] / "env" / "rom" / "vial-rival.nes"

MODE, FRAME_COUNTER, ATTRACT, PAUSE = 0x46, 0x43, 0x741, 0x68D
TITLE, OPTIONS, INIT, PLAY, TOPPED_OUT, ROUND_OVER, INTRO = 0, 1, 3, 4, 5, 7, 8
BLOCK, FIELD, QUEUE = 0x300, 0x400, 0x780
LEVEL, SPEED, VIRUSES = BLOCK + 0x16, BLOCK + 0x0B, BLOCK + 0x24
START, SELECT = 0x10, 0x20
#: from player 1's block to player 2's
RIVAL = 0x80
PATIENCE_FRAMES = 700


class Machine:
    """One emulator with the cartridge in it; `emulator` is started and stopped by the caller."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._title = b""
        self._level_data: dict[int, bytes] = {}

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
        """From power-on to the title, where a step begins everything else."""
        self.wait_for({MODE: TITLE, ATTRACT: 0})
        self._title = self.emulator.save_state()
        self.step()

    def level_data(self, selects: int = 0) -> bytes:
        """A state of the first frame of mode 3, where games are seeded, after so many times Select on the title."""
        if selects not in self._level_data:
            self.emulator.load_state(self._title)
            for _ in range(selects):
                self.tap(SELECT)
            self.tap(START)
            self.step(START)
            self.wait_for({MODE: INIT})
            self._level_data[selects] = self.emulator.save_state()
        return self._level_data[selects]

    def begin(self, level: int, speed: int, *, state: int, frame_counter: int = 0) -> Round:
        """A game from a generator state (`a` in the high byte) up to its first frame of play, and its model."""
        a, b = divmod(state, 256)
        seeded = {0x17: a, 0x18: b, LEVEL: level, SPEED: speed, FRAME_COUNTER: frame_counter}
        self.emulator.load_state(with_ram(self.level_data(), seeded))
        self.step(frames=140)
        self.wait_for({MODE: PLAY})
        return new_round(level, speed, a=a, b=b, frame_counter=self.ram[FRAME_COUNTER])

    def begin_match(self, match: Match) -> None:
        """The cartridge where the match is, at the beginning of mode 3."""
        a, b = match.generator.a, match.generator.b
        seeded = {0x17: a, 0x18: b, FRAME_COUNTER: match.frame_counter}
        for offset, level, speed in zip((0, RIVAL), match.levels, match.speeds, strict=False):
            seeded |= {LEVEL + offset: level, SPEED + offset: speed}
        selects = len(match.levels) - 1 + match.is_cpu
        self.emulator.load_state(with_ram(self.level_data(selects), seeded))

    def put_board(self, model: Round, board: Sequence[int], *, player: int = 1) -> None:
        """Another board under a player of both."""
        model.board[:] = board
        model.viruses = sum(cell & 0xF0 == 0xD0 for cell in board)
        field, viruses = (FIELD, VIRUSES) if player == 1 else (FIELD + 0x100, VIRUSES + RIVAL)
        tallies = {0x72 + colour: list(board).count(0xD0 | colour) for colour in range(3)}
        self.poke({field + i: cell for i, cell in enumerate(board)} | {viruses: bcd(model.viruses)} | tallies)


def mirrored(held: int) -> int:
    """The game's pad byte as Mednafen's, which has the bits the other way round."""
    return int(f"{held:08b}"[::-1], 2)


def bcd(number: int) -> int:
    """Two decimal digits in a byte."""
    return number // 10 % 10 << 4 | number % 10
