"""The game's rules, frame by frame, in plain Python: what any cartridge of it has to do.

Owns one player's round from its seed to its end.  Knows no emulator and no cartridge; written from the rules
alone, so that the 6502 program and this model can only agree by both being right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.seeding_model import (
    CELLS,
    COLUMNS,
    EMPTIED,
    EMPTY,
    ROWS,
    VIRUS,
    Generator,
    capsule_queue,
    virus_board,
    virus_count,
)

A, B, SELECT, START, UP, DOWN, LEFT, RIGHT = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
LOW, MED, HI = 0, 1, 2
FALLING, RESOLVING, ATTACKS, SPAWNED, IDLE, PASS, THROWING = range(7)

TOP_HALF, BOTTOM_HALF, LEFT_HALF, RIGHT_HALF, SINGLE = 0x40, 0x50, 0x60, 0x70, 0x80
CLEARING = 0xB0
#: type of a half -> (offset of its partner, type of its partner)
PARTNERS = {
    LEFT_HALF: (1, RIGHT_HALF),
    RIGHT_HALF: (-1, LEFT_HALF),
    TOP_HALF: (COLUMNS, BOTTOM_HALF),
    BOTTOM_HALF: (-COLUMNS, TOP_HALF),
}

MATCH_LENGTH = 4
THROW_FRAMES = 22
FALL_STEP, ROWS_STEP, COLUMNS_STEP, UPDATE_STEP = 3, 5, 6, 7
SPEED_BASE = (15, 25, 31)
FRAMES_PER_ROW = (
    *(70 - 2 * i for i in range(26)),
    *(45 - i for i in range(26, 35)),
    *(10, 10, 9, 9, 8, 8, 7, 7),
    *[6] * 12,
    *[5] * 5,
    *[4] * 5,
    *[3] * 5,
    *[2] * 10,
    1,
)
MAX_SPEEDUPS = 49
MULTIPLIERS = (1, 2, 4, 8, 16, 32)

REPEAT_FIRST, REPEAT_BACK, REPEAT_BLOCKED = 16, 10, 15
SPAWN_COLUMN, SPAWN_HEIGHT = 3, 15


# --- a round -----------------------------------------------------------------------------------
@dataclass(slots=True, kw_only=True)
class Round:
    """One player's round; `frame(held)` plays a frame.  Names and values follow the game's RAM where it has them."""

    level: int
    speed: int
    queue: list[int]
    board: bytearray
    #: frame counter before the first frame of play
    frame_counter: int
    viruses: int
    next_colours: tuple[int, int]
    colours: tuple[int, int] = (0, 0)
    queue_index: int = 2
    x: int = SPAWN_COLUMN
    y: int = SPAWN_HEIGHT
    rotation: int = 0
    action: int = THROWING
    step: int = 0
    throw_step: int = 0
    #: row of the field that is drawn next; -1 when all is on the screen
    redraw: int = -1
    gravity: int = 0
    repeat: int = 0
    speedups: int = 0
    capsules: int = 1
    matched: bool = False
    matches: int = 0
    cells: int = 0
    kills: int = 0
    score: int = 0
    held: int = 0
    pressed: int = 0
    paused: bool = False
    lost: bool = False
    match_colours: list[int] = field(default_factory=list)

    @property
    def cleared(self) -> bool:
        """No virus is left."""
        return self.viruses == 0

    @property
    def over(self) -> bool:
        """Cleared or topped out."""
        return self.lost or self.cleared

    def frame(self, held: int) -> None:
        """One frame with these buttons held."""
        self.frame_counter = (self.frame_counter + 1) & 255
        if self.redraw >= 0:
            self.redraw -= 1
        self.pressed, self.held = held & ~self.held, held
        if self.over:
            return
        if not self.paused:
            self._act()
        if self.pressed == START and not self.over:
            self.paused = not self.paused

    def _act(self) -> None:
        match self.action:
            case 0:
                self._fall_and_steer()
            case 1:
                self._resolve()
            case 2:
                self.action = PASS
            case 3:
                self.action = FALLING
            case 5:
                self.throw_step, self.action = 0, THROWING
            case 6:
                self._throw()

    # --- throw and spawn
    def _throw(self) -> None:
        if self.speed == LOW and self.frame_counter % 2 == 0:
            return
        self.throw_step += 1
        if self.throw_step == THROW_FRAMES:
            self._spawn()

    def _spawn(self) -> None:
        self.colours = self.next_colours
        self.next_colours = divmod(self.queue[self.queue_index], 3)
        self.queue_index = (self.queue_index + 1) % 128
        self.x, self.y, self.rotation, self.gravity = SPAWN_COLUMN, SPAWN_HEIGHT, 0, 0
        self.capsules += 1
        if self.capsules % 10 == 0 and self.speedups < MAX_SPEEDUPS:
            self.speedups += 1
        if self._fits():
            self.action = SPAWNED
        else:
            self.lost, self.action, self.redraw = True, IDLE, 0
            self._stamp()

    # --- a falling frame
    def _fall_and_steer(self) -> None:
        if self._wants_to_drop():
            self.gravity = 0
            if not self._try_move(0, -1):
                self._lock()
                return
        self._shift()
        for button, quarter_turns in ((A, 3), (B, 1)):
            if self.pressed & button:
                self._turn(quarter_turns)

    def _wants_to_drop(self) -> bool:
        if self.frame_counter % 2 == 1 and self.held & 0x0F == DOWN:
            return True
        self.gravity += 1
        return self.gravity >= FRAMES_PER_ROW[SPEED_BASE[self.speed] + self.speedups]

    def _shift(self) -> None:
        if not self._repeat_is_due():
            return
        wall = 7 if self.rotation % 2 else 6
        if self.held & RIGHT and self.x < wall and not self._try_move(1, 0):
            self.repeat = REPEAT_BLOCKED
        if self.held & LEFT and self.x > 0 and not self._try_move(-1, 0):
            self.repeat = REPEAT_BLOCKED

    def _repeat_is_due(self) -> bool:
        if self.pressed & (LEFT | RIGHT):
            self.repeat = 0
            return True
        if self.held & (LEFT | RIGHT):
            self.repeat += 1
            if self.repeat >= REPEAT_FIRST:
                self.repeat = REPEAT_BACK
                return True
        return False

    def _turn(self, quarter_turns: int) -> None:
        before = self.rotation
        self.rotation = (self.rotation + quarter_turns) % 4
        lies = self.rotation % 2 == 0
        if self._fits():
            if lies and self.held & LEFT:
                self._try_move(-1, 0)
        elif not (lies and self._try_move(-1, 0)):
            self.rotation = before

    def _try_move(self, dx: int, dy: int) -> bool:
        self.x, self.y = self.x + dx, self.y + dy
        if self._fits():
            return True
        self.x, self.y = self.x - dx, self.y - dy
        return False

    def _fits(self) -> bool:
        return all(self._is_free(x, y) for x, y, _ in self._halves())

    def _is_free(self, x: int, y: int) -> bool:
        if not 0 <= x < COLUMNS or y < 0:
            return False
        return y >= ROWS or self.board[(15 - y) * COLUMNS + x] == EMPTY

    def _halves(self) -> Iterator[tuple[int, int, int]]:
        """Column, height and cell byte of both halves."""
        first, second = self.colours if self.rotation < 2 else self.colours[::-1]
        if self.rotation % 2:
            yield self.x, self.y, BOTTOM_HALF | first
            yield self.x, self.y + 1, TOP_HALF | second
        else:
            yield self.x, self.y, LEFT_HALF | first
            yield self.x + 1, self.y, RIGHT_HALF | second

    def _stamp(self) -> None:
        for x, y, cell in self._halves():
            if y < ROWS:
                self.board[(15 - y) * COLUMNS + x] = cell

    def _lock(self) -> None:
        self._stamp()
        self.action, self.step, self.redraw = RESOLVING, 0, 15 - self.y

    # --- resolution
    def _resolve(self) -> None:
        if self.step == 0:
            self.matches = self.cells = self.kills = 0
        elif self.step == FALL_STEP:
            self._fall_step()
            return
        elif self.step == FALL_STEP + 1:
            self.matched = False
        elif self.step == ROWS_STEP:
            self._match_lines(range(i, i + COLUMNS) for i in range(0, CELLS, COLUMNS))
        elif self.step == COLUMNS_STEP:
            self._match_lines(range(i, CELLS, COLUMNS) for i in range(COLUMNS))
        elif self.step == UPDATE_STEP and self.matched:
            self._update_board()
            self.step, self.redraw = FALL_STEP, 15
            return
        elif self.step > UPDATE_STEP:
            self.action, self.step = ATTACKS, -1
        self.step += 1

    def _fall_step(self) -> None:
        if self.redraw >= 0:
            return
        for i in range(CELLS):
            if self.board[i] >= EMPTIED:
                self.board[i] = EMPTY
        if self._everything_falls_one_row():
            self.redraw = 15
        else:
            self.step += 1

    def _everything_falls_one_row(self) -> bool:
        moved = False
        for i in reversed(range(CELLS - COLUMNS)):
            kind = self.board[i] & 0xF0
            width = {LEFT_HALF: 2, TOP_HALF: 1, BOTTOM_HALF: 1, SINGLE: 1}.get(kind, 0)
            below = range(i + COLUMNS, i + COLUMNS + width)
            if width and all(self.board[j] >= EMPTIED for j in below):
                moved = True
                for j in below:
                    self.board[j], self.board[j - COLUMNS] = self.board[j - COLUMNS], EMPTY
        return moved

    def _match_lines(self, lines: Iterator[range]) -> None:
        for line in lines:
            start = 0
            for k in range(1, len(line) + 1):
                if k < len(line) and self._same_colour(line[start], line[k]):
                    continue
                if k - start >= MATCH_LENGTH and self.board[line[start]] < EMPTIED:
                    self._clear(line[start:k])
                start = k

    def _same_colour(self, i: int, j: int) -> bool:
        if self.board[i] >= EMPTIED or self.board[j] >= EMPTIED:
            return self.board[i] >= EMPTIED and self.board[j] >= EMPTIED
        return self.board[i] & 3 == self.board[j] & 3

    def _clear(self, run: range) -> None:
        colour = self.board[run[0]] & 3
        self.matched = True
        self.matches += 1
        for i in run:
            kind = self.board[i] & 0xF0
            self.cells += kind != CLEARING
            if kind == VIRUS:
                self.score += (self.speed + 1) * 100 * MULTIPLIERS[min(self.kills, 5)]
                self.kills += 1
                self.viruses -= 1
            self.board[i] = CLEARING | colour

    def _update_board(self) -> None:
        for i in range(CELLS):
            if self.board[i] & 0xF0 == CLEARING:
                self.board[i] = EMPTIED | self.board[i] & 3
        for i in range(CELLS):
            kind = self.board[i] & 0xF0
            if kind in PARTNERS and not self._has_partner(i, *PARTNERS[kind]):
                self.board[i] = SINGLE | self.board[i] & 3

    def _has_partner(self, i: int, offset: int, kind: int) -> bool:
        return 0 <= i + offset < CELLS and self.board[i + offset] & 0xF0 == kind


def new_round(level: int, speed: int, *, a: int, b: int, frame_counter: int = 0) -> Round:
    """The round that begins when play starts, for the generator's state (a, b) at the start of mode 3."""
    generator = Generator(a, b)
    queue = capsule_queue(generator)
    board = virus_board(level, generator)
    return Round(
        level=level,
        speed=speed,
        queue=queue,
        board=board,
        frame_counter=frame_counter,
        viruses=virus_count(level),
        next_colours=divmod(queue[1], 3),
    )
