"""The player that needs no training: on fields made by hand, in whole games of the model and of two on the cartridge."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from models.comparison import expected_ram
from models.machine import FIELD, MODE, PLAY
from models.rules_model import FALLING, Round, new_round

from env import replay as replays
from env import scripted
from env.actions import ACTIONS, placement_mask
from env.boot import StartStates
from env.drmario import DrMarioEnv, observation_space
from env.emulator import Emulator
from env.game import ALONE, CAPSULE, GAME_SEEDS, seats
from env.lane import GameSettings
from env.observation import planes, relative
from env.opponent import NOTHING, Scripted
from env.options import EnvironmentOptions, OptionsError, Scenario
from env.stand_in import stand_in_rom

BuildRam = Callable[..., bytes]
YELLOW, RED = 0, 1


def choice(ram: bytes) -> tuple[int, int]:
    return divmod(scripted.best(planes(ram), placement_mask(ram)), 4)


def at_the_top(build_ram: BuildRam, *, colours: tuple[int, int], field: Mapping[tuple[int, int], int]) -> bytes:
    return build_ram({CAPSULE: colours[0], CAPSULE + 1: colours[1], 0x306: 15}, field=field)


def test_it_ends_a_line_on_a_virus(build_ram: BuildRam) -> None:
    field = {(15, 6): 0xD1, (14, 6): 0x81, (15, 0): 0xD0}
    assert choice(at_the_top(build_ram, colours=(RED, RED), field=field)) == (6, 1)


def test_it_turns_the_half_that_fits_downwards(build_ram: BuildRam) -> None:
    field = {(15, 2): 0xD1, (14, 2): 0x81, (13, 2): 0x81, (15, 7): 0xD0}
    ram = at_the_top(build_ram, colours=(YELLOW, RED), field=field)
    assert choice(ram) in {(2, 3), (2, 0), (1, 0)}
    after = at_the_top(build_ram, colours=(RED, YELLOW), field=field)
    assert choice(after) in {(2, 1), (2, 0), (2, 2), (1, 2)}


def test_it_clears_the_last_virus_whatever_else_there_is(build_ram: BuildRam) -> None:
    field = {(row, 0): 0x82 for row in range(4, 15)} | {(15, 0): 0x82, (3, 0): 0xD1, (3, 1): 0x81}
    ram = at_the_top(build_ram, colours=(RED, RED), field=field | {(row, 2): 0x80 for row in range(4, 16)})
    column, rotation = choice(ram)
    assert rotation in {0, 2}
    assert column == 2


def test_a_game_that_is_over_and_shows_every_placement_as_possible_is_answered(build_ram: BuildRam) -> None:
    field = {(row, 7): 0x80 for row in range(16)}
    column, rotation = divmod(scripted.best(planes(build_ram({}, field=field)), np.ones(32, np.bool_)), 4)
    assert column < 7 or rotation in {1, 3}


def test_it_asks_for_nothing_where_nothing_is_possible() -> None:
    answer = Scripted().act(
        np.zeros((1, 16, 8, 24), np.float32), np.array([True]), action_masks=np.zeros((1, 32), np.bool_), generators=[]
    )
    assert answer.tolist() == [NOTHING]


def cleared(model: Round) -> bool:
    """Whether it wins the model's round within 150 capsules."""
    while not model.over and model.capsules < 150:
        ram = ram_of(model)
        pads = ACTIONS["placement"].pads(scripted.best(planes(ram), placement_mask(ram)), ram, 1, ALONE)
        play(model, pads)
    return model.cleared


def play(model: Round, pads: object) -> None:
    carried = iter(pads)  # type: ignore[call-overload]
    chunk = next(carried)
    while True:
        for pad in chunk[::2]:
            model.frame(int(f"{pad:08b}"[::-1], 2))
        try:
            chunk = carried.send(ram_of(model))
        except StopIteration:
            return


def ram_of(model: Round) -> bytes:
    ram = bytearray(2048)
    for address, value in (expected_ram(model) | {MODE: PLAY}).items():
        ram[address] = value
    ram[FIELD : FIELD + 128] = model.board
    return bytes(ram)


@pytest.mark.parametrize(("level", "games", "won"), [(0, 20, 19), (1, 10, 7)])
def test_it_wins_the_low_levels(level: int, games: int, won: int) -> None:
    count = 0
    for seed in range(games):
        a, b = divmod((seed * 31 % GAME_SEEDS + 1) << 1, 256)
        model = new_round(level, 1, a=a, b=b)
        while model.action != FALLING:
            model.frame(0)
        count += cleared(model)
    assert count >= won


def two(**chosen: object) -> GameSettings:
    scenario = Scenario(mode="2p", side="both")
    return GameSettings(options=EnvironmentOptions(scenario=scenario, **chosen))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [6, 7])
def test_as_an_opponent_it_beats_who_does_nothing_from_either_side(starts: StartStates, seed: int) -> None:
    env = DrMarioEnv(starts, two(opponent="scripted"))
    try:
        env.reset(seed=seed)
        over, info = False, dict[str, Any]()
        while not over:
            _, _, over, _, info = env.step(0)
    finally:
        env.close()
    assert info["outcome"] == "loss"
    replay = replays.from_bytes(info["replay"])
    assert replay.scenario["side"] == (1 if seed % 2 == 0 else 2)
    assert replay.options["opponent"] == "scripted"
    assert not any(replay.inputs[seed % 2 :: 2])
    with Emulator(stand_in_rom()) as emulator:
        replays.verify(replay, emulator)


def test_a_game_of_both_sides_is_the_game_of_the_side_it_falls_to(starts: StartStates) -> None:
    ended = []
    for scenario in (Scenario(mode="2p", side="both"), Scenario(mode="2p", side=2)):
        options = EnvironmentOptions(scenario=scenario, actions="placement", observation="relative", opponent="random")
        env = DrMarioEnv(starts, GameSettings(options=options, frame_limit=1_500))
        try:
            observation, _ = env.reset(seed=11)
            over, info = False, dict[str, Any]()
            while not over:
                assert observation.shape == env.observation_space.shape == (16, 8, 12)
                observation, _, terminated, truncated, info = env.step(int(np.flatnonzero(env.action_masks())[0]))
                over = terminated or truncated
        finally:
            env.close()
        ended.append(info)
    assert ended[0] == ended[1]


def test_relative_shows_the_own_field_alone(build_versus_ram: BuildRam) -> None:
    ram = build_versus_ram({}, fields=({}, {(15, 0): 0xD0}))
    assert not relative(ram, seats(1, has_rival=True))[..., :3].any()
    assert relative(ram, seats(2, has_rival=True))[..., :3].any()
    space = observation_space(EnvironmentOptions(scenario=Scenario(mode="2p"), observation="relative"))
    assert space.shape == (16, 8, 12)


def test_a_checkpoint_that_nobody_names_is_no_opponent() -> None:
    with pytest.raises(OptionsError, match="checkpoint does not say which"):
        two(opponent="checkpoint")


@pytest.mark.parametrize("mode", ["1p", "vs_cpu"])
def test_both_sides_need_two_pads(mode: str) -> None:
    with pytest.raises(OptionsError, match=f"side: both is played in mode 2p alone; in mode {mode}"):
        Scenario(mode=mode, side="both")  # type: ignore[arg-type]
