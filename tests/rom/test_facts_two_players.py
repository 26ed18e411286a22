"""Two players, by pads and RAM."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import pytest
from models.duel import (
    ACTION,
    ATTACK,
    BLOCKS,
    COLOURS,
    FIELDS,
    LEVEL,
    LOSER,
    LOST,
    SPEED,
    VIRUSES,
    WINNER,
    WINS,
    Duel,
    board,
)
from models.fidelity import Fact
from models.machine import CARTRIDGE, FRAME_COUNTER, INIT, MODE, PLAY, QUEUE
from models.rules_model import ATTACKS, DOWN, FALLING, LEFT, RESOLVING, RIGHT, START, THROWING, A
from models.seeding_model import EMPTY, virus_count

from env.emulator import Emulator

TOPIC = "Two players"
ONE, TWO = 0, 1
X, Y, ROTATION, GRAVITY, CAPSULE, QUEUE_INDEX, WORKED_ON, SCORE = 0x05, 0x06, 0x25, 0x12, 0x01, 0x27, 0x58, 0x729
NECK = {3: 0x80}
HALF, VIRUS = 0x80, 0xD0
FLOOR = 15 * 8
LOSS_FRAMES, CLEAR_FRAMES = 64 + 128 + 4, 64 + 32 + 4


@pytest.fixture(scope="module")
def duel() -> Iterator[Duel]:
    with Emulator(CARTRIDGE) as emulator:
        yield Duel(emulator)


def trace(duel: Duel, frames: int, first: int = 0, second: int = 0) -> list[bytes]:
    rams = []
    for _ in range(frames):
        duel.step(first, second)
        rams.append(duel.ram)
    return rams


def in_control(duel: Duel) -> None:
    """A round of level 0 in which both can steer their first capsule, over one virus each."""
    duel.begin()
    for player in (ONE, TWO):
        duel.put(player, board())
    duel.wait_for({0x317: FALLING, 0x397: FALLING})


def settle(duel: Duel, player: int, cells: Mapping[int, int], **block: int) -> None:
    """The player's capsule (yellow, red) lies on the floor and locks with the next frame."""
    names = {"x": X, "first": CAPSULE, "second": CAPSULE + 1}
    given = {Y: 0, GRAVITY: 19, CAPSULE: 0, CAPSULE + 1: 1} | {names[name]: value for name, value in block.items()}
    duel.put(player, board(cells))
    duel.poke({BLOCKS[player] + offset: value for offset, value in given.items()})


def test_both_have_one_queue_and_a_place_of_their_own_in_it(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    slot = duel.ram[QUEUE + 1]
    first = [3 * duel.of(player, CAPSULE) + duel.of(player, CAPSULE + 1) for player in (ONE, TWO)]
    fact("Both players' first capsule is that of slot 1", documented=[slot, slot], measured=first)
    settle(duel, ONE, {})
    duel.step(frames=60)
    indices = [duel.of(player, QUEUE_INDEX) for player in (ONE, TWO)]
    fact("Slots to load next after player 1's second capsule", documented=[4, 3], measured=indices)


def test_equal_levels_have_equal_boards(duel: Duel, fact: Fact) -> None:
    duel.begin((7, 7))
    fact("Fields at equal levels are equal", documented=True, measured=duel.field(ONE) == duel.field(TWO))


def test_unequal_levels_have_boards_speeds_and_levels_of_their_own(duel: Duel, fact: Fact) -> None:
    duel.begin((3, 18), (0, 2))
    counts = [sum(byte != EMPTY for byte in duel.field(player)) for player in (ONE, TWO)]
    fact("Viruses at levels 3 and 18", documented=[virus_count(3), virus_count(18)], measured=counts)
    duel.wait_for({0x317: FALLING, 0x397: FALLING})
    for player in (ONE, TWO):
        duel.put(player, board())
    rams = trace(duel, 45)
    drops = [next(i for i, ram in enumerate(rams) if ram[BLOCKS[p] + Y] == 14) for p in (ONE, TWO)]
    fact("Frames to the first drop, LOW and HI", documented=[39, 13], measured=drops)
    kept = [(duel.of(player, LEVEL), duel.of(player, SPEED)) for player in (ONE, TWO)]
    fact("Level, speed of both blocks", documented=[(3, 0), (18, 2)], measured=kept)


def test_each_pad_steers_its_own_capsule(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    duel.step(LEFT | A, RIGHT)
    places = [(duel.of(player, X), duel.of(player, ROTATION)) for player in (ONE, TWO)]
    fact("Column, rotation after Left+A on pad 1, Right on pad 2", documented=[(2, 3), (4, 0)], measured=places)


def test_the_second_player_is_the_last_at_work(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    rams = trace(duel, 30, LEFT, RIGHT)
    fact("$58 between frames", documented=[5], measured=sorted({ram[WORKED_ON] for ram in rams}))
    same = sum(ram[0x81:0xB0] == ram[0x381:0x3B0] for ram in rams)
    fact("Frames of 30 in which $81-$AF equal $0381-$03AF", documented=30, measured=same)


@pytest.mark.parametrize(
    ("what", "cells", "matches", "size"),
    [
        ("one match", {FLOOR: HALF, FLOOR + 1: HALF, FLOOR + 2: HALF}, 1, 0),
        ("two matches", {FLOOR + i: HALF | i // 5 for i in (0, 1, 2, 5, 6, 7)}, 2, 2),
        (
            "three",
            {FLOOR + i: HALF | i // 5 for i in (0, 1, 2, 5, 6, 7)} | {FLOOR - 5 - 8 * i: HALF for i in range(3)},
            3,
            3,
        ),
    ],
    ids=["one", "two", "three"],
)
def test_matches_make_an_attack(
    duel: Duel, fact: Fact, what: str, cells: dict[int, int], matches: int, size: int
) -> None:
    in_control(duel)
    settle(duel, ONE, cells | {5 * 8: VIRUS})
    rams = trace(duel, 121)
    most = tuple(max(ram[BLOCKS[ONE] + offset] for ram in rams) for offset in (0x0F, ATTACK))
    fact(f"Matches, attack size of {what}", documented=(matches, size), measured=most)


def test_attacks_add_up_and_keep_their_colours(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    duel.poke({BLOCKS[ONE] + ATTACK: 2})
    settle(duel, ONE, {FLOOR + i: HALF | i // 5 for i in (0, 1, 2, 5, 6, 7)} | {5 * 8: VIRUS})
    duel.step(frames=100)
    fact("Attack size of two matches onto 2", documented=4, measured=duel.of(ONE, ATTACK))
    fact("Colours of the matches", documented=[0, 1], measured=[duel.of(ONE, COLOURS), duel.of(ONE, COLOURS + 1)])


def attacked(duel: Duel, size: int, counter: int) -> tuple[int, ...]:
    """Player 2 in state 2 under an attack of yellow, red, blue, yellow: columns of row 0 that hold garbage then."""
    in_control(duel)
    attack = {BLOCKS[ONE] + ATTACK: size} | {BLOCKS[ONE] + COLOURS + i: i % 3 for i in range(4)}
    duel.poke(attack | {BLOCKS[TWO] + ACTION: ATTACKS, FRAME_COUNTER: (counter - 1) & 255})
    duel.step()
    return tuple(i for i, byte in enumerate(duel.field(TWO)[:8]) if byte & 0xF0 == HALF)


@pytest.mark.parametrize(
    ("size", "documented"),
    [
        (2, [(0, 4), (1, 5), (2, 6), (3, 7)]),
        (3, [(0, 2, 4), (1, 3, 5), (2, 4, 6), (3, 5, 7)]),
        (4, [(0, 2, 4, 6), (1, 3, 5, 7), (0, 2, 4, 6), (1, 3, 5, 7)]),
        (7, [(0, 2, 4, 6), (1, 3, 5, 7), (0, 2, 4, 6), (1, 3, 5, 7)]),
    ],
)
def test_where_garbage_arrives(duel: Duel, fact: Fact, size: int, documented: list[tuple[int, ...]]) -> None:
    columns = [attacked(duel, size, counter) for counter in (4, 5, 6, 7)]
    fact(f"Columns of an attack of {size}, $43 mod 4 = 0 to 3", documented=documented, measured=columns)


def test_what_garbage_is(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    duel.put(TWO, board({1: VIRUS | 2}))
    attack = {BLOCKS[ONE] + ATTACK: 4} | {BLOCKS[ONE] + COLOURS + i: i % 3 for i in range(4)}
    duel.poke(attack | {BLOCKS[TWO] + ACTION: ATTACKS, FRAME_COUNTER: 0})
    duel.step()
    row = [f"${byte:02X}" for byte in duel.field(TWO)[:8]]
    documented = ["$FF", "$80", "$FF", "$81", "$FF", "$82", "$FF", "$80"]
    fact("Row 0 under 4 of yellow, red, blue, yellow; a virus was in column 1", documented=documented, measured=row)
    after = (duel.of(TWO, ACTION), duel.of(ONE, ATTACK))
    fact("Victim's action state, attack size then", documented=(RESOLVING, 0), measured=after)


def test_garbage_waits_for_the_victims_capsule(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    duel.poke({BLOCKS[ONE] + ATTACK: 2})
    rams = trace(duel, 60, 0, LEFT)
    waiting = {(ram[BLOCKS[TWO] + ACTION], ram[BLOCKS[ONE] + ATTACK]) for ram in rams}
    fact(
        "Victim's state, attack size over 60 frames of its falling", documented=[(FALLING, 2)], measured=sorted(waiting)
    )
    settle(duel, TWO, {}, x=1)
    states = [ram[BLOCKS[TWO] + ACTION] for ram in trace(duel, 400)]
    order = [state for i, state in enumerate(states) if i == 0 or state != states[i - 1]]
    fact("Victim's states from the lock on", documented=[1, 2, 1, 2, 5, 6, 3, 0], measured=order[:8])


def test_garbage_falls_a_row_every_16_frames(duel: Duel, fact: Fact) -> None:
    attacked(duel, 2, 4)
    rams = trace(duel, 90)
    rows = [next((i for i in range(0, 128, 8) if ram[FIELDS[TWO] + i] & 0xF0 == HALF), 0) // 8 for ram in rams]
    frames = [i for i in range(1, len(rows)) if rows[i] != rows[i - 1]]
    fact(
        "Frames between the rows of falling garbage",
        documented=[16] * 4,
        measured=[b - a for a, b in pairwise(frames[:5])],
    )


def test_garbage_that_matches_attacks_back(duel: Duel, fact: Fact) -> None:
    in_control(duel)
    columns = {row * 8 + column: HALF | column // 4 for row in (13, 14, 15) for column in (0, 4)}
    duel.put(TWO, board(columns))
    duel.poke({BLOCKS[ONE] + ATTACK: 2, BLOCKS[ONE] + COLOURS: 0, BLOCKS[ONE] + COLOURS + 1: 1})
    duel.poke({BLOCKS[TWO] + ACTION: ATTACKS, FRAME_COUNTER: 3})
    sizes = [ram[BLOCKS[TWO] + ATTACK] for ram in trace(duel, 330)]
    fact("Attack size after garbage made two matches", documented=2, measured=max(sizes))


def lose(duel: Duel, *losers: int) -> list[bytes]:
    """RAM from the frame of the top-out to GAME OVER or the next round's wait."""
    duel.begin()
    for player in losers:
        duel.put(player, board(NECK))
        duel.poke({BLOCKS[player] + ACTION: THROWING})
    duel.step()
    return [duel.ram, *trace(duel, LOSS_FRAMES)]


@pytest.mark.parametrize(("loser", "name"), [(ONE, "1"), (TWO, "2")])
def test_a_top_out_gives_the_other_the_round(duel: Duel, fact: Fact, loser: int, name: str) -> None:
    rams = lose(duel, loser)
    flags = [rams[0][BLOCKS[player] + LOST] for player in (ONE, TWO)]
    fact(
        f"$0309, $0389 when player {name} has no room", documented=[int(loser == p) for p in (ONE, TWO)], measured=flags
    )
    modes = list(dict.fromkeys(ram[MODE] for ram in rams))
    fact(f"$46 from then on, player {name}", documented=[4, 5, 7], measured=modes)
    wins = [rams[-1][BLOCKS[player] + WINS] for player in (ONE, TWO)]
    fact(f"Wins after player {name}'s top-out", documented=[int(loser != p) for p in (ONE, TWO)], measured=wins)
    raised = next(i for i, ram in enumerate(rams) if ram[BLOCKS[1 - loser] + WINS] == 1)
    fact(
        f"$46 in the frame before the win is counted, player {name} lost", documented=5, measured=rams[raised - 1][MODE]
    )
    fact(f"$61 after player {name}'s top-out", documented=loser + 1, measured=rams[-1][LOSER])
    lower = {f"${byte:02X}" for byte in rams[-1][FIELDS[loser] + 64 : FIELDS[loser] + 128]}
    fact(f"Rows 8-15 of player {name} who lost", documented=["$FE"], measured=sorted(lower))


def test_both_topping_out_is_a_draw(duel: Duel, fact: Fact) -> None:
    rams = lose(duel, ONE, TWO)
    fact("Wins, $61 after both topped out", documented=(0, 0, 0), measured=(*duel.wins, rams[-1][LOSER]))


def clear(duel: Duel, *winners: int, wins: tuple[int, int] = (0, 0)) -> list[bytes]:
    """RAM from the frame of the last kill to the wait for START."""
    in_control(duel)
    duel.give_wins(*wins)
    for player in (ONE, TWO):
        settle(duel, player, {FLOOR: VIRUS, FLOOR + 1: HALF, FLOOR + 2: HALF} if player in winners else {})
        if player in winners:
            duel.poke({FIELDS[player] + 127: EMPTY, BLOCKS[player] + VIRUSES: 1})
    rams: list[bytes] = []
    while not rams or all(rams[-1][BLOCKS[player] + VIRUSES] for player in (ONE, TWO)):
        rams = trace(duel, 1)
    return rams + trace(duel, CLEAR_FRAMES)


@pytest.mark.parametrize(("winners", "name"), [((ONE,), "player 1"), ((TWO,), "player 2"), ((ONE, TWO), "both")])
def test_a_clear_raises_the_wins_at_once(duel: Duel, fact: Fact, winners: tuple[int, ...], name: str) -> None:
    rams = clear(duel, *winners)
    wins = [rams[0][BLOCKS[player] + WINS] for player in (ONE, TWO)]
    fact(
        f"Wins in the frame in which {name} cleared", documented=[int(p in winners) for p in (ONE, TWO)], measured=wins
    )
    modes = sorted({ram[MODE] for ram in rams})
    fact(f"$46 from then on, {name} cleared", documented=[PLAY], measured=modes)
    winner = winners[0] + 1 if len(winners) == 1 else 0
    fact(f"$55 at the wait for START, {name} cleared", documented=winner, measured=rams[-1][WINNER])


def mode_after(duel: Duel, *pads: tuple[int, int]) -> int:
    """After one of these presses."""
    for first, second in pads:
        duel.step(first, second)
        duel.step()
        duel.step()
    return duel.ram[MODE]


def test_only_player_1s_start_goes_on(duel: Duel, fact: Fact) -> None:
    lose(duel, ONE)
    waiting = mode_after(duel, (0, START), (START | A, 0))
    duel.step(START)
    fact(
        "$46 after a top-out: pad 2's Start and pad 1's Start+A; pad 1's Start",
        documented=[7, INIT],
        measured=[waiting, duel.ram[MODE]],
    )
    clear(duel, TWO)
    waiting = mode_after(duel, (0, START))
    duel.step(START)
    fact("$46 after a clear: pad 2's Start; pad 1's Start", documented=[PLAY, INIT], measured=[waiting, duel.ram[MODE]])


@pytest.mark.parametrize(
    ("name", "winners", "wins", "documented"),
    [
        ("2-0 and a clear by player 1", (ONE,), (2, 0), (3, 0, 1, 1)),
        ("1-1 and a clear by player 1", (ONE,), (1, 1), (2, 1, 1, 3)),
        ("2-2 and a clear by both", (ONE, TWO), (2, 2), (3, 3, 1, 1)),
    ],
    ids=["won", "open", "both"],
)
def test_three_wins_end_a_match(
    duel: Duel, fact: Fact, name: str, winners: tuple[int, ...], wins: tuple[int, int], documented: tuple[int, ...]
) -> None:
    clear(duel, *winners, wins=wins)
    ended = (*duel.wins, duel.ram[WINNER])
    duel.step(START)
    fact(f"Wins, $55, then $46 after START: {name}", documented=documented, measured=(*ended, duel.ram[MODE]))


def test_two_players_have_no_score(duel: Duel, fact: Fact) -> None:
    rams = clear(duel, ONE)
    fact("Score digits after a kill", documented=[0] * 6, measured=list(rams[-1][SCORE : SCORE + 6]))


def test_the_options_of_both_are_set_on_one_row(fact: Fact) -> None:
    with Emulator(CARTRIDGE) as emulator:
        duel = Duel(emulator)
        duel.begin()
        for pads in ((0xF0, 0), (0, 0), (0, 0)):
            duel.tap(*pads)
        duel.step(frames=40)
        duel.tap(START)
        duel.tap(RIGHT, RIGHT)
        duel.tap(0, RIGHT)
        levels = [duel.of(player, LEVEL) for player in (ONE, TWO)]
        fact("Levels after Right on both pads, then on pad 2", documented=[1, 2], measured=levels)
        duel.tap(DOWN)
        duel.tap(0, RIGHT)
        fact(
            "Speeds after Right on pad 2 in the next row",
            documented=[1, 2],
            measured=[duel.of(player, SPEED) for player in (ONE, TWO)],
        )


def test_the_box_of_a_draw(duel: Duel, fact: Fact) -> None:
    rams = lose(duel, ONE, TWO)
    border = {*range(0x8B, 0x90), *range(0xED, 0xF0)}
    rows = []
    for start in FIELDS:
        boxed = [i // 8 for i in range(128) if rams[-1][start + i] in border]
        rows.append((min(boxed), max(boxed)))
    fact("Rows of a draw's box in both fields", documented=[(5, 9), (5, 9)], measured=rows)


def test_the_end_of_a_match_by_a_top_out(duel: Duel, fact: Fact) -> None:
    duel.begin()
    duel.give_wins(1, 2)
    duel.put(ONE, board(NECK))
    duel.poke({BLOCKS[ONE] + ACTION: THROWING})
    rams = trace(duel, LOSS_FRAMES)
    fact("Wins, $61 at GAME OVER of a match", documented=(1, 3, 0), measured=(*duel.wins, rams[-1][LOSER]))
    duel.step(START)
    fact("$46 after START then", documented=1, measured=duel.ram[MODE])


def test_the_next_round_keeps_levels_and_speeds(duel: Duel, fact: Fact) -> None:
    duel.begin((3, 8), (0, 2))
    duel.put(ONE, board(NECK))
    duel.poke({BLOCKS[ONE] + ACTION: THROWING})
    duel.step(frames=LOSS_FRAMES)
    duel.step(START)
    duel.wait_for({MODE: PLAY})
    kept = [(duel.of(player, LEVEL), duel.of(player, SPEED), duel.of(player, WINS)) for player in (ONE, TWO)]
    fact(
        "Level, speed, wins of both in the round after player 1 lost", documented=[(3, 0, 0), (8, 2, 1)], measured=kept
    )
