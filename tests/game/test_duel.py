"""Two players' pads, each planned on its own time, pressed together. No emulator: a machine that remembers its pads."""

from collections.abc import Callable, Generator, Sequence
from itertools import accumulate
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from env.actions import ACTIONS, Mask
from env.duel import Rival, Stream, merged
from env.errors import EnvError
from env.game import ACTION, FIELD, MODE, PLAYER_2, TOPPED_OUT, VIRUSES_LEFT, Action, seats
from env.observation import Planes, planes
from env.opponent import NOTHING, OPPONENTS, Noop, Opponent, Random
from env.opponent import Scripted as Ready
from env.options import OpponentName

BuildRam = Callable[..., bytes]
FIRST, SECOND = seats(1, has_rival=True), seats(2, has_rival=True)
#: Where the machine below keeps the number of the frame.
CLOCK = 0x43
LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=12)
#: So short that four of them still fit the machine's clock of one byte.
SHORT = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def at_frame(frame: int, *, over: bool = False) -> bytes:
    """A round of two that goes on, or in which the second player topped out."""
    ram = bytearray(2048)
    ram[CLOCK], ram[MODE], ram[VIRUSES_LEFT], ram[PLAYER_2.at(VIRUSES_LEFT)] = frame, 4, 4, 4
    ram[FIELD : FIELD + 0x200] = b"\xff" * 0x200
    ram[PLAYER_2.at(TOPPED_OUT)] = over
    return bytes(ram)


def plan(lengths: Sequence[int], pads: Callable[[int], bytes], seen: list[int]) -> Generator[bytes, bytes, bytes]:
    """Chunks of these lengths whose pads tell when they were planned; notes the frames that it was shown."""
    ram = at_frame(0)
    for length in lengths:
        ram = yield pads(ram[CLOCK] + 1) * length
        seen.append(ram[CLOCK])
    return ram


def run(play: Generator[bytes, bytes, bytes], *, begun: int = 0, ends: int = 1000) -> bytes:
    """All pads of a play on the machine, which starts at a frame, and whose round ends at another."""
    held = b""
    try:
        chunk = next(play)
        while True:
            held += chunk
            now = begun + len(held) // 2
            chunk = play.send(at_frame(now, over=now >= ends))
    except StopIteration:
        return held


def sums(lengths: Sequence[int]) -> list[int]:
    return list(accumulate(lengths))


def expected(lengths: Sequence[int]) -> bytes:
    """The pads of a plan alone: each frame's is the number of the frame at which its chunk was planned, plus one."""
    starts = [0, *sums(lengths)]
    return bytes(start + 1 for start, length in zip(starts, lengths, strict=False) for _ in range(length))


@given(LENGTHS, LENGTHS)
def test_each_player_does_what_it_would_do_alone_and_sees_its_own_chunks_end(own: list[int], other: list[int]) -> None:
    seen: list[int] = []
    rival_seen: list[int] = []
    frames = min(sum(own), sum(other))
    rival = Stream(plan(other, SECOND.own.pads, rival_seen))
    held = run(merged(plan(own, FIRST.own.pads, seen), rival, at_frame(0), FIRST))
    assert len(held) == 2 * frames
    assert held[0::2] == expected(own)[:frames]
    assert held[1::2] == expected(other)[:frames]
    assert seen == [end for end in sums(own) if end <= frames]
    assert rival_seen == [end for end in sums(other) if end < frames or end == frames != sum(own)]


@given(st.lists(SHORT, min_size=1, max_size=4), SHORT)
def test_the_rival_goes_on_from_one_action_to_the_next(actions: list[list[int]], other: list[int]) -> None:
    total = sum(map(sum, actions))
    lengths = other * (total // sum(other) + 1)
    rival = Stream(plan(lengths, SECOND.own.pads, []))
    held = b""
    for lengths_of_action in actions:
        frame = len(held) // 2
        action = merged(plan(lengths_of_action, FIRST.own.pads, []), rival, at_frame(frame), FIRST)
        held += run(action, begun=frame)
    assert held[1::2] == expected(lengths)[:total]


@given(LENGTHS, LENGTHS, st.integers(1, 30))
def test_both_stop_where_the_round_is_seen_to_be_over(own: list[int], other: list[int], ends: int) -> None:
    rival = Stream(plan(other, SECOND.own.pads, []))
    held = run(merged(plan(own, FIRST.own.pads, []), rival, at_frame(0), FIRST), ends=ends)
    looks = sorted({*sums(own), *sums(other)})
    seen_over = [end for end in looks if end >= ends]
    assert len(held) // 2 == min([*seen_over, sum(own), sum(other)])


def test_nothing_is_pressed_in_a_round_that_is_over() -> None:
    rival = Stream(plan([3], SECOND.own.pads, []))
    assert run(merged(plan([3], FIRST.own.pads, []), rival, at_frame(0, over=True), FIRST)) == b""


class Scripted:
    """Answers in turn, and keeps what it was asked."""

    def __init__(self, answers: Sequence[int]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Planes, bool, Mask, int]] = []

    def act(
        self,
        observations: Planes,
        episode_starts: NDArray[np.bool_],
        *,
        action_masks: Mask,
        generators: Sequence[np.random.Generator],
    ) -> NDArray[np.int64]:
        self.asked.append((observations, bool(episode_starts[0]), action_masks, len(generators)))
        return np.array([self.answers[len(self.asked) - 1]])


def rival(opponent: Opponent, actions: str, *, frame_skip: int = 4) -> Rival:
    return Rival(
        opponent=opponent,
        at=SECOND,
        observe=planes,
        actions=ACTIONS[actions],
        frame_skip=frame_skip,
        generator=np.random.default_rng(0),
    )


def test_an_opponent_is_asked_as_a_policy_is(build_versus_ram: BuildRam) -> None:
    ram = build_versus_ram({}, fields=({}, {(15, 0): 0xD0}))
    scripted = Scripted([3, 4, 3])
    pads = rival(scripted, "pad").pads(ram)
    assert [next(pads), pads.send(ram)] == [bytes((0, 0x20)) * 4, bytes((0, 0x01)) * 4]
    (observations, begins, masks, generators), (_, begins_again, _, _) = scripted.asked
    assert observations.shape == (1, 16, 8, 24)
    np.testing.assert_array_equal(observations[0], planes(ram, SECOND))
    assert (begins, begins_again, masks.shape, generators) == (True, False, (1, 6), 1)


def test_a_new_round_is_no_new_game(build_versus_ram: BuildRam) -> None:
    scripted = Scripted([0, 0])
    player = rival(scripted, "pad")
    for _ in range(2):
        next(player.pads(build_versus_ram()))
    assert [begins for _, begins, _, _ in scripted.asked] == [True, False]


def test_a_placement_is_asked_for_when_the_capsule_can_be_steered(build_versus_ram: BuildRam) -> None:
    scripted = Scripted([3 * 4])
    settling = build_versus_ram({}, {ACTION: Action.RESOLVING})
    pads = rival(scripted, "placement").pads(settling)
    assert not any(next(pads))
    assert not any(pads.send(settling))
    assert scripted.asked == []
    assert pads.send(build_versus_ram())[1] == 0x20
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("actions", ["pad", "placement"])
def test_an_opponent_may_do_nothing_for_the_frame_skip(build_versus_ram: BuildRam, actions: str) -> None:
    ram = build_versus_ram()
    scripted = Scripted([NOTHING] * 2)
    pads = rival(scripted, actions, frame_skip=3).pads(ram)
    assert next(pads) == bytes(6)
    assert len(scripted.asked) == 1
    pads.send(ram)
    assert len(scripted.asked) == 2


@pytest.mark.parametrize("answer", [-2, 6, 99])
def test_an_answer_that_is_no_action_is_said_in_a_sentence(build_versus_ram: BuildRam, answer: int) -> None:
    pads = rival(Scripted([answer]), "pad").pads(build_versus_ram())
    with pytest.raises(EnvError, match=f"the opponent chose action {answer}, which is not one of 0 to 5"):
        next(pads)


def asked(opponent: Opponent, mask: Sequence[bool], *, seed: int = 0, times: int = 60) -> list[int]:
    """What it answers, asked again and again."""
    generator = np.random.Generator(np.random.Philox(key=[seed, 2]))
    observations, starts = np.zeros((1, 16, 8, 24), np.float32), np.zeros(1, np.bool_)
    masks = np.array([mask])
    answers = (opponent.act(observations, starts, action_masks=masks, generators=[generator]) for _ in range(times))
    return [int(answer[0]) for answer in answers]


def test_the_random_opponent_draws_every_possible_action_and_no_other() -> None:
    assert set(asked(Random(), [True, False, True, True, False])) == {0, 2, 3}


def test_the_random_opponents_choices_are_the_games_own() -> None:
    mask = [True] * 6
    assert asked(Random(), mask, seed=1) == asked(Random(), mask, seed=1) != asked(Random(), mask, seed=2)


def test_an_opponent_that_can_do_nothing_does_nothing() -> None:
    assert set(asked(Random(), [False] * 6) + asked(Noop(), [True] * 6)) == {NOTHING}


def test_the_opponents_that_options_name_are_there() -> None:
    assert {*OPPONENTS, "checkpoint"} == set(get_args(OpponentName))
    assert {name: type(make()) for name, make in OPPONENTS.items()} == {
        "noop": Noop,
        "random": Random,
        "scripted": Ready,
    }
