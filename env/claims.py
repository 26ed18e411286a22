"""What a replay's header says of its game, held against the game: its scenario, seed, start and outcome.

Owns what `env.replay` leaves open because it knows no game. Refuses nothing that the game itself bears out; what no look at
RAM can show (`max_combo`, `episode_length`, `total_reward`, options and metadata) stays a claim.
"""

from collections.abc import Mapping
from typing import Any, Final

from env import replay as replays
from env.boot import StartStates
from env.emulator import Emulator
from env.errors import ReplayError
from env.game import WINS, match_verdict, seats
from env.options import Scenario
from env.play import drive
from env.replay import Replay
from env.savestate import ram as ram_of_state
from env.tally import Tally

_CLAIMED: Final = ("frames", "outcome", "won", "topped_out", "viruses_cleared", "capsules")
_CLAIMED_OF_MATCHES: Final = ("outcome", "won", "rounds_won", "rounds_lost")


def check(replay: Replay, emulator: Emulator, starts: StartStates) -> None:
    """Play a replay, and hold what it says against what comes out.

    Args:
        replay: a recorded game of Dr. Mario.
        emulator: runs its cartridge; it is elsewhere afterwards.
        starts: of the same cartridge; many replays share one.

    Raises:
        ReplayDiverged: the game goes another way than it did.
        ReplayError: it is of another cartridge, or its header says what is not so; the sentence says what.
        OptionsError: its scenario is none of the game.
        EnvError: as the emulator's methods.
    """
    scenario = _scenario(replay.scenario)
    replays.verify(replay, emulator)
    _require_record(replay, scenario, end=emulator.read_ram())
    state = drive(emulator, starts.begin(emulator, scenario, seed=replay.seed))
    if ram_of_state(state) != ram_of_state(replay.start_state):
        raise ReplayError(
            f"The replay does not begin as seed {replay.seed} in {scenario.name} does: its header or its start was edited."
        )


def _scenario(claimed: Mapping[str, Any]) -> Scenario:
    try:
        return Scenario(**claimed)
    except TypeError as error:
        raise ReplayError("The replay's header names a scenario that is none of Dr. Mario: it was edited.") from error


def _require_record(replay: Replay, scenario: Scenario, *, end: bytes) -> None:
    facts = _facts(replay, scenario, end)
    for name in _CLAIMED if scenario.length == "round" else _CLAIMED_OF_MATCHES:
        if replay.record.get(name) != facts[name]:
            raise ReplayError(
                f"The replay's record says {name} {replay.record.get(name)!r}, and the game came to {facts[name]!r}: "
                "its record was edited."
            )


def _facts(replay: Replay, scenario: Scenario, end: bytes) -> Mapping[str, object]:
    """What the last RAM of a game shows, under the names of the record."""
    at = seats(scenario.player, has_rival=scenario.has_rival)
    tally = Tally.start(ram_of_state(replay.start_state), at).after(end)
    verdict = tally.verdict if scenario.length == "round" else match_verdict(end, at)
    return {
        "outcome": verdict or "timeout",
        "won": verdict == "win",
        "topped_out": tally.topped_out,
        "viruses_cleared": tally.viruses_cleared,
        "capsules": tally.capsules,
        "frames": replay.frames,
        "rounds_won": end[at.own.at(WINS)],
        "rounds_lost": 0 if at.rival is None else end[at.rival.at(WINS)],
    }
