"""The game's rules, frame by frame, in plain Python: what any cartridge of it has to do.

Owns one player's round from its seed to its end, alone or against a rival.  Knows no emulator and no cartridge;
written from the rules alone, so that the 6502 program and this model can only agree by both being right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from models.field_model import (
    BOTTOM_HALF,
    CLEARING,
    COLUMN_LINES,
    LEFT_HALF,
    RIGHT_HALF,
    ROW_LINES,
    TOP_HALF,
    fall_one_row,
    forget_emptied,
    leave_remains,
    put_garbage,
    runs,
)
from models.seeding_model import COLUMNS, EMPTY, ROWS, VIRUS, Generator, capsule_queue, virus_board, virus_count

A, B, SELECT, START, UP, DOWN, LEFT, RIGHT = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
LOW, MED, HI = 0, 1, 2
FALLING, RESOLVING, ATTACKS, SPAWNED, IDLE, PASS, THROWING = range(7)

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
#: matches of one capsule that make an attack
ATTACK_MATCHES = 2
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
    #: speed-ups that the last frame of gravity used
    speedups_used: int = 0
    #: the player that this one's matches are sent to; None alone
    rival: "Round | None" = field(default=None, repr=False)
    #: size of the attack that waits for the rival
    attack: int = 0
    match_colours: list[int] = field(default_factory=lambda: [0] * 4)

    @property
    def cleared(self) -> bool:
        """No virus is left."""
        return self.viruses == 0

    @property
    def over(self) -> bool:
        """Cleared or topped out."""
        return self.lost or self.cleared

    def frame(self, held: int) -> None:
        """One frame alone with these buttons held."""
        self.begin_frame(held)
        if self.over:
            return
        if not self.paused:
            self.act()
        if self.pressed == START and not self.over:
            self.paused = not self.paused

    def begin_frame(self, held: int) -> None:
        """What every frame begins with, whatever the round does: counter, redraw, pad."""
        self.frame_counter = (self.frame_counter + 1) & 255
        if self.redraw >= 0:
            self.redraw -= 1
        self.pressed, self.held = held & ~self.held, held

    def act(self) -> None:
        """The player's part of a frame of play."""
        match self.action:
            case 0:
                self._fall_and_steer()
            case 1:
                self._resolve()
            case 2:
                self._receive()
            case 3:
                self.action = FALLING
            case 5:
                self.throw_step, self.action = 0, THROWING
            case 6:
                self._throw()

    # --- throw and spawn
    def _throw(self) -> None:
        if self.rival is not None:
            self._spawn()
            return
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
        self.speedups_used = self.speedups
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
            self._match(ROW_LINES)
        elif self.step == COLUMNS_STEP:
            self._match(COLUMN_LINES)
        elif self.step == UPDATE_STEP and self.matched:
            leave_remains(self.board)
            self.step, self.redraw = FALL_STEP, 15
            return
        elif self.step > UPDATE_STEP:
            self._finish()
        self.step += 1

    def _finish(self) -> None:
        self.action, self.step = ATTACKS, -1
        if self.rival is not None and self.matches >= ATTACK_MATCHES:
            self.attack += self.matches

    def _receive(self) -> None:
        if self.rival is None or not self.rival.attack:
            self.action = PASS
            return
        put_garbage(self.board, self.rival.attack, self.rival.match_colours, frame_counter=self.frame_counter)
        self.rival.attack = 0
        self.action, self.step, self.redraw = RESOLVING, 0, 0

    def _fall_step(self) -> None:
        if self.redraw >= 0:
            return
        forget_emptied(self.board)
        if fall_one_row(self.board):
            self.redraw = 15
        else:
            self.step += 1

    def _match(self, lines: Sequence[range]) -> None:
        for run in runs(self.board, lines):
            self.matched = True
            if self.matches < len(self.match_colours):
                self.match_colours[self.matches] = self.board[run[0]] & 3
            self.matches += 1
            for i in run:
                self._clear(i)

    def _clear(self, i: int) -> None:
        kind, colour = self.board[i] & 0xF0, self.board[i] & 3
        self.cells += kind != CLEARING
        if kind == VIRUS:
            if self.rival is None:
                self.score += (self.speed + 1) * 100 * MULTIPLIERS[min(self.kills, 5)]
            self.kills += 1
            self.viruses -= 1
        self.board[i] = CLEARING | colour


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
