"""What lies between rounds and belongs to no player: the level's intro, the crowns of a round, START for the next one.

Its pads are the environment's own, pressed where the RAM says that the game waits for them. Pure.
"""

from collections.abc import Generator
from typing import Final

from env.actions import Pads, until_control
from env.errors import BootError
from env.game import MODE, PAUSE, PAUSED, PLAYER_1, ROUND_WINNER, Mode, Seats, is_cleared
from env.menus import Condition, press, wait_until
from env.wire import Pad

#: An intro shows one virus a frame and then waits two seconds; two boards of 84 viruses with retries stay well below this.
INTRO_FRAMES: Final = 1_500
#: From a top-out to the game's own word on it.
CROWN_FRAMES: Final = 60
#: From a decided round to the screen that says so; where nobody won, the RAM never names a winner.
RESULT_FRAMES: Final = 90
#: START is answered some seconds later at most.
START_TRIES: Final = 100
_RELEASED_FRAMES: Final = 7


def intro(at: Seats) -> Pads:
    """From level data to the first capsule that can be steered.

    Raises:
        BootError: the game never begins.
    """
    ram = yield from _until(lambda ram: ram[MODE] == Mode.PLAY or ram[PAUSE] == PAUSED, frames=INTRO_FRAMES)
    if ram[PAUSE] == PAUSED:
        yield from press(Pad.START)
        ram = yield from _until(lambda ram: ram[MODE] == Mode.PLAY, frames=INTRO_FRAMES)
    return (yield from until_control(ram, at))


def _until(condition: Condition, *, frames: int) -> Pads:
    ram = yield from wait_until(condition, frames=frames)
    if ram is None:
        raise BootError("the level's intro does not end in play; is this ROM Dr. Mario?")
    return ram


def crowns(ram: bytes, at: Seats) -> Pads:
    """From the frame that decides a round to its crowns: given at once for a clear, soon after a top-out.

    Raises:
        BootError: the game does not end the round.
    """
    if any(is_cleared(ram, player) for player in at.players) or ram[MODE] == Mode.ROUND_OVER:
        return ram
    shown = yield from wait_until(lambda ram: ram[MODE] == Mode.ROUND_OVER, frames=CROWN_FRAMES)
    if shown is None:
        raise BootError("the game does not end a round in which a player topped out; is this ROM Dr. Mario?")
    return shown


def next_round(ram: bytes, at: Seats) -> Pads:
    """From a round's crowns to the first capsule of the next round.

    Player 1's START goes on, once the game says who won. It is pressed again and again, since nothing in the RAM says
    when it is heard; on the round's last picture it could pause the game, and the next one then goes on from there.

    Raises:
        BootError: the next round does not come.
    """
    if not ram[ROUND_WINNER]:
        yield from wait_until(lambda ram: ram[ROUND_WINNER] != 0, frames=RESULT_FRAMES)
    for _ in range(START_TRIES):
        if (yield from _start_is_heard()):
            return (yield from intro(at))
    raise BootError("START does not lead to the next round; is this ROM Dr. Mario?")


def _start_is_heard() -> Generator[bytes, bytes, bool]:
    ram = yield PLAYER_1.pads(Pad.START)
    return _goes_on(ram) or (yield from wait_until(_goes_on, frames=_RELEASED_FRAMES)) is not None


def _goes_on(ram: bytes) -> bool:
    return ram[MODE] not in {Mode.PLAY, Mode.ROUND_OVER}
