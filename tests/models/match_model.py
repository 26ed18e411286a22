"""Rounds and matches, frame by frame: from the level's data over intro, play and its ends to the next round.

Owns the modes, the pause, wins and whose START counts; a player's own rules are `rules_model.Round`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from models import cpu_model
from models.field_model import leave_remains
from models.rules_model import START, Round
from models.seeding_model import CELLS, EMPTY, ROWS, Generator, capsule_queue, place_virus, virus_count

OPTIONS, LEVEL_DATA, PLAY, TOPPED_OUT, ROUND_OVER, INTRO = 1, 3, 4, 5, 7, 8
WINS_NEEDED = 3
LAST_LEVEL = 24
#: levels that end with a picture more; at LOW only the last of them
CUTSCENE_LEVELS = (5, 10, 15, 20)
#: frames: after the last virus; from the last kill to the box and on to START
INTRO_FRAMES, CLEAR_FRAMES, BOX_FRAMES = 128, 64, 32
#: from mode 7 to the field's end, and on to GAME OVER
LOSS_FRAMES, GAME_OVER_FRAMES = 64, 128


@dataclass(slots=True, kw_only=True)
class Match:
    """One or two players from mode 3 on; `frame` plays a frame.  Names follow the game's RAM where it has them."""

    levels: Sequence[int]
    speeds: Sequence[int]
    generator: Generator
    #: whether player 2 is the machine
    is_cpu: bool = False
    frame_counter: int = 0
    mode: int = LEVEL_DATA
    players: list[Round] = field(default_factory=list)
    queue: list[int] = field(default_factory=list)
    to_place: list[int] = field(default_factory=list)
    wins: list[int] = field(default_factory=lambda: [0, 0])
    held: list[int] = field(default_factory=lambda: [0, 0])
    pressed: list[int] = field(default_factory=lambda: [0, 0])
    score: int = 0
    paused: bool = False
    #: 0 none, 1, 2
    winner: int = 0
    loser: int = 0
    #: frames in this mode, or since the round was decided in it
    waited: int = 0
    is_cutscene_shown: bool = False

    @property
    def decided(self) -> bool:
        """Whether the round has an end."""
        return any(player.over for player in self.players)

    def frame(self, held: int, other: int = 0) -> None:
        """One frame with these buttons on both pads."""
        self.frame_counter = (self.frame_counter + 1) & 255
        for player in self.players:
            player.begin_frame(player.held)
        self._read_pads(held, other)
        if self.paused:
            self.paused = not self._pause_is_pressed()
            return
        self._run_mode()
        self.paused = self._pause_is_pressed() and self.may_pause

    def _read_pads(self, held: int, other: int) -> None:
        if self.is_cpu:
            other = cpu_model.buttons(self.players[1]) if self.mode >= PLAY else held
        for i, now in enumerate((held, other)):
            self.pressed[i], self.held[i] = now & ~self.held[i], now
        for player, pressed, now in zip(self.players, self.pressed, self.held, strict=False):
            player.pressed, player.held = pressed, now

    def _pause_is_pressed(self) -> bool:
        pausing = self.pressed[:1] if self.is_cpu or len(self.levels) == 1 else self.pressed
        return START in pausing

    @property
    def may_pause(self) -> bool:
        """Whether START pauses."""
        return self.mode == INTRO or (self.mode == PLAY and not self.decided)

    def _run_mode(self) -> None:
        match self.mode:
            case 3:
                self._level_data()
            case 8:
                self._intro()
            case 4 if self.decided:
                self._after_the_end()
            case 4:
                self._play()
            case 5:
                self._topped_out()
            case 7:
                self._round_over()

    def _enter(self, mode: int) -> None:
        self.mode, self.waited = mode, 0

    # --- set-up
    def _level_data(self) -> None:
        self.queue = capsule_queue(self.generator)
        self.winner = self.loser = 0
        self.players = [self._new_player(i) for i in range(len(self.levels))]
        if len(self.players) == 2:
            one, two = self.players
            one.rival, two.rival = two, one
        self.to_place = [virus_count(level) for level in self.levels]
        self._enter(INTRO)

    def _new_player(self, i: int) -> Round:
        return Round(
            level=self.levels[i],
            speed=self.speeds[i],
            queue=self.queue,
            board=bytearray([EMPTY] * CELLS),
            frame_counter=self.frame_counter,
            viruses=0,
            next_colours=divmod(self.queue[1], 3),
            # the empty field is drawn before its first virus
            redraw=ROWS - 1,
            score=self.score,
            held=self.held[i],
        )

    def _intro(self) -> None:
        if self.players[0].redraw >= 0:
            return
        if any(self.to_place):
            self._place_viruses()
            return
        self.waited += 1
        if self.waited == INTRO_FRAMES:
            self._enter(PLAY)

    def _place_viruses(self) -> None:
        is_shared = len(self.levels) == 2 and self.levels[0] == self.levels[1]
        for i, player in enumerate(self.players[:1] if is_shared else self.players):
            if self.to_place[i] and place_virus(player.board, player.level, self.to_place[i], self.generator):
                self.to_place[i] -= 1
                player.viruses += 1
        if is_shared:
            one, two = self.players
            two.board[:], two.viruses, self.to_place[1] = one.board, one.viruses, self.to_place[0]

    # --- play
    def _play(self) -> None:
        for i, player in enumerate(self.players):
            player.act()
            self.wins[i] += player.cleared
        if self.decided:
            self.waited = 0
            self.loser = self._loser()
        if len(self.players) == 1:
            self.score = self.players[0].score

    @property
    def _cleared(self) -> list[int]:
        return [i for i, player in enumerate(self.players) if player.cleared]

    def _loser(self) -> int:
        """By a clear, 0 for a draw and for one player alone; a top-out is judged in mode 5."""
        return 2 - self._cleared[0] if len(self._cleared) == 1 and len(self.players) == 2 else 0

    # --- ends
    def _after_the_end(self) -> None:
        if not self._cleared:
            self._enter(TOPPED_OUT)
            return
        self.waited += 1
        if self.waited == 1:
            for i in self._cleared:
                leave_remains(self.players[i].board)
        if self.waited == CLEAR_FRAMES:
            self.winner = self._winner()
        if self.waited > CLEAR_FRAMES + BOX_FRAMES and self.pressed[0] & START:
            self._go_on()

    def _winner(self) -> int:
        """Of a clear; a draw has one only where it ends the match, player 1 before player 2."""
        if len(self._cleared) == 1:
            return self._cleared[0] + 1
        return self.wins.index(WINS_NEEDED) + 1 if WINS_NEEDED in self.wins else 0

    def _go_on(self) -> None:
        if len(self.players) == 1:
            self.is_cutscene_shown = self._has_cutscene() and not self.is_cutscene_shown
            if not self.is_cutscene_shown:
                self.levels = [min(self.levels[0] + 1, LAST_LEVEL)]
                self._enter(LEVEL_DATA)
        else:
            self._enter(OPTIONS if WINS_NEEDED in self.wins else LEVEL_DATA)

    def _has_cutscene(self) -> bool:
        return self.levels[0] in (CUTSCENE_LEVELS if self.speeds[0] else CUTSCENE_LEVELS[-1:])

    def _topped_out(self) -> None:
        losers = [i for i, player in enumerate(self.players) if player.lost]
        if len(self.players) == 2 and len(losers) == 1:
            self.loser = losers[0] + 1
            self.wins[1 - losers[0]] += 1
        self._enter(ROUND_OVER)

    def _round_over(self) -> None:
        self.waited += 1
        if self.waited <= LOSS_FRAMES + GAME_OVER_FRAMES or self.pressed[0] != START:
            return
        is_last = len(self.players) == 1 or WINS_NEEDED in self.wins
        self._enter(OPTIONS if is_last else LEVEL_DATA)
