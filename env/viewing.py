"""A recorded game followed frame by frame: what the agent presses, sees and may do, and what it has come to.

Owns when an agent decided, which a replay does not say: it follows from the action set. Refuses nothing; the replay's
own hashes are `env.replay`'s to compare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from env.actions import ACTIONS, Mask
from env.errors import ReplayError
from env.game import Seats, is_falling, is_over, seats
from env.observation import OBSERVATIONS, Planes
from env.options import EnvironmentOptions, OptionsError, Scenario
from env.replay import Machine, Replay
from env.reward import REWARDS
from env.savestate import ram as ram_of_state
from env.tally import Tally
from env.wire import PAD_BYTES

_OPTIONS: Final = ("observation", "actions", "reward", "frame_skip", "opponent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the agent had before it when it chose an action."""

    observation: Planes
    #: (actions,) bool
    mask: Mask
    #: whether it is the game's first
    is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One frame."""

    #: held by the agent, in the order of the console's shift register (A is bit 0)
    pad: int
    #: after the frame, of this round
    viruses_left: int
    reward: float
    #: made just before the frame; None: the action before it goes on
    decision: Decision | None


def options_of(replay: Replay) -> EnvironmentOptions:
    """The environment that a game was recorded in.

    Raises:
        ReplayError: its header names none of ours.
    """
    named: Mapping[str, Any] = {name: replay.options[name] for name in _OPTIONS if name in replay.options}
    try:
        return EnvironmentOptions(scenario=Scenario(**replay.scenario), **named)  # type: ignore[arg-type]
    except (OptionsError, TypeError) as error:
        raise ReplayError(f"The replay of seed {replay.seed} was recorded in another environment: {error}.") from error


def views(replay: Replay, machine: Machine) -> Iterator[View]:
    """Play a game and tell of each of its frames, in order.

    Raises:
        ReplayError: it was recorded in another environment.
        EnvError: as the machine's methods.
    """
    follower = _Follower(replay)
    machine.load_state(replay.start_state)
    for start in range(0, len(replay.inputs), PAD_BYTES):
        pads = replay.inputs[start : start + PAD_BYTES]
        decision = follower.decision()
        machine.step(pads)
        follower.look(machine.read_ram())
        yield View(
            pad=pads[follower.at.own.number - 1],
            viruses_left=follower.tally.viruses_left,
            reward=follower.reward,
            decision=decision,
        )


class _Follower:
    """Where a game stands."""

    def __init__(self, replay: Replay) -> None:
        options = options_of(replay)
        self.at: Seats = seats(options.scenario.player, has_rival=options.scenario.has_rival)
        self._actions = ACTIONS[options.actions]
        self._observe = OBSERVATIONS[options.observation]
        self._worth = REWARDS[options.reward]
        self._frame_skip = options.frame_skip
        self._ram = ram_of_state(replay.start_state)
        self.tally = Tally.start(self._ram, self.at)
        #: at the last decision, and what was earned before it
        self._before, self._earned = self.tally, 0.0
        #: since the last decision; None: the next chance is one
        self._frames: int | None = None
        self._was_falling = False
        self._is_first = True

    @property
    def reward(self) -> float:
        """So far; in the middle of an action as if it ended here."""
        return self._earned + self._worth(self._before, self.tally)

    def decision(self) -> Decision | None:
        """What the agent decides on before the next frame; None: nothing."""
        falling = is_falling(self._ram, self.at)
        due = self._is_due(is_falling=falling)
        self._was_falling = falling
        if not due:
            return None
        self._earned, self._before, self._frames = self.reward, self.tally, 0
        is_first, self._is_first = self._is_first, False
        mask = self._actions.mask(self._ram, self.at)
        return Decision(observation=self._observe(self._ram, self.at), mask=mask, is_first=is_first)

    def look(self, ram: bytes) -> None:
        """The next frame is over."""
        self._ram = ram
        if self.tally.verdict is None:
            self.tally = self.tally.after(ram)
            self._frames = None if self._frames is None else self._frames + 1
        elif is_falling(ram, self.at):  # another round of a match
            self._earned = self.reward
            self.tally = self._before = self.tally.next_round(ram)
            self._frames, self._was_falling = None, False

    def _is_due(self, *, is_falling: bool) -> bool:
        if is_over(self._ram, self.at) or self.tally.verdict is not None:
            return False
        if self._actions.needs_control:
            return is_falling and not self._was_falling
        return self._frames is None or self._frames >= self._frame_skip
