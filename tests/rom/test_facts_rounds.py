"""How rounds begin, pause and end, one player."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from models.arena import ACTION, GRAVITY, LOST, SPEEDUPS, Arena, X, Y, block
from models.fidelity import Fact
from models.machine import FIELD, INIT, MODE, OPTIONS, PAUSE, PLAY, Machine
from models.rules_model import DOWN, LEFT, START, A

TOPIC = "Rounds"
WINNER, LEVEL_SPRITES, PAUSE_ALLOWED, WINS, LEVEL, VIRUSES = 0x55, 0x5D, 0x54, 0x31E, 0x316, 0x324
HIGH_SCORE, SCORE, FIELD_2 = 0x700, 0x729, 0x500
FLOOR = 15 * 8
HALF, VIRUS = 0x80, 0xD0
#: a text box's bytes: border, blank, letters
BOX = frozenset({*range(0x8B, 0x90), *range(0xED, 0xF0), 0xFE, *range(0x0A, 0x24)})
DUE = 19


def lose(arena: Arena) -> list[bytes]:
    """The next capsule finds no room; RAM from that frame on, until the box stands."""
    arena.stage({3: VIRUS}, {X: 6, Y: 0, GRAVITY: DUE})
    arena.until(lambda ram: block(ram, LOST) != 0)
    return [arena.machine.ram, *arena.trace([0] * 240)]


def win(arena: Arena, level: int = 0, frames: int = 0) -> list[bytes]:
    """The last virus is killed; RAM from that frame on."""
    cells = {FLOOR: VIRUS, FLOOR + 1: HALF, FLOOR + 2: HALF, FLOOR + 7: HALF | 2}
    arena.stage(cells, {X: 3, Y: 0, GRAVITY: DUE, 0x16: level})
    arena.until(lambda ram: ram[VIRUSES] == 0)
    return [arena.machine.ram, *arena.trace([0] * frames)]


def first(rams: list[bytes], holds: Callable[[bytes], bool]) -> int:
    return next(i for i, ram in enumerate(rams) if holds(ram))


def modes(rams: list[bytes]) -> list[int]:
    return list(dict.fromkeys(ram[MODE] for ram in rams))


def boxed_rows(field: bytes) -> list[int]:
    """First and last row of the box, which is all text, blanks and border."""
    rows = [i // 8 for i, byte in enumerate(field) if byte in BOX and byte != 0xFE]
    return [min(rows), max(rows)]


def test_start_pauses_and_the_mode_stays(arena: Arena, fact: Fact) -> None:
    arena.stage()
    ram = arena.trace([START])[-1]
    fact(
        "$46, $068D, $5D in the frame of START",
        documented=(4, 5, 0),
        measured=(ram[MODE], ram[PAUSE], ram[LEVEL_SPRITES]),
    )
    before = ram[0x300:0x500]
    ram = arena.trace([0, DOWN, DOWN, LEFT, A, *[DOWN] * 40])[-1]
    fact(
        "Bytes of player 1's block and field that change in 45 paused frames",
        documented=0,
        measured=sum(map(int.__ne__, before, ram[0x300:0x500])),
    )
    ram = arena.trace([0, START])[-1]
    fact(
        "$068D after a second START; level sprites are on again",
        documented=(0, True),
        measured=(ram[PAUSE], ram[LEVEL_SPRITES] != 0),
    )


def test_a_top_out_is_flagged_in_its_frame(arena: Arena, fact: Fact) -> None:
    arena.stage()
    live = arena.machine.ram
    rams = lose(arena)
    fact("$46 in the frame in which $0309 becomes 1", documented=4, measured=rams[0][MODE])
    fact("$46 after a top-out", documented=[4, 5, 7], measured=modes(rams))
    fact("Frames of mode 5", documented=1, measured=sum(ram[MODE] == 5 for ram in rams))
    fact("Action state of the loser", documented=4, measured=block(rams[0], ACTION))
    fact(
        "Pause allowed ($54) in play and after a loss",
        documented=("$FF", "$00"),
        measured=(f"${live[PAUSE_ALLOWED]:02X}", f"${rams[0][PAUSE_ALLOWED]:02X}"),
    )
    fact(
        "Frames from mode 7 to GAME OVER",
        documented=64 + 128,
        measured=first(rams, lambda ram: ram[FIELD_2 + 16] == 0x8B) - first(rams, lambda ram: ram[MODE] == 7),
    )
    fact("$55 at GAME OVER", documented=2, measured=rams[-1][WINNER])
    rows = (boxed_rows(rams[-1][FIELD : FIELD + 128]), boxed_rows(rams[-1][FIELD_2 : FIELD_2 + 128]))
    fact("Rows of the GAME OVER box in both fields", documented=([2, 8], [2, 8]), measured=rows)


def test_the_rejected_capsule_is_stamped(arena: Arena, fact: Fact) -> None:
    arena.stage({4: VIRUS}, {X: 6, Y: 0, GRAVITY: DUE})
    arena.until(lambda ram: block(ram, LOST) != 0)
    cells = [f"${byte:02X}" for byte in arena.machine.ram[FIELD + 3 : FIELD + 5]]
    fact("Row 0, columns 3-4, after blue, blue found a virus in column 4", documented=["$62", "$72"], measured=cells)


@pytest.mark.parametrize(("column", "lost"), [(0, 0), (2, 0), (3, 1), (4, 1), (5, 0), (7, 0)])
def test_only_the_spawn_cells_decide(arena: Arena, fact: Fact, column: int, lost: int) -> None:
    arena.stage({column: VIRUS, column + 8: VIRUS}, {X: 1 if column > 1 else 5, Y: 0, GRAVITY: DUE})
    arena.until(lambda ram: block(ram, ACTION) in {3, 4})
    fact(
        f"$0309 at a spawn with row 0, column {column} taken", documented=lost, measured=block(arena.machine.ram, LOST)
    )


def test_after_game_over_start_leads_to_the_options(arena: Arena, fact: Fact) -> None:
    lose(arena)
    ram = arena.trace([0, START, 0, 0, 0, 0])[-1]
    fact("$46 after START at GAME OVER", documented=OPTIONS, measured=ram[MODE])
    filled = {f"${byte:02X}" for byte in ram[FIELD : FIELD + 128] + ram[FIELD_2 : FIELD_2 + 128]}
    fact("Bytes in both fields then", documented=["$FE"], measured=sorted(filled))
    fact("The flag $0309 then", documented=1, measured=ram[0x309])


def test_the_flag_of_a_top_out_goes_with_the_next_levels_data(arena: Arena, machine: Machine, fact: Fact) -> None:
    lose(arena)
    arena.trace([0, START, 0, 0, 0, 0, START, 0])
    arena.until(lambda ram: ram[MODE] == INIT)
    before = machine.ram[0x309]
    ram = arena.trace([0])[-1]
    fact("$0309 at the beginning and at the end of mode 3", documented=[1, 0], measured=[before, ram[0x309]])


def test_a_better_score_is_kept(arena: Arena, fact: Fact) -> None:
    arena.stage({3: VIRUS}, {X: 6, Y: 0, GRAVITY: DUE}, {SCORE + 4: 7, HIGH_SCORE + 4: 6})
    arena.until(lambda ram: ram[MODE] == 7)
    ram = arena.trace([0] * 5)[-1]
    fact("$0704 after a game with $072D at 7 and $0704 at 6", documented=7, measured=ram[HIGH_SCORE + 4])


def test_a_clear_is_seen_in_its_frame(arena: Arena, fact: Fact) -> None:
    rams = win(arena, frames=130)
    fact(
        "$46, $031E, $55 in the frame of the last kill",
        documented=(PLAY, 1, 0),
        measured=(rams[0][MODE], rams[0][WINS], rams[0][WINNER]),
    )
    fact("Frames until $55 is 1", documented=64, measured=first(rams, lambda ram: ram[WINNER] == 1))
    rows = boxed_rows(rams[-1][FIELD : FIELD + 128])
    fact("Rows of the stage-clear box", documented=[1, 9], measured=rows)
    fact("$46 while it waits", documented=[4], measured=modes(rams))


def test_after_a_clear_start_leads_to_the_next_level(arena: Arena, machine: Machine, fact: Fact) -> None:
    win(arena, frames=130)
    machine.poke({0x300 + SPEEDUPS: 5})
    score = machine.ram[SCORE : SCORE + 6]
    rams = arena.trace([START, *[0] * 300])
    fact("$46 from START on", documented=[3, 8, 4], measured=modes(rams))
    now = (rams[-1][LEVEL], rams[-1][WINS], block(rams[-1], SPEEDUPS))
    fact("Level, wins, speed-ups of the level after level 0", documented=(1, 1, 0), measured=now)
    fact("The score goes on", documented=True, measured=rams[-1][SCORE : SCORE + 6] == score)


@pytest.mark.parametrize(("level", "following"), [(19, 20), (20, 21), (23, 24), (24, 24)])
def test_levels_run_on_to_24(arena: Arena, fact: Fact, level: int, following: int) -> None:
    win(arena, level, frames=130)
    for _ in range(40):
        rams = arena.trace([START, *[0] * 30])
        if INIT in modes(rams):
            break
    fact(f"Level after level {level}", documented=following, measured=arena.machine.ram[LEVEL])


def test_start_of_a_game_resets_score_and_wins(arena: Arena, machine: Machine, fact: Fact) -> None:
    lose(arena)
    machine.poke({SCORE + 1: 4, WINS: 2})
    arena.trace([0, START, 0, 0, 0, 0, START, 0])
    ram = arena.until(lambda now: now[MODE] == INIT)[-1]
    fact("Score digit and wins when a game begins", documented=(0, 0), measured=(ram[SCORE + 1], ram[WINS]))


def test_beyond_the_fields_all_is_empty(arena: Arena, fact: Fact) -> None:
    arena.stage()
    ram = arena.trace([0] * 40)[-1]
    beyond = {f"${byte:02X}" for byte in ram[0x480:0x500] + ram[0x580:0x600]}
    fact("Bytes in $0480-$04FF and $0580-$05FF", documented=["$FF"], measured=sorted(beyond))


def test_with_0724_set_loose_halves_float(arena: Arena, fact: Fact) -> None:
    single = {13 * 8: HALF | 1}
    arena.stage(single, {X: 5, Y: 0, GRAVITY: DUE}, {0x724: 1})
    ram = arena.until(lambda now: block(now, ACTION) == 3)[-1]
    row = list(ram[FIELD : FIELD + 127]).index(HALF | 1) // 8
    fact("Row where a half ends with $0724 set, from row 13", documented=13, measured=row)


@pytest.mark.parametrize(
    ("level", "speed", "name", "presses"),
    [
        (4, 1, "MED", 1),
        (5, 0, "LOW", 1),
        (20, 0, "LOW", 2),
        (21, 1, "MED", 1),
        *[(n, 1, "MED", 2) for n in (5, 10, 15, 20)],
        (5, 2, "HI", 2),
    ],
)
def test_cutscenes_take_another_start(
    arena: Arena, fact: Fact, level: int, speed: int, name: str, presses: int
) -> None:
    cells = {FLOOR: VIRUS, FLOOR + 1: HALF, FLOOR + 2: HALF, FLOOR + 7: HALF | 2}
    arena.stage(cells, {X: 3, Y: 0, GRAVITY: 39, 0x16: level, 0x0B: speed})
    arena.until(lambda ram: ram[VIRUSES] == 0)
    arena.trace([0] * 200)
    starts, seen = 0, {PLAY}
    while INIT not in seen and starts < 4:
        seen = {ram[MODE] for ram in arena.trace([START, *[0] * 60])}
        starts += 1
    fact(f"Presses of START from the box to the next level, level {level}, {name}", documented=presses, measured=starts)


def test_waits_count_down(arena: Arena, fact: Fact) -> None:
    counts = [ram[0x51] for ram in win(arena, frames=50)]
    steps = sorted({before - after for before, after in pairwise(counts)})
    fact("Steps of $51 over 50 frames after a clear", documented=[1], measured=steps)


def test_a_box_is_all_text(arena: Arena, fact: Fact) -> None:
    field = win(arena, frames=130)[-1][FIELD : FIELD + 128]
    other = [f"${byte:02X}" for byte in field if byte not in BOX]
    fact("Bytes of the cleared field that are neither border, letter nor blank", documented=[], measured=other)


def test_the_last_cutscene_has_a_step(arena: Arena, fact: Fact) -> None:
    win(arena, 20, frames=200)
    before = arena.machine.ram[0x5E]
    ram = arena.trace([START, *[0] * 60])[-1]
    fact(
        "$5E is set before and in the cutscene after level 20",
        documented=[False, True],
        measured=[before != 0, ram[0x5E] != 0],
    )


def test_start_pauses_the_intro_too(arena: Arena, fact: Fact) -> None:
    win(arena, frames=130)
    rams = arena.trace([START, 0, 0, START, 0])
    fact("$46, $068D after START in the intro", documented=(8, 5), measured=(rams[-1][MODE], rams[-1][PAUSE]))


def test_play_begins_with_a_throw_from_the_spawn(machine: Machine, fact: Fact) -> None:
    machine.begin(20, 1, state=0x2222)
    ram = machine.ram
    begun = (block(ram, ACTION), block(ram, X), block(ram, Y))
    fact("Action state, column, height when play begins", documented=(6, 3, 15), measured=begun)
    fact("$0324 at level 20 (84 viruses)", documented="$84", measured=f"${ram[VIRUSES]:02X}")
    fact("Capsule ids in $0780-$07FF are below", documented=9, measured=1 + max(ram[0x780:0x800]))


def test_at_game_over_a_player_with_three_wins_is_the_winner(arena: Arena, fact: Fact) -> None:
    arena.stage({3: VIRUS}, {X: 6, Y: 0, GRAVITY: DUE, 0x1E: 3})
    arena.until(lambda ram: block(ram, LOST) != 0)
    ram = arena.trace([0] * 240)[-1]
    fact("$55 at GAME OVER with $031E at 3", documented=1, measured=ram[WINNER])


@pytest.mark.parametrize(("name", "mode"), [("the intro", 8), ("the wait after a clear", 4), ("GAME OVER", 7)])
def test_the_four_buttons_reset_softly_here_too(arena: Arena, fact: Fact, name: str, mode: int) -> None:
    if mode == 7:
        lose(arena)
    else:
        win(arena, frames=130)
        arena.trace([START, 0, 0] if mode == 8 else [0])
    before = arena.machine.ram[MODE]
    arena.trace([0xF0, *[0] * 8])
    fact(
        f"$46 before and after A+B+Select+Start in {name}",
        documented=[mode, 0],
        measured=[before, arena.machine.ram[MODE]],
    )
