from models.comparison import play
from models.machine import INIT, MODE, OPTIONS, PAUSE, PLAY, ROUND_OVER, START, TOPPED_OUT, VIRUSES, Machine
from models.rules_model import DOWN, RIGHT, Round
from models.seeding_model import EMPTY

STATE = 0x1234
LOST, WINS, WINNER, LEVEL = 0x309, 0x31E, 0x55, 0x316
STALE_VIRUSES = 0x3A4


def play_until_over(machine: Machine, model: Round, held: int) -> None:
    for _ in range(6000):
        play(machine, model, held)
        if model.over:
            return
    raise AssertionError("the round does not end")


def begin_one_drop_from_clear(machine: Machine, level: int = 0) -> Round:
    """Three viruses of the first capsule's left colour, left of where it comes down."""
    model = machine.begin(level, 1, state=STATE)
    colour = model.next_colours[0]
    machine.put_board(model, [EMPTY] * 120 + [0xD0 | colour] * 3 + [EMPTY] * 5)
    return model


def test_start_pauses_without_changing_the_mode_and_nothing_moves(machine: Machine) -> None:
    model = machine.begin(3, 2, state=STATE)
    for _ in range(60):
        play(machine, model, RIGHT)
    play(machine, model, START)
    assert (machine.ram[MODE], machine.ram[PAUSE], machine.ram[0x5D]) == (PLAY, 5, 0)
    before = machine.ram[0x300:0x480]
    for _ in range(50):
        play(machine, model, DOWN)
    assert machine.ram[0x300:0x480] == before
    for held in (0, START, 0, 0, DOWN, DOWN, DOWN):
        play(machine, model, held)
    assert machine.ram[PAUSE] == 0


def test_a_pause_while_the_field_is_redrawn_costs_no_frame_of_the_redraw(machine: Machine) -> None:
    model = machine.begin(0, 1, state=STATE)
    while model.action != 1:
        play(machine, model, DOWN)
    for held in (START, 0, 0, 0, 0, 0, START, *[0] * 60):
        play(machine, model, held)
    assert model.capsules > 2


def test_a_capsule_that_finds_no_room_ends_the_game(machine: Machine) -> None:
    model = machine.begin(0, 2, state=STATE)
    play_until_over(machine, model, DOWN)
    assert (model.lost, machine.ram[LOST], machine.ram[MODE]) == (True, 1, PLAY)
    machine.step()
    assert machine.ram[MODE] == TOPPED_OUT
    machine.step()
    assert machine.ram[MODE] == ROUND_OVER


def test_game_over_waits_for_start_and_leads_to_the_options(machine: Machine) -> None:
    model = machine.begin(0, 2, state=STATE)
    play_until_over(machine, model, DOWN)
    machine.step(frames=10)
    machine.tap(START)
    assert machine.ram[MODE] == ROUND_OVER, "START before the box is up does nothing"
    machine.step(frames=200)
    assert machine.ram[WINNER] == 2
    assert machine.ram[0x410] == machine.ram[0x510] == 0x8B, "the box stands in both fields"
    machine.tap(START)
    assert machine.ram[MODE] == OPTIONS
    assert set(machine.ram[0x400:0x480] + machine.ram[0x500:0x580]) == {0xFE}


def test_the_last_virus_raises_the_wins_at_once_and_stops_the_capsules(machine: Machine) -> None:
    model = begin_one_drop_from_clear(machine)
    play_until_over(machine, model, DOWN)
    assert model.cleared
    assert (machine.ram[MODE], machine.ram[VIRUSES], machine.ram[WINS], machine.ram[WINNER]) == (PLAY, 0, 1, 0)
    machine.step(frames=64)
    assert machine.ram[WINNER] == 1
    assert machine.ram[0x408] == 0x8B, "the box stands in the field"
    machine.step(frames=300)
    assert machine.ram[MODE] == PLAY, "it waits for START"


def test_after_a_clear_start_begins_the_next_level(machine: Machine) -> None:
    model = begin_one_drop_from_clear(machine, level=2)
    play_until_over(machine, model, DOWN)
    score = machine.ram[0x729:0x72F]
    machine.step(frames=120)
    machine.step(START)
    machine.wait_for({MODE: INIT})
    assert machine.ram[LEVEL] == 3
    machine.wait_for({MODE: PLAY})
    assert machine.ram[VIRUSES] == 0x16
    assert machine.ram[0x729:0x72F] == score, "the score goes on"


def test_the_levels_stop_at_24(machine: Machine) -> None:
    model = begin_one_drop_from_clear(machine, level=24)
    play_until_over(machine, model, DOWN)
    machine.step(frames=120)
    machine.step(START)
    machine.wait_for({MODE: INIT})
    assert machine.ram[LEVEL] == 24


def test_one_player_alone_leaves_the_second_block_at_the_start_of_the_level(machine: Machine) -> None:
    model = begin_one_drop_from_clear(machine)
    play_until_over(machine, model, DOWN)
    assert machine.ram[STALE_VIRUSES] == 4


def test_the_working_copy_shows_the_players_block_and_probes_beyond_the_field_find_it_empty(machine: Machine) -> None:
    model = machine.begin(8, 1, state=STATE)
    for _ in range(300):
        play(machine, model, RIGHT)
        assert machine.ram[0x80:0xB0] == machine.ram[0x300:0x330]
    assert set(machine.ram[0x480:0x500] + machine.ram[0x580:0x600]) == {0xFF}


def test_the_virus_count_rises_during_the_intro(machine: Machine) -> None:
    model = begin_one_drop_from_clear(machine, level=6)
    play_until_over(machine, model, DOWN)
    machine.step(frames=120)
    machine.step(START)
    machine.wait_for({MODE: INIT})
    counts = []
    while machine.ram[MODE] != PLAY:
        machine.step()
        counts.append(machine.ram[VIRUSES])
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 0x32)
