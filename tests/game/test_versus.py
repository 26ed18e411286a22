"""Games of two as the environment plays them: from either side, by the round and by the match, against whom one likes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from models.machine import CARTRIDGE
from numpy.typing import NDArray
from stable_baselines3.common.env_checker import check_env as sb3_check

from env import replay as replays
from env.actions import ACTIONS, Mask
from env.boot import StartStates
from env.drmario import DrMarioEnv, start_states
from env.emulator import Emulator
from env.game import (
    CAPSULE,
    COLUMN,
    COLUMNS,
    EMPTY,
    PAUSE,
    PAUSED,
    PLAYER_1,
    PLAYER_2,
    ROTATION,
    ROWS,
    VIRUS,
    VIRUSES_LEFT,
    WINS,
    Player,
    is_falling,
    is_over,
    rng_state,
    seats,
)
from env.lane import GameSettings
from env.menus import choose
from env.observation import Planes
from env.opponent import Opponent
from env.options import ActionsName, EnvironmentOptions, Length, Mode, OpponentName, OptionsError, Scenario, Side
from env.play import Play, drive
from env.rounds import intro
from env.savestate import ram, with_ram
from env.wire import Pad

Cells = Mapping[tuple[int, int], int]
MakeEnv = Callable[..., DrMarioEnv]
IDLE, DOWN = 0, 3
PLAYERS = (PLAYER_1, PLAYER_2)
SIDES: tuple[Side, Side] = (1, 2)
MODES: tuple[Mode, Mode] = ("2p", "vs_cpu")


def versus(side: Side = 1, length: Length = "round") -> Scenario:
    return Scenario(mode="2p", speed="hi", side=side, length=length)


#: What a player's first capsule falls into if nobody steers it; (row, column) -> cell, by the colour of its left half.
Field = Callable[[int], Cells]


def ripe(colour: int) -> Cells:
    """It kills the last virus."""
    return {(13, 3): 0x80 | colour, (14, 3): 0x80 | colour, (15, 3): 0xD0 | colour}


def blocked(_colour: int) -> Cells:
    """It stays in the neck, and the next one finds no room."""
    return {(row, 3): 0x80 | row // 2 % 3 for row in range(1, 16)} | {(15, 0): 0xD0}


def idle(_colour: int) -> Cells:
    """Nothing comes of it."""
    return {(15, 0): 0xD0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a game of seed 1 begins with; player 1 first."""

    fields: tuple[Field, Field]
    wins: tuple[int, int] = (0, 0)


class Make(Protocol):
    def __call__(self, scenario: Scenario, situation: Situation, *, frame_limit: int = 8_000) -> DrMarioEnv:
        """An environment whose game of seed 1 begins in a situation, already reset to it."""


@pytest.fixture(scope="module")
def fresh() -> Iterator[Emulator]:
    """One that has played nothing of what it verifies."""
    with Emulator(CARTRIDGE) as emulator:
        yield emulator


@pytest.fixture
def make_situation(starts: StartStates, fresh: Emulator, tmp_path: Path) -> Iterator[Make]:
    made: list[DrMarioEnv] = []

    def make(scenario: Scenario, situation: Situation, *, frame_limit: int = 8_000) -> DrMarioEnv:
        state = drive(fresh, starts.begin(fresh, scenario, seed=1))
        edited = with_ram(state, edits(ram(state), situation))
        own = start_states(None, folder=tmp_path)
        own._keep(scenario, 1, state=edited)
        options = EnvironmentOptions(scenario=scenario)
        env = DrMarioEnv(own, GameSettings(options=options, frame_limit=frame_limit))
        made.append(env)
        env.reset(seed=1)
        assert env._lane._ram == ram(edited)
        return env

    yield make
    for env in made:
        env.close()


def edits(memory: bytes, situation: Situation) -> dict[int, int]:
    """RAM address -> byte."""
    made: dict[int, int] = {}
    for player, field, crowns in zip(PLAYERS, situation.fields, situation.wins, strict=True):
        cells = field(memory[player.at(CAPSULE)])
        made |= {player.field + i: cells.get(divmod(i, COLUMNS), EMPTY) for i in range(ROWS * COLUMNS)}
        viruses = sum(cell >> 4 == VIRUS >> 4 for cell in cells.values())
        made |= {player.at(VIRUSES_LEFT): viruses, player.at(WINS): crowns}
    return made


def finish(env: DrMarioEnv, action: int = IDLE) -> tuple[float, dict[str, Any]]:
    """The same action to the end of the game: all rewards together, and the record."""
    total, over, info = 0.0, False, dict[str, Any]()
    while not over:
        _, reward, ended, cut, info = env.step(action)
        total += reward
        over = ended or cut
    return total, info


def verified(record: dict[str, Any], fresh: Emulator) -> replays.Replay:
    """The game's replay, which is the same game in another emulator."""
    replay = replays.from_bytes(record["replay"])
    replays.verify(replay, fresh)
    return replay


def by_side(first: Any, second: Any, *, side: Side) -> tuple[Any, Any]:  # noqa: ANN401 -- of any kind
    return (first, second) if side == 1 else (second, first)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("own", "other", "ending"),
    [
        (ripe, idle, ("win", 1 + 2 + 0.04)),
        (idle, ripe, ("loss", -1)),
        (ripe, ripe, ("draw", 1 + 0.04)),
        (blocked, idle, ("loss", -1)),
        (idle, blocked, ("win", 2)),
        (blocked, blocked, ("draw", 0)),
    ],
)
def test_a_round_ends_for_both_players(
    make_situation: Make, side: Side, own: Field, other: Field, ending: tuple[str, float]
) -> None:
    outcome, worth = ending
    total, record = finish(make_situation(versus(side), Situation(fields=by_side(own, other, side=side))))
    assert (record["outcome"], record["won"], record["topped_out"]) == (outcome, outcome == "win", own is blocked)
    assert record["viruses_cleared"] == (own is ripe)
    assert total == pytest.approx(worth + 0.01 - 0.01 * record["capsules"], abs=0.011)
    assert "rounds_won" not in record


@pytest.mark.parametrize(
    ("side", "fields", "wins", "crowns"),
    [
        (1, (ripe, idle), (2, 2), (3, 2)),
        (2, (idle, blocked), (2, 0), (3, 0)),
        (2, (blocked, idle), (1, 2), (1, 3)),
        (1, (ripe, ripe), (2, 2), (3, 3)),
        (2, (ripe, ripe), (2, 2), (3, 3)),
        (2, (ripe, ripe), (1, 2), (2, 3)),
    ],
)
def test_the_third_crown_ends_a_match_and_at_three_all_it_is_player_ones(
    make_situation: Make, side: Side, fields: tuple[Field, Field], wins: tuple[int, int], crowns: tuple[int, int]
) -> None:
    _, record = finish(make_situation(versus(side, "match"), Situation(fields=fields, wins=wins)))
    winner = 1 if crowns[0] == 3 else 2
    assert record["outcome"] == ("win" if winner == side else "loss")
    assert (record["rounds_won"], record["rounds_lost"]) == by_side(*crowns, side=side)


def play_on(env: DrMarioEnv) -> tuple[list[Planes], dict[str, Any]]:
    """Press nothing to the end: the first observation of every further round, and the record."""
    rounds: list[Planes] = []
    viruses, over, info = 0.0, False, dict[str, Any]()
    while not over:
        observation, _, ended, cut, info = env.step(IDLE)
        if viruses < (viruses := float(observation[:, :, :3].sum())) == 4:
            rounds.append(observation)
        over = ended or cut
    return rounds, info


@pytest.mark.parametrize(
    ("side", "fields", "crowns"),
    [
        (1, (ripe, idle), (1, 0)),
        (2, (idle, ripe), (0, 1)),
        (1, (blocked, idle), (0, 1)),
        (2, (ripe, ripe), (1, 1)),
        (1, (blocked, blocked), (0, 0)),
    ],
)
def test_a_match_goes_on_with_another_round(
    make_situation: Make, fresh: Emulator, side: Side, fields: tuple[Field, Field], crowns: tuple[int, int]
) -> None:
    rounds, info = play_on(make_situation(versus(side, "match"), Situation(fields=fields), frame_limit=300))
    (first,) = rounds
    for own in (first[:, :, :12], first[:, :, 12:]):
        assert own[:, :, 0:3].sum() == 4
        assert not own[:, :, 3:6].any()
        assert own[0, 3:5, 6:9].sum() == 2
    assert (info["outcome"], info["won"], info["topped_out"]) == ("timeout", False, False)
    assert (info["rounds_won"], info["rounds_lost"]) == by_side(*crowns, side=side)
    assert 300 <= info["frames"] < 304
    replay = verified(info, fresh)
    assert replay.frames > info["frames"] + 96, "the waits are in the replay"
    assert set(replay.inputs[0::2]) == {0, Pad.START}
    assert set(replay.inputs[1::2]) == {0}


def test_time_that_is_up_with_a_round_begins_no_other(make_situation: Make, fresh: Emulator) -> None:
    situation = Situation(fields=(ripe, idle))
    _, alone = finish(make_situation(versus(), situation), DOWN)
    _, info = finish(make_situation(versus(1, "match"), situation, frame_limit=alone["frames"]), DOWN)
    assert (info["outcome"], info["rounds_won"], info["frames"]) == ("timeout", 1, alone["frames"])
    assert Pad.START not in verified(info, fresh).inputs[0::2]


def test_whole_matches_are_the_games_that_their_replays_say(make_env: MakeEnv, fresh: Emulator) -> None:
    chance = np.random.default_rng(2)
    for mode in MODES:
        scenario = Scenario(mode=mode, level=16, length="match")
        env = make_env(scenario=scenario, rival="random" if scenario.mode == "2p" else "noop", frame_limit=20_000)
        env.reset(seed=4)
        over, record = False, dict[str, Any]()
        while not over:
            _, _, over, _, record = env.step(chance.choice(np.flatnonzero(env.action_masks())))
        assert max(record["rounds_won"], record["rounds_lost"]) == 3
        assert record["won"] == (record["rounds_won"] == 3)
        assert record["capsules"] > 3 * 3
        replay = verified(record, fresh)
        assert replay.options["opponent"] == ("random" if scenario.mode == "2p" else "noop")
        assert any(replay.inputs[1::2]) == (scenario.mode == "2p")


def test_the_computer_plays_without_a_pad(make_env: MakeEnv) -> None:
    env = make_env("pad", scenario=Scenario(mode="vs_cpu", speed="hi"), frame_limit=600)
    env.reset(seed=3)
    columns = set()
    for _ in range(60):
        env.step(IDLE)
        columns.add(env._lane.emulator.read_ram()[PLAYER_2.at(COLUMN)])
    assert len(columns) > 1


CHECKED: list[tuple[Scenario, ActionsName, OpponentName]] = [
    (versus(1), "pad", "noop"),
    (versus(2), "placement", "random"),
    (versus(2, "match"), "pad", "random"),
    (Scenario(mode="vs_cpu"), "placement", "noop"),
]


@pytest.mark.filterwarnings("ignore:.*is not within the observation space")
@pytest.mark.filterwarnings("ignore:Treating image space as channels-last")
@pytest.mark.parametrize(("scenario", "actions", "rival"), CHECKED, ids=lambda value: getattr(value, "name", value))
def test_the_checkers_of_gymnasium_and_sb3_pass(
    make_env: MakeEnv, scenario: Scenario, actions: str, rival: OpponentName
) -> None:
    env = make_env(actions, scenario=scenario, rival=rival)
    assert env.observation_space.shape == (16, 8, 24)
    gymnasium_check(env, skip_render_check=True)
    sb3_check(env, skip_render_check=True)


def test_the_same_seed_and_actions_give_the_same_game_against_a_random_player(make_env: MakeEnv) -> None:
    records = []
    for _ in range(2):
        env = make_env("pad", scenario=versus(2), rival="random", frame_limit=400)
        env.reset(seed=8)
        finish(env, DOWN)
        env.reset(seed=9)
        records.append(finish(env, DOWN)[1])
    assert records[0] == records[1]


class Presser:
    """Holds one button, and keeps the shapes that it was shown."""

    def __init__(self) -> None:
        self.seen: set[tuple[Any, ...]] = set()

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        self.seen.add((observations.shape, bool(episode_starts[0]), action_masks.shape, len(generators)))
        return np.array([DOWN])


def test_whoever_can_act_can_be_the_opponent(starts: StartStates, fresh: Emulator) -> None:
    made: list[Presser] = []

    def make() -> Opponent:
        made.append(Presser())
        return made[-1]

    settings = GameSettings(options=EnvironmentOptions(scenario=versus(2)), frame_limit=200, opponent=make)
    env = DrMarioEnv(starts, settings)
    env.reset(seed=1)
    replay = verified(finish(env)[1], fresh)
    env.close()
    assert set(replay.inputs[0::2]) == {Pad.DOWN}
    assert not any(replay.inputs[1::2])
    (presser,) = made
    assert presser.seen == {((1, 16, 8, 24), begins, (1, 6), 1) for begins in (True, False)}


@pytest.mark.parametrize("mode", ["1p", "vs_cpu"])
def test_an_opponent_without_another_side_to_play_is_refused(mode: Mode) -> None:
    with pytest.raises(OptionsError, match=f"^opponent: one plays in mode 2p alone; leave it out in mode {mode}$"):
        GameSettings(options=EnvironmentOptions(scenario=Scenario(mode=mode)), opponent=Presser)


Landing = tuple[int, int]


def watched(emulator: Emulator, side: int, *, choices: int) -> Play[list[tuple[Landing, Landing]]]:
    """A round of random placements of one player, while the other one drops: (aimed, landed) of each."""
    at, chance = seats(side, has_rival=True), np.random.default_rng(choices)
    memory, done = emulator.read_ram(), list[tuple[Landing, Landing]]()
    while True:
        action = int(chance.choice(np.flatnonzero(ACTIONS["placement"].mask(memory, at))))
        pads, landed = ACTIONS["placement"].pads(action, memory, 1, at), None
        try:
            chunk = next(pads)
            while True:
                memory = yield with_down(chunk, at.across().own)
                if landed is None and not is_falling(memory, at):
                    landed = memory[at.own.at(COLUMN)], memory[at.own.at(ROTATION)]
                chunk = pads.send(memory)
        except StopIteration:
            if is_over(memory, at):
                return done
            done.append((divmod(action, 4), landed or (-1, -1)))


def with_down(chunk: bytes, player: Player) -> bytes:
    down = player.pads(Pad.DOWN, len(chunk) // 2)
    return bytes(one | other for one, other in zip(chunk, down, strict=True))


@pytest.mark.parametrize("side", SIDES)
def test_placements_of_either_player_land_where_aimed(starts: StartStates, fresh: Emulator, side: Side) -> None:
    done = []
    for seed in range(4):
        drive(fresh, starts.begin(fresh, versus(side), seed=seed))
        done += drive(fresh, watched(fresh, int(side), choices=seed))
    assert len(done) > 12
    assert [(aimed, landed) for aimed, landed in done if aimed != landed] == []


def test_an_intro_that_was_paused_goes_on() -> None:
    with Emulator(CARTRIDGE) as emulator:
        drive(emulator, choose(versus()))
        emulator.load_state(with_ram(emulator.save_state(), rng_state(7)))
        emulator.step(bytes(2 * 20) + PLAYER_1.pads(Pad.START) + bytes(2))
        paused = emulator.read_ram()[PAUSE] == PAUSED
        memory = drive(emulator, intro(seats(1, has_rival=True)))
    assert is_falling(memory, seats(1, has_rival=True))
    assert paused
