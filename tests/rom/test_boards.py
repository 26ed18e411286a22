"""Every level's viruses and every seed's capsules, on the cartridge and in the seeding model."""

import numpy as np
import pytest
from models.machine import FIELD, QUEUE, Machine
from models.players import generator_state
from models.seeding_model import Generator, capsule_queue, virus_board, virus_count

LEVELS = range(25)
SEEDS = 32_767
SOAK_SEEDS = 40


def deal(machine: Machine, level: int, seed: int) -> None:
    """On the cartridge, held against what the generator makes of the same state."""
    machine.begin(level, 1, state=generator_state(seed))
    ram = machine.ram
    generator = Generator(*divmod(generator_state(seed), 256))
    queue = capsule_queue(generator)
    board = virus_board(level, generator)
    assert ram[QUEUE : QUEUE + 128] == bytes(queue), f"queue of seed {seed}"
    assert ram[FIELD : FIELD + 128] == board, f"level {level}, seed {seed}"
    assert sum(ram[0x72:0x75]) == virus_count(level) == sum(cell != 0xFF for cell in board)
    assert tuple(ram[0x17:0x19]) == (generator.a, generator.b)


@pytest.mark.parametrize("level", LEVELS)
def test_every_levels_viruses_and_queue_are_the_models(machine: Machine, level: int) -> None:
    for seed in (level, 100 + level):
        deal(machine, level, seed)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("level", LEVELS)
def test_many_boards_of_every_level_are_the_models(machine: Machine, level: int) -> None:
    for seed in np.random.default_rng(level).choice(SEEDS, SOAK_SEEDS, replace=False):
        deal(machine, level, int(seed))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_all_seeds_have_queues_of_their_own() -> None:
    queues = {bytes(capsule_queue(Generator(*divmod(generator_state(seed), 256)))) for seed in range(SEEDS)}
    assert len(queues) == SEEDS
