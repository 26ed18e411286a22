"""The way from power-on to a chosen game: on the cartridge, and on a machine with the whims that a console can have."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from models.machine import CARTRIDGE

from env.drmario import start_states
from env.emulator import Emulator
from env.errors import BootError
from env.game import (
    DEMO,
    DEMO_PLAYS,
    LEVEL,
    MODE,
    MUSIC,
    MUSIC_OFF,
    OPTIONS_ROW,
    PLAYER_1,
    PLAYER_2,
    PLAYERS,
    SPEED,
    SPEEDS,
    VIRUSES_LEFT,
    VS_CPU,
    WINS,
    Mode,
    decimal,
    is_falling,
    seats,
)
from env.menus import choose
from env.options import Scenario, Speed
from env.play import drive
from env.savestate import ram
from env.wire import Pad

DEMO_COMES_FRAMES = 8 * 256 + 120


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(CARTRIDGE) as emulator:
        yield emulator


VERSUS: list[dict[str, Any]] = [
    {"mode": "2p"},
    {"mode": "2p", "level": 3, "speed": "hi", "side": 2},
    {"mode": "2p", "level": 20, "speed": "low", "length": "match"},
    {"mode": "vs_cpu", "level": 2, "speed": "hi"},
]


@pytest.mark.parametrize("fields", VERSUS, ids=lambda fields: Scenario(**fields).name)
def test_both_players_begin_as_the_scenario_says(emulator: Emulator, fields: dict[str, Any]) -> None:
    scenario = Scenario(**fields)
    memory = ram(drive(emulator, start_states(None).begin(emulator, scenario, seed=5)))
    assert (memory[PLAYERS], memory[VS_CPU]) == (2, scenario.mode == "vs_cpu")
    assert (memory[MUSIC], memory[DEMO]) == (MUSIC_OFF, 0)
    for player in (PLAYER_1, PLAYER_2):
        assert (memory[player.at(LEVEL)], memory[player.at(SPEED)]) == (scenario.level, SPEEDS[scenario.speed])
        assert decimal(memory[player.at(VIRUSES_LEFT)]) == 4 * (scenario.level + 1)
        assert memory[player.at(WINS)] == 0
    assert is_falling(memory, seats(scenario.player, has_rival=True))
    first, second = (memory[player.field : player.field + 128] for player in (PLAYER_1, PLAYER_2))
    assert first == second


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["2p", "vs_cpu"])
@pytest.mark.parametrize("speed", get_args(Speed))
def test_both_players_begin_at_every_level(emulator: Emulator, mode: Any, speed: Speed) -> None:  # noqa: ANN401 -- a literal
    for level in range(21):
        memory = ram(
            drive(emulator, start_states(None).begin(emulator, Scenario(mode=mode, level=level, speed=speed), seed=1))
        )
        shown = [(memory[player.at(LEVEL)], memory[player.at(SPEED)]) for player in (PLAYER_1, PLAYER_2)]
        assert shown == [(level, SPEEDS[speed])] * 2


def test_a_demo_that_began_is_ended() -> None:
    with Emulator(CARTRIDGE) as emulator:
        emulator.step(bytes(2 * DEMO_COMES_FRAMES))
        assert emulator.read_ram()[DEMO] == DEMO_PLAYS
        drive(emulator, choose(Scenario(mode="2p", level=1)))
        memory = emulator.read_ram()
    assert (memory[MODE], memory[PLAYERS], memory[LEVEL], memory[PLAYER_2.at(LEVEL)]) == (Mode.LEVEL_DATA, 2, 1, 1)


@dataclass(slots=True)
class Menus:
    """Title and options as their RAM shows them, with whims."""

    #: kinds of games that Select goes round: players, VS-CPU flag
    kinds: list[tuple[int, int]] = field(default_factory=lambda: [(1, 0), (2, 0), (2, 1)])
    lost_starts: int = 0
    second_follows: bool = True
    offers_options: bool = True
    begins_games: bool = True
    is_demo: bool = False
    has_title: bool = True
    mode: int = Mode.TITLE
    kind: int = 0
    row: int = 0
    values: list[list[int]] = field(default_factory=lambda: [[0, 1, 0], [0, 1, 0]])
    frames: int = 0
    held: bytes = bytes(2)

    def frame(self, pads: bytes) -> None:
        self.frames += 1
        pressed = [now & ~before for now, before in zip(pads, self.held, strict=True)]
        self.held = pads
        if self.mode == Mode.TITLE:
            self._title(pressed[0])
        elif self.mode == Mode.OPTIONS:
            self._options(pressed)

    def ram(self) -> bytes:
        memory = bytearray(2048)
        memory[MODE] = self.mode if self.has_title else 9
        memory[DEMO] = DEMO_PLAYS if self.is_demo else 0 if self.frames > 20 else 0xFF
        memory[PLAYERS], memory[VS_CPU] = self.kinds[self.kind]
        memory[OPTIONS_ROW], memory[MUSIC] = self.row, self.values[0][2]
        for player, (level, speed, _) in zip((PLAYER_1, PLAYER_2), self.values, strict=True):
            memory[player.at(LEVEL)], memory[player.at(SPEED)] = level, speed
        return bytes(memory)

    def _title(self, pressed: int) -> None:
        if pressed == Pad.SELECT:
            self.kind = (self.kind + 1) % len(self.kinds)
        if pressed == Pad.START and self.is_demo:
            self.is_demo = False
        elif pressed == Pad.START and self.lost_starts:
            self.lost_starts -= 1
        elif pressed == Pad.START and self.offers_options:
            self.mode = Mode.OPTIONS

    def _options(self, pressed: list[int]) -> None:
        if self.kinds[self.kind] == (2, 1):
            pressed = [pressed[0], pressed[0] if self.second_follows else 0]
        if pressed[0] == Pad.START and self.begins_games:
            self.mode = Mode.LEVEL_DATA
        if pressed[0] == Pad.DOWN:
            self.row = min(2, self.row + 1)
        for values, one in zip(self.values, pressed, strict=True):
            values[self.row] += (one == Pad.RIGHT) - (one == Pad.LEFT)

    def play(self, scenario: Scenario) -> None:
        play = choose(scenario)
        pads = next(play)
        try:
            while True:
                for frame in range(0, len(pads), 2):
                    self.frame(pads[frame : frame + 2])
                pads = play.send(self.ram())
        except StopIteration:
            return


def begun(menus: Menus, **fields: Any) -> Menus:  # noqa: ANN401 -- of Scenario
    menus.play(Scenario(**fields))
    return menus


@pytest.mark.parametrize(("mode", "kind"), [("1p", (1, 0)), ("2p", (2, 0)), ("vs_cpu", (2, 1))])
@pytest.mark.parametrize("first", range(3))
def test_select_goes_round_to_the_kind_of_game(mode: str, kind: tuple[int, int], first: int) -> None:
    menus = begun(Menus(kind=first), mode=mode)
    assert menus.kinds[menus.kind] == kind


def test_a_cartridge_without_the_flag_has_two_players_all_the_same() -> None:
    menus = begun(Menus(kinds=[(1, 0x7F), (2, 0x7F)]), mode="2p")
    assert menus.kinds[menus.kind] == (2, 0x7F)


def test_the_first_start_may_be_lost() -> None:
    assert begun(Menus(lost_starts=2), level=4).mode == Mode.LEVEL_DATA


def test_a_demo_goes_back_to_the_title_first() -> None:
    assert begun(Menus(is_demo=True), level=4).mode == Mode.LEVEL_DATA


def test_in_a_game_of_two_each_pad_sets_its_own_level_and_speed() -> None:
    menus = Menus(values=[[9, 2, 0], [1, 0, 0]])
    assert begun(menus, mode="2p", level=4, speed="med").values == [[4, 1, 2], [4, 1, 0]]


def test_alone_the_second_players_options_stay() -> None:
    assert begun(Menus(values=[[0, 1, 0], [7, 2, 0]]), level=4).values == [[4, 1, 2], [7, 2, 0]]


@pytest.mark.parametrize(
    ("menus", "mode", "sentence"),
    [
        (Menus(has_title=False), "1p", "the title screen did not appear"),
        (Menus(kinds=[(1, 0)]), "2p", "Select on the title screen does not lead to mode 2p"),
        (Menus(kinds=[(1, 0), (2, 0)]), "vs_cpu", "no game against the computer; choose mode 1p or 2p"),
        (Menus(offers_options=False), "1p", "START on the title screen does not lead to the options"),
        (Menus(second_follows=False), "vs_cpu", "does not let the level be set to 4"),
        (Menus(begins_games=False), "1p", "START on the options screen does not begin a game"),
    ],
    ids=["title", "two", "machine", "options", "mirror", "start"],
)
def test_what_the_menus_do_not_do_is_said_in_a_sentence(menus: Menus, mode: str, sentence: str) -> None:
    with pytest.raises(BootError, match=sentence) as raised:
        begun(menus, mode=mode, level=4)
    assert "\n" not in str(raised.value)
