"""A match's record, held against what the rules model makes of the pads in its replay."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from models.match_model import OPTIONS, PLAY, ROUND_OVER, Match
from models.rules_model import FALLING
from models.seeding_model import Generator

from env import replay as replays
from env.drmario import DrMarioEnv
from env.game import SPEEDS, rng_state
from env.options import Mode, OpponentName, Scenario, Side
from env.savestate import ram

MakeEnv = Callable[..., DrMarioEnv]
CLOCK = 0x43


@dataclass(slots=True)
class Account:
    """What one player of the model does, frame by frame."""

    seat: int
    viruses: int = 0
    cells: int = 0
    capsules: int = 0
    combo: int = 0
    last: dict[str, int] = field(default_factory=dict)

    def look(self, match: Match) -> None:
        player = match.players[self.seat]
        now = {"viruses": player.viruses, "cells": player.cells, "capsules": player.capsules}
        if match.mode == PLAY and self.last:
            self.viruses += self.last["viruses"] - now["viruses"]
            self.cells += max(0, now["cells"] - self.last["cells"])
            self.capsules += now["capsules"] - self.last["capsules"]
            self.combo = max(self.combo, player.matches)
        self.last = now if match.mode == PLAY else {}


def at_start(scenario: Scenario, seed: int, clock: int) -> Match:
    """The model where the agent's first capsule falls, on the frame of the start state."""

    def begun(frame_counter: int) -> tuple[Match, int]:
        match = Match(
            levels=[scenario.level] * 2,
            speeds=[SPEEDS[scenario.speed]] * 2,
            generator=Generator(*rng_state(seed).values()),
            is_cpu=scenario.mode == "vs_cpu",
            frame_counter=frame_counter,
        )
        frames = 0
        while match.mode != PLAY or match.players[scenario.player - 1].action != FALLING:
            match.frame(0)
            frames += 1
        return match, frames

    _, frames = begun(0)
    return begun((clock - frames) & 255)[0]


def buttons(pad: int) -> int:
    """As the game has them; Mednafen's are the other way round."""
    return int(f"{pad:08b}"[::-1], 2)


def accounted(replay: replays.Replay, scenario: Scenario) -> tuple[Match, Account]:
    """The pads of a replay, played by the model."""
    match = at_start(scenario, replay.seed, ram(replay.start_state)[CLOCK])
    account = Account(scenario.player - 1)
    account.look(match)
    for frame in range(replay.frames):
        first, second = replay.inputs[2 * frame : 2 * frame + 2]
        match.frame(buttons(first), buttons(second))
        account.look(match)
    return match, account


def played(env: DrMarioEnv, seed: int) -> dict[str, Any]:
    chance, over, record = np.random.default_rng(seed), False, dict[str, Any]()
    env.reset(seed=seed)
    while not over:
        _, _, ended, cut, record = env.step(chance.choice(np.flatnonzero(env.action_masks())))
        over = ended or cut
    return record


@pytest.mark.parametrize(
    ("mode", "side", "rival", "level"), [("2p", 1, "random", 3), ("2p", 2, "random", 12), ("vs_cpu", 1, "noop", 0)]
)
def test_a_match_is_what_the_rules_make_of_its_pads(
    make_env: MakeEnv, mode: Mode, side: Side, rival: OpponentName, level: int
) -> None:
    scenario = Scenario(mode=mode, side=side, level=level, speed="hi", length="match")
    record = played(make_env(scenario=scenario, rival=rival, frame_limit=20_000), seed=7)
    match, account = accounted(replays.from_bytes(record["replay"]), scenario)
    own, other = match.wins if side == 1 else match.wins[::-1]
    assert match.mode in {ROUND_OVER, PLAY, OPTIONS}
    assert (record["rounds_won"], record["rounds_lost"], record["won"]) == (own, other, own == 3)
    assert (record["viruses_cleared"], record["max_combo"]) == (account.viruses, account.combo)
    assert record["capsules"] == 1 + account.capsules, "the first was in hand already"
    thrown = account.capsules - (own + other - 1)  # the first one of a round costs nothing
    worth = account.viruses + 2 * own - other + 0.01 * (account.cells - thrown)
    assert record["total_reward"] == pytest.approx(worth)
