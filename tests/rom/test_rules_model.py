"""The model against the rules' published figures, so that model and cartridge cannot err together unseen."""

import pytest
from models.rules_model import DOWN, FALLING, HI, LEFT, LOW, MED, RESOLVING, RIGHT, SPAWNED, A, B, Round, new_round
from models.seeding_model import EMPTY, Generator, capsule_queue, virus_board, virus_count


def empty_round(speed: int = MED, board: list[int] | None = None) -> Round:
    """Play has just begun over one virus in a corner; the first capsule is yellow and red."""
    model = new_round(0, speed, a=0x12, b=0x34)
    model.board[:] = board or [EMPTY] * 127 + [0xD2]
    model.viruses, model.next_colours = 1, (0, 1)
    return model


def run_until(model: Round, action: int, held: int = 0) -> int:
    frames = 0
    while model.action != action:
        model.frame(held)
        frames += 1
    return frames


def falling(speed: int = MED) -> Round:
    model = empty_round(speed)
    run_until(model, FALLING)
    return model


def test_the_generator_returns_to_its_start_after_32767_steps() -> None:
    generator, states = Generator(), set()
    for _ in range(32767):
        states.add((generator.a, generator.b))
        generator.step()
    assert (generator.a, generator.b) == (0x89, 0x88)
    assert len(states) == 32767


@pytest.mark.parametrize("level", [0, 5, 14, 16, 18, 20, 24])
def test_a_board_has_its_levels_viruses_below_its_levels_height(level: int) -> None:
    board = virus_board(level, Generator(0x31, 0x7E))
    highest = next(i for i, cell in enumerate(board) if cell != EMPTY) // 8
    assert sum(cell != EMPTY for cell in board) == virus_count(level)
    assert highest >= {0: 6, 5: 6, 14: 6, 16: 5, 18: 4, 20: 3, 24: 3}[level]


def test_no_virus_repeats_the_colour_two_cells_away() -> None:
    board = virus_board(20, Generator(0x55, 0x2A))
    for i, cell in enumerate(board):
        if i % 8 < 6 and cell != EMPTY:
            assert cell != board[i + 2]


def test_the_first_capsule_is_slot_1() -> None:
    queue = capsule_queue(Generator(0x12, 0x34))
    model = new_round(0, MED, a=0x12, b=0x34)
    run_until(model, SPAWNED)
    assert (model.colours, model.next_colours) == (divmod(queue[1], 3), divmod(queue[2], 3))


@pytest.mark.parametrize(("speed", "frames"), [(LOW, 40), (MED, 20), (HI, 14)])
def test_a_row_takes_40_20_or_14_frames_at_first(speed: int, frames: int) -> None:
    model = falling(speed)
    heights = []
    for _ in range(3 * frames):
        model.frame(0)
        heights.append(model.y)
    assert heights == [15] * (frames - 1) + [14] * frames + [13] * frames + [12]


def test_the_first_row_falls_21_frames_after_the_spawn() -> None:
    model = empty_round()
    run_until(model, SPAWNED)
    for _ in range(20):
        model.frame(0)
    assert model.y == 15
    model.frame(0)
    assert model.y == 14


def test_holding_down_falls_a_row_every_second_frame_and_only_when_nothing_else_is_held() -> None:
    model = falling()
    for _ in range(10):
        model.frame(DOWN)
    assert model.y == 10
    for _ in range(10):
        model.frame(DOWN | LEFT)
    assert model.y == 10


def test_a_held_direction_moves_at_once_after_16_frames_and_then_every_6() -> None:
    model = falling(LOW)
    columns = []
    for _ in range(24):
        model.frame(RIGHT)
        columns.append(model.x)
    assert columns == [4] * 16 + [5] * 6 + [6] * 2


def test_a_turns_clockwise_and_b_the_other_way() -> None:
    model = falling()
    model.frame(A)
    assert model.rotation == 3
    model.frame(0)
    model.frame(B)
    assert model.rotation == 0


def test_lying_down_against_the_wall_kicks_one_column_left() -> None:
    model = falling()
    model.frame(A)
    model.x = 7
    model.frame(B)
    assert (model.x, model.rotation) == (6, 0)


@pytest.mark.parametrize("row", [15, 9, 1])
def test_without_a_line_the_next_capsule_comes_29_frames_after_the_redraw(row: int) -> None:
    board = [EMPTY] * 128
    board[127] = 0xD2
    if row < 15:
        board[(row + 1) * 8 + 3] = 0xD2
    model = empty_round(board=board)
    run_until(model, RESOLVING, DOWN)
    assert run_until(model, SPAWNED) == max(4, row + 1) + 29


def test_at_low_speed_the_throw_takes_twice_as_long() -> None:
    model = empty_round(LOW)
    run_until(model, RESOLVING, DOWN)
    assert run_until(model, SPAWNED) in (16 + 50, 16 + 51)


def test_after_a_line_the_rest_falls_a_row_every_16_frames() -> None:
    board = [EMPTY] * 128
    board[127] = 0xD2
    board[120:123] = [0x80] * 3
    board[114] = 0x82
    model = empty_round(board=board)
    run_until(model, RESOLVING, DOWN)
    frames = 0
    while model.board[114] != EMPTY:
        model.frame(0)
        frames += 1
    assert frames == 16 + 20
    assert (model.board[122], model.board[124]) == (0x82, 0x81)
    assert run_until(model, SPAWNED) == 16 + 29


def test_kills_of_one_capsule_double_in_worth() -> None:
    board = [EMPTY] * 120 + [0xD0] * 3 + [EMPTY] * 5
    model = empty_round(HI, board=board)
    model.viruses = 3
    while not model.cleared:
        model.frame(DOWN)
    assert (model.score, model.kills, model.cells, model.matches) == (300 * (1 + 2 + 4), 3, 4, 1)


def test_the_ninth_capsule_falls_faster() -> None:
    model = empty_round()
    while model.capsules < 9:
        model.board[:] = [EMPTY] * 127 + [0xD2]
        model.frame(DOWN)
    assert model.speedups == 0
    while model.capsules < 10:
        model.board[:] = [EMPTY] * 127 + [0xD2]
        model.frame(DOWN)
    assert model.speedups == 1
