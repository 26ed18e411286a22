"""Rounds and matches of two: what they share, what one sends the other, who wins."""

from collections.abc import Iterator

import pytest
from models.duel import ACTION, ATTACK, COLOURS, LOSER, LOST, WINNER, Duel, board
from models.machine import CARTRIDGE, INIT, MODE, OPTIONS, PAUSE, PLAY, QUEUE, ROUND_OVER, START, TOPPED_OUT
from models.rules_model import DOWN, FALLING, LEFT, RESOLVING, RIGHT, SPAWNED, A, B
from models.seeding_model import EMPTY, Generator, capsule_queue, virus_board, virus_count

from env.emulator import Emulator

FULL_NECK = {3: 0x80}
BLANK, BOX_CORNER = 0xFE, 0x8B
CLEAR_WAIT, LOSS_WAIT = 64 + 32, 64 + 128


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    with Emulator(CARTRIDGE) as emulator:
        yield Duel(emulator)


def top_out(duel: Duel, *losers: int) -> None:
    """The losers' next capsule finds no room; ends in the frame of the flag."""
    for loser in losers:
        duel.put(loser, board(FULL_NECK))
    duel.step()


def clear(duel: Duel, *winners: int) -> None:
    """The winners' falling capsule kills their only virus; ends in the frame of the kill."""
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    for winner in (0, 1):
        colour = duel.of(winner, 1)
        cells = [EMPTY] * 128
        cells[120:123] = [0x80 | colour, 0x80 | colour, 0xD0 | colour]
        duel.put(winner, cells if winner in winners else board())
    duel.wait_for({0x324 + 0x80 * winner: 0 for winner in winners}, held=(DOWN, DOWN))


def test_equal_levels_have_equal_boards_and_one_queue(duel: Duel) -> None:
    duel.begin((7, 7))
    generator = Generator(0x12, 0x34)
    queue = capsule_queue(generator)
    assert duel.ram[QUEUE : QUEUE + 128] == bytes(queue)
    assert duel.field(0) == duel.field(1) == virus_board(7, generator)
    assert (duel.of(0, 0x24), duel.of(1, 0x24)) == (0x32, 0x32)


def test_unequal_levels_have_boards_of_their_own(duel: Duel) -> None:
    duel.begin((2, 9), (0, 2))
    fields = [duel.field(player) for player in (0, 1)]
    assert [sum(cell != EMPTY for cell in field) for field in fields] == [virus_count(2), virus_count(9)]
    assert (duel.of(0, 0x24), duel.of(1, 0x24)) == (0x12, 0x40)
    assert (duel.of(0, 0x0B), duel.of(1, 0x0B)) == (0, 2)


def test_both_play_the_same_capsules_each_at_their_own_pace(duel: Duel) -> None:
    duel.begin((0, 0), (0, 2))
    played: list[list[tuple[int, int]]] = [[], []]
    for _ in range(900):
        duel.step()
        for player in (0, 1):
            if duel.of(player, ACTION) == SPAWNED:
                played[player].append((duel.of(player, 1), duel.of(player, 2)))
    first, second = played
    assert len(second) > len(first) > 1
    assert second[: len(first)] == first


def test_each_pad_steers_its_own_capsule(duel: Duel) -> None:
    duel.begin()
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    duel.step(LEFT, RIGHT | A)
    duel.step(B, 0)
    assert [duel.of(player, 5) for player in (0, 1)] == [2, 4]
    assert [duel.of(player, 0x25) for player in (0, 1)] == [1, 3]


def test_the_working_copy_shows_the_second_players_block(duel: Duel) -> None:
    duel.begin((3, 4))
    for _ in range(40):
        duel.step(LEFT, DOWN)
        assert duel.ram[0x80:0xB0] == duel.ram[0x380:0x3B0]


@pytest.mark.parametrize("speed", [0, 1, 2])
@pytest.mark.parametrize(("row", "redrawn"), [(15, 16), (8, 9), (2, 4)])
def test_two_throw_nothing_the_next_capsule_comes_8_frames_after_the_redraw(
    duel: Duel, speed: int, row: int, redrawn: int
) -> None:
    duel.begin((0, 0), (speed, speed))
    duel.put(1, board({(row + 1) * 8 + 3: 0xD2} if row < 15 else {}))
    duel.wait_for({0x397: RESOLVING}, held=(0, DOWN))
    assert duel.wait_for({0x397: SPAWNED}) == redrawn + 8


def test_the_first_capsule_is_there_in_the_first_frame_of_play(duel: Duel) -> None:
    duel.begin()
    duel.step()
    assert (duel.of(0, ACTION), duel.of(1, ACTION)) == (SPAWNED, SPAWNED)


@pytest.mark.parametrize("attacker", [0, 1])
def test_two_lines_of_one_capsule_wait_for_the_other_player(duel: Duel, attacker: int) -> None:
    duel.begin()
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    left, right = duel.of(attacker, 1), duel.of(attacker, 2)
    if left == right:
        right = (left + 1) % 3
        duel.poke({0x302 + 0x80 * attacker: right})
    singles = {120 + i: 0x80 | left for i in range(3)} | {125 + i: 0x80 | right for i in range(3)}
    duel.put(attacker, board(singles | {64: 0xD2}))
    held = (DOWN, 0) if attacker == 0 else (0, DOWN)
    duel.wait_for({0x317 + 0x80 * attacker: 2}, held=held)
    assert duel.of(attacker, ATTACK) == 2
    assert {duel.of(attacker, COLOURS), duel.of(attacker, COLOURS + 1)} == {left, right}
    assert duel.of(1 - attacker, ATTACK) == 0


def test_one_line_sends_nothing(duel: Duel) -> None:
    duel.begin()
    duel.wait_for({0x317: FALLING})
    colour = duel.of(0, 1)
    duel.put(0, board({120 + i: 0x80 | colour for i in range(3)}))
    duel.wait_for({0x317: 2}, held=(DOWN, 0))
    assert (duel.of(0, 0x0F), duel.of(0, ATTACK)) == (1, 0)


@pytest.mark.parametrize("phase", range(4))
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize(
    ("size", "columns"),
    [(2, lambda c: [c & 3, (c & 3) + 4]), (3, lambda c: [(c & 3) + 2 * i for i in range(3)])]
    + [(size, lambda c: [(c & 1) + 2 * i for i in range(4)]) for size in (4, 7)],
)
def test_garbage_comes_down_when_the_victims_capsule_has_settled(
    duel: Duel, size: int, columns: object, victim: int, phase: int
) -> None:
    assert callable(columns)
    duel.begin()
    sender = 0x300 + 0x80 * (1 - victim)
    duel.put(victim, board())
    duel.poke({sender + ATTACK: size, 0x43: phase} | {sender + COLOURS + i: (i + 1) % 3 for i in range(4)})
    action = 0x317 + 0x80 * victim
    held = (DOWN, 0) if victim == 0 else (0, DOWN)
    duel.wait_for({action: 2}, held=held)
    assert set(duel.field(victim)[:8]) == {EMPTY}
    duel.step()
    expected = {column: 0x80 | (i + 1) % 3 for i, column in enumerate(columns(duel.ram[0x43]))}
    top = duel.field(victim)[:8]
    assert {i: cell for i, cell in enumerate(top) if cell != EMPTY} == expected
    assert (duel.ram[action], duel.ram[sender + ATTACK]) == (RESOLVING, 0)


def test_garbage_falls_a_row_every_16_frames(duel: Duel) -> None:
    duel.begin()
    duel.put(1, board())
    duel.poke({0x300 + ATTACK: 2, 0x300 + COLOURS: 0, 0x301 + COLOURS: 1})
    duel.wait_for({0x397: 2}, held=(0, DOWN))
    duel.step()
    column = next(i for i, cell in enumerate(duel.field(1)[:8]) if cell != EMPTY)
    falls = []
    for frame in range(1, 120):
        before = duel.field(1)
        duel.step()
        falls += [frame] * (before[column::8] != duel.field(1)[column::8])
    assert falls[:6] == [4, 20, 36, 52, 68, 84]


def test_lines_that_garbage_makes_attack_back(duel: Duel) -> None:
    duel.begin()
    stacks = {row * 8 + column: 0x80 | colour for column, colour in ((1, 0), (5, 1)) for row in (13, 14, 15)}
    duel.put(1, board(stacks))
    duel.poke({0x300 + ATTACK: 2, 0x300 + COLOURS: 0, 0x301 + COLOURS: 1})
    duel.wait_for({0x397: 2}, held=(0, DOWN))
    duel.poke({0x43: 0})
    duel.step()
    duel.wait_for({0x397: 2})
    assert (duel.of(1, 0x0F), duel.of(1, ATTACK)) == (2, 2)
    assert (duel.of(1, COLOURS), duel.of(1, COLOURS + 1)) == (0, 1)


@pytest.mark.parametrize("loser", [0, 1])
def test_a_top_out_gives_the_other_the_round(duel: Duel, loser: int) -> None:
    duel.begin()
    top_out(duel, loser)
    assert (duel.ram[MODE], duel.of(loser, LOST), duel.wins) == (PLAY, 1, (0, 0))
    duel.step()
    assert duel.ram[MODE] == TOPPED_OUT
    duel.step()
    assert duel.ram[MODE] == ROUND_OVER
    assert duel.wins == ((0, 1) if loser == 0 else (1, 0))
    assert (duel.ram[LOSER], duel.ram[WINNER]) == (loser + 1, 0)
    duel.step(frames=64)
    assert duel.ram[WINNER] == 2 - loser
    assert set(duel.field(loser)[64:]) == {BLANK}
    assert duel.field(1 - loser)[8] == BOX_CORNER


def test_after_a_lost_round_exactly_start_of_the_first_player_goes_on(duel: Duel) -> None:
    duel.begin()
    top_out(duel, 1)
    duel.step(frames=2 + 64)
    duel.tap(START)
    assert duel.ram[MODE] == ROUND_OVER, "not before everybody has seen who won"
    duel.step(frames=128)
    duel.tap(0, START)
    duel.tap(START | A)
    assert duel.ram[MODE] == ROUND_OVER
    duel.step(START)
    assert duel.ram[MODE] == INIT
    duel.wait_for({MODE: PLAY})
    assert duel.wins == (1, 0)
    assert (duel.of(1, LOST), duel.ram[LOSER], duel.ram[WINNER]) == (0, 0, 0)


def test_both_topping_out_is_a_draw(duel: Duel) -> None:
    duel.begin()
    top_out(duel, 0, 1)
    duel.step(frames=2 + 64)
    assert (duel.wins, duel.ram[LOSER], duel.ram[WINNER]) == ((0, 0), 0, 0)
    assert duel.field(0)[40] == duel.field(1)[40] == BOX_CORNER
    duel.step(frames=128)
    duel.step(START)
    assert duel.ram[MODE] == INIT


@pytest.mark.parametrize("winner", [0, 1])
def test_a_clear_wins_the_round_at_once(duel: Duel, winner: int) -> None:
    duel.begin()
    clear(duel, winner)
    assert duel.wins == ((1, 0) if winner == 0 else (0, 1))
    assert (duel.ram[MODE], duel.ram[LOSER], duel.ram[WINNER]) == (PLAY, 2 - winner, 0)
    other = duel.field(1 - winner)
    duel.step(DOWN, DOWN, frames=64)
    assert (duel.ram[WINNER], duel.field(winner)[8]) == (winner + 1, BOX_CORNER)
    assert duel.field(1 - winner) == other, "nobody plays on"
    duel.step(frames=32)
    duel.tap(0, START)
    assert duel.ram[MODE] == PLAY
    duel.step(START)
    assert duel.ram[MODE] == INIT


def test_both_clearing_in_one_frame_is_a_draw_that_both_win(duel: Duel) -> None:
    duel.begin()
    clear(duel, 0, 1)
    assert (duel.wins, duel.ram[LOSER]) == ((1, 1), 0)
    duel.step(frames=CLEAR_WAIT)
    assert (duel.ram[WINNER], duel.field(0)[40], duel.field(1)[40]) == (0, BOX_CORNER, BOX_CORNER)
    duel.step(START)
    assert duel.ram[MODE] == INIT


def test_both_clearing_at_two_all_gives_the_match_to_the_first_player(duel: Duel) -> None:
    duel.begin()
    duel.give_wins(2, 2)
    clear(duel, 0, 1)
    duel.step(frames=CLEAR_WAIT)
    assert (duel.wins, duel.ram[WINNER]) == ((3, 3), 1)
    duel.step(START)
    assert (duel.ram[MODE], duel.ram[LOSER]) == (OPTIONS, 0)


def test_a_clear_counts_more_than_a_top_out_in_the_same_frame(duel: Duel) -> None:
    duel.begin()
    clear(duel, 0)
    duel.begin()
    duel.put(0, board(FULL_NECK))
    duel.put(1, [EMPTY] * 128)
    duel.step()
    assert (duel.of(0, LOST), duel.wins) == (1, (0, 1))
    duel.step(frames=64)
    assert (duel.ram[MODE], duel.ram[WINNER], duel.wins) == (PLAY, 2, (0, 1))


@pytest.mark.parametrize("loser", [0, 1])
def test_the_third_win_ends_the_match(duel: Duel, loser: int) -> None:
    duel.begin()
    duel.give_wins(2, 2)
    top_out(duel, loser)
    duel.step(frames=2 + LOSS_WAIT)
    assert duel.wins == ((2, 3) if loser == 0 else (3, 2))
    assert (duel.ram[WINNER], duel.ram[LOSER]) == (2 - loser, 0)
    assert duel.field(0)[16] == duel.field(1)[16] == BOX_CORNER, "GAME OVER in both fields"
    duel.step(START)
    assert duel.ram[MODE] == OPTIONS
    duel.step(frames=30)
    duel.step(START)
    duel.wait_for({MODE: INIT})
    assert duel.wins == (0, 0), "a new match"


def test_either_pad_pauses_and_goes_on(duel: Duel) -> None:
    duel.begin()
    duel.step(frames=20)
    duel.tap(0, START)
    before = duel.ram[0x300:0x600]
    duel.step(DOWN, DOWN, frames=30)
    assert (duel.ram[PAUSE], duel.ram[0x300:0x600]) == (5, before)
    duel.tap(START)
    assert duel.ram[PAUSE] == 0


def test_two_players_have_no_score(duel: Duel) -> None:
    duel.begin()
    clear(duel, 0)
    assert set(duel.ram[0x729:0x72F]) == {0}


def test_the_options_of_both_are_set_on_the_same_row() -> None:
    with Emulator(CARTRIDGE) as emulator:
        duel = Duel(emulator)
        duel.begin()
        duel.give_wins(2, 0)
        top_out(duel, 1)
        duel.step(frames=2 + LOSS_WAIT)
        duel.tap(START)
        duel.tap(RIGHT, LEFT)
        duel.tap(RIGHT, RIGHT)
        duel.tap(DOWN)
        duel.tap(LEFT, RIGHT)
        assert [duel.of(player, 0x16) for player in (0, 1)] == [2, 1]
        assert [duel.of(player, 0x0B) for player in (0, 1)] == [0, 2]
        duel.tap(0, DOWN)
        assert duel.ram[0x65] == 1, "the row is player 1's"
