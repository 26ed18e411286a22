"""The cartridge and the rules model, frame by frame over whole games."""

import numpy as np
import pytest
from models.machine import FIELD, QUEUE, Machine
from models.rules_model import DOWN, LEFT, RIGHT, START, A, B, Round
from models.seeding_model import EMPTY

SOFT_RESET = 0xF0
QUICK_FRAMES, SOAK_FRAMES = 700, 8000
CALM = (0, 0, DOWN, LEFT, RIGHT, A, B, LEFT | A, RIGHT | B, DOWN | LEFT, A | B, LEFT | RIGHT)


def generator_state(seed: int) -> int:
    """Seeds spread over the 32,767 states that give different games."""
    return (seed * 20077 % 32767 + 1) << 1


def held_buttons(style: int, chance: np.random.Generator, frames: int) -> list[int]:
    """A player's inputs: held directions, whole drops, or plain noise."""
    if style == 0:
        return [int(b) for b in np.repeat(chance.choice(CALM, frames), chance.integers(1, 9, frames))[:frames]]
    if style == 1:
        drops = [
            [int(chance.choice([LEFT, RIGHT, 0, A, B]))] * int(chance.integers(1, 24)) + [DOWN] * 24
            for _ in range(frames)
        ]
        return [button for drop in drops for button in drop][:frames]
    noise = chance.integers(0, 256, frames)
    noise[chance.random(frames) < 0.9] &= ~START
    return [0 if b == SOFT_RESET else int(b) for b in noise]


def play(machine: Machine, model: Round, buttons: list[int]) -> None:
    for held in buttons:
        machine.play(model, held)
        if model.over:
            break


def play_a_game(machine: Machine, seed: int, frames: int) -> None:
    chance = np.random.default_rng(seed)
    model = machine.begin(
        seed % 21, seed // 3 % 3, state=generator_state(seed), frame_counter=int(chance.integers(256))
    )
    play(machine, model, held_buttons(seed % 3, chance, frames))


def play_rubble(machine: Machine, seed: int, frames: int) -> None:
    """A field of random cells: lines in both directions, orphans and long cascades from the first lock on."""
    chance = np.random.default_rng(seed)
    model = machine.begin(0, seed % 3, state=generator_state(seed))
    machine.put_board(model, rubble(chance))
    play(machine, model, held_buttons(1, chance, frames))


def rubble(chance: np.random.Generator) -> list[int]:
    board = [EMPTY] * 128
    top = 16 - int(chance.integers(3, 14))
    density = chance.uniform(0.3, 0.9)
    for cell in range(top * 8, 127):
        if board[cell] != EMPTY or chance.random() > density:
            continue
        colour, other = (int(c) for c in chance.integers(0, 3, 2))
        if cell % 8 < 7 and chance.random() < 0.4:
            board[cell], board[cell + 1] = 0x60 | colour, 0x70 | other
        else:
            board[cell] = (0xD0 if chance.random() < 0.15 else 0x80) | colour
    board[127] = 0xD0
    return board


@pytest.mark.parametrize("seed", range(21))
def test_a_game_goes_on_the_cartridge_as_in_the_model(machine: Machine, seed: int) -> None:
    play_a_game(machine, seed, QUICK_FRAMES)


@pytest.mark.parametrize("seed", range(12))
def test_lines_orphans_and_cascades_resolve_as_in_the_model(machine: Machine, seed: int) -> None:
    play_rubble(machine, seed, QUICK_FRAMES // 2)


@pytest.mark.parametrize("level", range(25))
def test_every_levels_viruses_and_queue_are_the_models(machine: Machine, level: int) -> None:
    for seed in (level, 100 + level):
        model = machine.begin(level, 1, state=generator_state(seed))
        ram = machine.ram
        assert ram[FIELD : FIELD + 128] == model.board
        assert ram[QUEUE : QUEUE + 128] == bytes(model.queue)
        assert sum(ram[0x72:0x75]) == model.viruses


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("block", range(10))
def test_hundreds_of_whole_games_go_on_the_cartridge_as_in_the_model(machine: Machine, block: int) -> None:
    for seed in range(1000 + block * 25, 1025 + block * 25):
        play_a_game(machine, seed, SOAK_FRAMES)
        play_rubble(machine, seed, SOAK_FRAMES)
