"""Two players on one console: each plans its own pads on its own time, and they are pressed frame by frame together.

Pure. A player is shown the RAM only where a chunk of its own ends, so what it does never hangs on how the other one's
frames are cut.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from env.actions import ActionSet, Pads, hold, until_control
from env.errors import EnvError
from env.game import Seats, is_over
from env.observation import Planes
from env.opponent import NOTHING, Opponent
from env.wire import PAD_BYTES, Pad


class Stream:
    """Pads of one player, to be had in pieces of any length."""

    def __init__(self, pads: Pads) -> None:
        self._pads = pads
        self._chunk = b""
        self._is_begun = False

    @property
    def frames(self) -> int:
        """How many can be had before the player must see the RAM."""
        return len(self._chunk) // PAD_BYTES

    def look(self, ram: bytes) -> bool:
        """Show the RAM of now; whether there are pads for the next frame."""
        while not self._chunk:
            try:
                self._chunk = self._pads.send(ram) if self._is_begun else next(self._pads)
            except StopIteration:
                return False
            self._is_begun = True
        return True

    def take(self, frames: int) -> bytes:
        """The pads of the next frames, at most `self.frames`."""
        taken, self._chunk = self._chunk[: frames * PAD_BYTES], self._chunk[frames * PAD_BYTES :]
        return taken


def merged(agent: Pads, rival: Stream, ram: bytes, at: Seats) -> Pads:
    """One action of the agent with the rival's pads beside it; ends with the action, or with the round.

    Args:
        agent: the action's pads.
        rival: goes on from one action of the agent to the next.
        ram: of now.
        at: the agent's seats.
    """
    own = Stream(agent)
    while not is_over(ram, at) and own.look(ram) and rival.look(ram):
        frames = min(own.frames, rival.frames)
        ram = yield _together(own.take(frames), rival.take(frames))
    return ram


def _together(first: bytes, second: bytes) -> bytes:
    return bytes(one | other for one, other in zip(first, second, strict=True))


@dataclass(slots=True, kw_only=True)
class Rival:
    """The other side of one game: an opponent, at its seats, with the agent's kind of actions."""

    opponent: Opponent
    #: its own
    at: Seats
    observe: Callable[[bytes, Seats], Planes]
    actions: ActionSet
    frame_skip: int
    #: the game's, of this purpose
    generator: np.random.Generator
    is_asked_first: bool = True

    def pads(self, ram: bytes) -> Pads:
        """Action after action, to the round's end."""
        while not is_over(ram, self.at):
            if self.actions.needs_control:
                ram = yield from until_control(ram, self.at)
            ram = yield from self._carried_out(self._choice(ram), ram)
        return ram

    def _choice(self, ram: bytes) -> int:
        begins, self.is_asked_first = self.is_asked_first, False
        chosen = self.opponent.act(
            self.observe(ram, self.at)[None],
            np.array([begins]),
            action_masks=self.actions.mask(ram, self.at)[None],
            generators=[self.generator],
        )
        action = int(chosen[0])
        if action != NOTHING and not 0 <= action < self.actions.count:
            raise EnvError(f"the opponent chose action {action}, which is not one of 0 to {self.actions.count - 1}")
        return action

    def _carried_out(self, action: int, ram: bytes) -> Pads:
        if action == NOTHING:
            return hold(Pad(0), self.frame_skip, ram, self.at)
        return self.actions.pads(action, ram, self.frame_skip, self.at)
