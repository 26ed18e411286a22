"""The cartridge and the rules model, frame by frame over whole games: one player, two, and against the machine."""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, repeat

import numpy as np
import pytest
from models.comparison import match_differences, play, play_match
from models.machine import Machine
from models.match_model import LEVEL_DATA, OPTIONS, PLAY, Match
from models.players import STYLES, board_for_play, generator_state, held_buttons, nearly_clear, rubble
from models.rules_model import START
from models.seeding_model import Generator

QUICK_FRAMES, LONG_FRAMES = 700, 8000
#: of the soak test, which plays four blocks of them
BLOCK_SEEDS = 100
ALONE, TWO, AGAINST = (
    (1, False, "runs of levels"),
    (2, False, "matches of two"),
    (2, True, "matches against the machine"),
)
KINDS = ((ALONE, AGAINST), (ALONE, TWO), (TWO,), (ALONE, TWO))
#: levels at which a player alone begins: pictures follow 5, 10, 15, 20; the last is 24
CUTSCENES_NEAR = (4, 9, 14, 19, 20, 23, 0)


def play_a_game(machine: Machine, seed: int, frames: int) -> None:
    chance = np.random.default_rng(seed)
    clock = int(chance.integers(256))
    model = machine.begin(seed % 21, seed // 3 % 3, state=generator_state(seed), frame_counter=clock)
    for held in held_buttons(seed % STYLES, chance, frames):
        play(machine, model, held)
        if model.over:
            return


def play_rubble(machine: Machine, seed: int, frames: int) -> None:
    chance = np.random.default_rng(seed)
    model = machine.begin(0, seed % 3, state=generator_state(seed))
    machine.put_board(model, rubble(chance))
    for held in held_buttons(1, chance, frames):
        play(machine, model, held)
        if model.over:
            return


def new_match(
    machine: Machine, seed: int, *, players: int = 2, is_cpu: bool = False
) -> tuple[Match, np.random.Generator]:
    """Mode 3 on both sides.  Every second match of two people has unequal levels and speeds."""
    chance = np.random.default_rng(seed)
    level, speed = int(chance.integers(21)), int(chance.integers(3))
    if players == 1:
        level = CUTSCENES_NEAR[seed % len(CUTSCENES_NEAR)]
    levels, speeds = [level] * players, [speed] * players
    if players == 2 and not is_cpu and seed % 2:
        levels, speeds = [level, int(chance.integers(21))], [speed, int(chance.integers(3))]
    generator = Generator(*divmod(generator_state(seed), 256))
    clock = int(chance.integers(256))
    match = Match(levels=levels, speeds=speeds, generator=generator, is_cpu=is_cpu, frame_counter=clock)
    machine.begin_match(match)
    return match, chance


def skip_intro(machine: Machine, match: Match) -> None:
    """As many frames on the cartridge as the model's intro has: both must then begin to play."""
    frames = 0
    while match.mode != PLAY:
        match.frame(0)
        frames += 1
    machine.step(frames=frames)
    assert match_differences(machine.ram, match) == {}


def play_a_round(machine: Machine, match: Match, buttons: Iterator[tuple[int, int]]) -> int:
    """Until the next round's mode 3, or the end of the match or the buttons; how many frames that took."""
    pause = 2 + match.generator.b % 40
    frames = 0
    for one, two in buttons:
        waits = match.mode != PLAY or match.decided
        held = (START if match.frame_counter % pause == 0 else 0) if waits else one
        play_match(machine, match, held, two)
        frames += 1
        if match.mode in {LEVEL_DATA, OPTIONS}:
            break
    return frames


def play_prepared_rounds(machine: Machine, match: Match, chance: np.random.Generator, frames: int) -> None:
    """A match whose every round begins on fields that end it soon, by attacks, clears and top-outs."""
    spent = 0
    while match.mode != OPTIONS and spent < frames:
        skip_intro(machine, match)
        players = len(match.players)
        for number, player in enumerate(match.players, 1):
            deal = nearly_clear if players == 1 and chance.random() < 0.6 else board_for_play
            machine.put_board(player, deal(match.queue, chance), player=number)
        one, two = (held_buttons(int(style), chance, frames) for style in chance.integers(STYLES, size=2))
        spent += play_a_round(machine, match, zip(one, two, strict=True))
        if match.mode == PLAY:
            return


@pytest.mark.parametrize("seed", range(21))
def test_a_game_goes_on_the_cartridge_as_in_the_model(machine: Machine, seed: int) -> None:
    play_a_game(machine, seed, QUICK_FRAMES)


@pytest.mark.parametrize("seed", range(12))
def test_lines_orphans_and_cascades_resolve_as_in_the_model(machine: Machine, seed: int) -> None:
    play_rubble(machine, seed, QUICK_FRAMES // 2)


@pytest.mark.parametrize("seed", range(6))
def test_the_intro_goes_frame_by_frame_as_in_the_model(machine: Machine, seed: int) -> None:
    match, _ = new_match(machine, seed, players=1 + seed % 2)
    for held in chain([0, 0, START, 0, 0, START], repeat(0, 20), [START, 0, START], repeat(0)):
        play_match(machine, match, held)
        if match.mode == PLAY:
            return


@pytest.mark.parametrize("seed", range(12))
def test_a_match_of_two_goes_on_the_cartridge_as_in_the_model(machine: Machine, seed: int) -> None:
    match, chance = new_match(machine, seed)
    play_prepared_rounds(machine, match, chance, QUICK_FRAMES)


@pytest.mark.parametrize("seed", range(6))
def test_levels_follow_each_other_on_the_cartridge_as_in_the_model(machine: Machine, seed: int) -> None:
    match, chance = new_match(machine, seed, players=1)
    play_prepared_rounds(machine, match, chance, QUICK_FRAMES)


@pytest.mark.parametrize("seed", range(4))
def test_a_match_against_the_machine_goes_on_the_cartridge_as_in_the_model(machine: Machine, seed: int) -> None:
    match, chance = new_match(machine, seed, is_cpu=True)
    play_prepared_rounds(machine, match, chance, QUICK_FRAMES)


@pytest.mark.parametrize("seed", range(2))
def test_boards_as_they_are_dealt_go_on_in_two_fields_as_in_the_model(machine: Machine, seed: int) -> None:
    match, chance = new_match(machine, seed)
    skip_intro(machine, match)
    play_a_round(machine, match, zip(*(held_buttons(1, chance, QUICK_FRAMES) for _ in range(2)), strict=True))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", range(4))
def test_hundreds_of_seeded_games_go_on_the_cartridge_as_in_the_model(
    machine: Machine, capsys: pytest.CaptureFixture[str], block: int
) -> None:
    counts, before = Counter[str](), machine.emulator.frames
    for seed in range(1000 + block * BLOCK_SEEDS, 1000 + (block + 1) * BLOCK_SEEDS):
        play_a_game(machine, seed, LONG_FRAMES)
        counts["games on dealt boards"] += 1
        if seed % 2:
            play_rubble(machine, seed, LONG_FRAMES)
            counts["games on rubble"] += 1
        for players, is_cpu, name in KINDS[seed % 4]:
            match, chance = new_match(machine, seed, players=players, is_cpu=is_cpu)
            play_prepared_rounds(machine, match, chance, LONG_FRAMES)
            counts[name] += 1
    with capsys.disabled():
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        sys.stdout.write(
            f"\n{counts.total()} agree frame by frame: {said}; {machine.emulator.frames - before} frames\n"
        )
