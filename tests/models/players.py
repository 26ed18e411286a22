"""Inputs for long comparisons, and fields to begin them on: all from a seed.

Owns the styles of play; refuses the four buttons of a soft reset, which would end a comparison.
"""

from collections.abc import Sequence

import numpy as np
from models.field_model import SINGLE
from models.rules_model import DOWN, LEFT, RIGHT, START, A, B
from models.seeding_model import CELLS, COLUMNS, EMPTY, VIRUS

SOFT_RESET = 0xF0
CALM = (0, 0, DOWN, LEFT, RIGHT, A, B, LEFT | A, RIGHT | B, DOWN | LEFT, A | B, LEFT | RIGHT)
STYLES = 4


def generator_state(seed: int) -> int:
    """Seeds spread over the 32,767 states that give different games."""
    return (seed * 20077 % 32767 + 1) << 1


def held_buttons(style: int, chance: np.random.Generator, frames: int) -> list[int]:
    """A player's inputs: held directions, whole drops, only drops, or plain noise."""
    if style == 0:
        return [int(b) for b in np.repeat(chance.choice(CALM, frames), chance.integers(1, 9, frames))[:frames]]
    if style == 1:
        drops: list[int] = []
        while len(drops) < frames:
            drops += [int(chance.choice([LEFT, RIGHT, 0, A, B]))] * int(chance.integers(1, 24)) + [DOWN] * 24
        return drops[:frames]
    if style == 2:
        return [DOWN] * frames
    noise = chance.integers(0, 256, frames)
    noise[chance.random(frames) < 0.9] &= ~START
    noise[chance.random(frames) < 0.02] = START
    return [0 if b == SOFT_RESET else int(b) for b in noise]


def rubble(chance: np.random.Generator) -> list[int]:
    """A field of random cells: lines in both directions, orphans and long cascades from the first lock on."""
    board = [EMPTY] * CELLS
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


def loaded(queue: Sequence[int], chance: np.random.Generator) -> list[int]:
    """A field on which the first three capsules, dropped where they spawn, make two to four matches each."""
    board = [EMPTY] * CELLS
    for row in range(7, 16):
        for column in (0, 1, 2, 5, 6, 7):
            board[row * COLUMNS + column] = VIRUS | (row + column) % 3
    for layer, capsule in enumerate(queue[1:4]):
        for colour, stack, beside in zip(divmod(capsule, 3), (3, 4), ((0, 1, 2), (5, 6, 7)), strict=True):
            top = 7 + 3 * layer
            for row in range(top, top + 3):
                board[row * COLUMNS + stack] = SINGLE | colour
            if chance.random() < 0.5:
                for column in beside:
                    board[(top - 1) * COLUMNS + column] = SINGLE | colour
    return board


def nearly_clear(queue: Sequence[int], chance: np.random.Generator) -> list[int]:
    """The last three viruses, which one of the next three capsules takes with it when it is dropped where it spawns."""
    colour = queue[1 + int(chance.integers(3))] // 3
    return [VIRUS | colour if cell in {107, 115, 123} else EMPTY for cell in range(CELLS)]


def board_for_play(queue: Sequence[int], chance: np.random.Generator) -> list[int]:
    """Rubble, a field that makes attacks, or one that is soon won."""
    kind = chance.random()
    if kind < 0.3:
        return rubble(chance)
    return loaded(queue, chance) if kind < 0.8 else nearly_clear(queue, chance)
