"""The work of a frame is done before the next one begins: between frames the main program waits, `$33` cleared."""

from collections.abc import Iterator

import numpy as np
import pytest
from models.duel import Duel
from models.machine import CARTRIDGE, MODE, PLAY
from models.rules_model import DOWN, LEFT, RESOLVING, RIGHT, A, B
from models.seeding_model import EMPTY

from env.emulator import Emulator

NMI_DONE = 0x33


@pytest.fixture(scope="module", params=[0, 1, 2], ids=["one player", "two players", "against the machine"])
def game(request: pytest.FixtureRequest) -> Iterator[Duel]:
    with Emulator(CARTRIDGE) as emulator:
        yield Duel(emulator, selects=request.param)


def crowded() -> list[int]:
    """A full field, two whole rows of it viruses of one colour: more than any capsule can kill at once."""
    halves = [0x80 | (i // 8 + i % 8) % 3 for i in range(16, 112)]
    return [EMPTY] * 16 + halves + [0xD0] * 8 + [0xD1] * 8


def waits(duel: Duel) -> bool:
    return duel.ram[NMI_DONE] == 0


@pytest.mark.parametrize("state", [0x1111, 0x7F3A])
def test_no_frame_of_a_game_is_too_long(game: Duel, state: int) -> None:
    game.begin((20, 20), (2, 2), state=state)
    chance = np.random.default_rng(state)
    buttons = chance.choice([0, DOWN, LEFT, RIGHT, A, B, A | B | LEFT], (300, 2))
    for first, second in np.repeat(buttons, 3, axis=0):
        game.step(int(first), int(second))
        assert waits(game), hex(game.ram[MODE])


def test_nor_is_one_in_which_both_fields_vanish(game: Duel) -> None:
    game.begin((20, 20), (2, 2))
    game.wait_for({0x317: RESOLVING, 0x307: 4}, held=(DOWN, DOWN))
    for player in (0, 1):
        game.put(player, crowded())
    game.poke({0x397: RESOLVING, 0x387: 4})
    for _ in range(150):
        game.step()
        assert waits(game), f"step {game.ram[0x307]} of mode {game.ram[MODE]}"
    assert game.ram[0x324] == 0


def test_nor_one_of_the_intro(game: Duel) -> None:
    game.begin((20, 20), (2, 2))
    game.emulator.load_state(game.level_data)
    while game.ram[MODE] != PLAY:
        game.step()
        assert waits(game)
