"""The file of many games: it grows, it may be cut anywhere, and every game that is whole in it can be had."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from env import savestate, segment
from env.errors import ReplayDamaged, ReplayError
from env.replay import Replay
from env.segment import SegmentWriter

_FIXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
_JSON = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=3)


def made_up(state: bytes, number: int, *, frames: int = 300, metadata: dict[str, object] | None = None) -> Replay:
    """A game nobody played, with some other bytes in its start state."""
    generator = np.random.default_rng(number)
    changed = savestate.with_ram(state, {int(place): number % 256 for place in generator.integers(0x400, 0x800, 20)})
    inputs = np.stack([generator.choice([0, 1, 64, 128], frames // 4).repeat(4), np.zeros(frames // 4 * 4)], axis=1)
    return Replay(
        rom_sha256="a" * 64,
        scenario={"level": 0},
        options={"frame_skip": 4},
        seed=number,
        start_state=changed,
        inputs=inputs.astype(np.uint8).tobytes(),
        checks=((frames // 4 * 4, f"{number:016x}"),),
        metadata=metadata or {"episode": number},
        record={"won": number % 2 == 0, "total_reward": number / 8},
    )


def write(path: Path, games: list[Replay]) -> Path:
    path.unlink(missing_ok=True)
    writer = SegmentWriter(path)
    for game in games:
        assert writer.takes(game)
        writer.add(game)
    writer.close()
    return path


def read(path: Path) -> tuple[list[Replay], str]:
    """The whole games, and what is wrong behind them."""
    found: list[Replay] = []
    try:
        for game in segment.games(path):
            found.append(game)  # noqa: PERF402 -- those before the damage count
    except ReplayDamaged as error:
        return found, str(error)
    return found, ""


@given(lengths=st.lists(st.integers(0, 900), max_size=6), metadata=_JSON)
@_FIXED
def test_what_is_written_is_read(
    echo_state: bytes, tmp_path: Path, lengths: list[int], metadata: dict[str, object]
) -> None:
    games = [made_up(echo_state, number, frames=4 + frames, metadata=metadata) for number, frames in enumerate(lengths)]
    path = tmp_path / "a.segment"
    if games:
        assert read(write(path, games)) == (games, "")
        assert segment.game(path, len(games) - 1) == games[-1]


@given(share=st.floats(0, 1))
@_FIXED
def test_cut_anywhere_it_gives_every_game_that_is_whole_in_it(echo_state: bytes, tmp_path: Path, share: float) -> None:
    games = [made_up(echo_state, number) for number in range(6)]
    ends = [0]
    path = tmp_path / "a.segment"
    path.unlink(missing_ok=True)
    writer = SegmentWriter(path)
    for game in games:
        writer.add(game)
        ends.append(path.stat().st_size)
    writer.close()
    size = int(share * ends[-1])
    path.write_bytes(path.read_bytes()[:size])
    found, _ = read(path)
    # a deflate stream lets the last bytes of a game go without: it may give one game more than was certain
    certain = sum(end <= size for end in ends[1:])
    assert found in (games[:certain], games[: certain + 1])


@given(place=st.integers(0, 1 << 20), flip=st.integers(1, 255))
@_FIXED
def test_a_flipped_byte_never_gives_a_game_that_was_not_played(
    echo_state: bytes, tmp_path: Path, place: int, flip: int
) -> None:
    games = [made_up(echo_state, number) for number in range(4)]
    path = write(tmp_path / "a.segment", games)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(data)
    found, problem = read(path)
    assert found == games[: len(found)]
    assert problem or found == games


@given(data=st.binary(max_size=400))
@_FIXED
def test_whatever_else_it_is_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.segment"
    path.write_bytes(data)
    found, problem = read(path)
    assert found == []
    assert problem or b"\x89SEGMENT\x01\x00".startswith(data[:10])


def test_a_game_that_is_being_written_is_not_there_yet(echo_state: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.segment", [made_up(echo_state, number) for number in range(2)])
    path.write_bytes(path.read_bytes()[:-60])
    found, problem = read(path)
    assert len(found) == 1
    assert "cut off or is being written" in problem


def test_a_file_that_is_there_is_never_written_over(echo_state: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.segment", [made_up(echo_state, 0)])
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        SegmentWriter(path).add(made_up(echo_state, 1))
    assert path.read_bytes() == before


def test_a_game_of_another_rom_or_other_options_does_not_go_into_the_same_file(
    echo_state: bytes, tmp_path: Path
) -> None:
    writer = SegmentWriter(tmp_path / "a.segment")
    game = made_up(echo_state, 0)
    writer.add(game)
    assert writer.takes(made_up(echo_state, 1))
    others: tuple[dict[str, Any], ...] = (
        {"rom_sha256": "b" * 64},
        {"options": {}},
        {"scenario": {}},
        {"start_state": echo_state + b"\0"},
    )
    for other in others:
        assert not writer.takes(replace(game, **other))
    writer.close()


def test_a_full_file_takes_no_more(echo_state: bytes, tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "a.segment")
    noise = np.random.default_rng(0).integers(0, 256, segment.FULL_BYTES + 2000, np.uint8).tobytes()
    game = replace(made_up(echo_state, 0), inputs=noise, checks=((len(noise) // 2, "0" * 16),))
    writer.add(game)
    assert not writer.takes(game)
    writer.close()
    assert read(writer.path) == ([game], "")


def test_a_game_that_is_not_in_it_is_said_by_number(echo_state: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.segment", [made_up(echo_state, 0)])
    for number in (-1, 1):
        with pytest.raises(ReplayError, match=f"has no game {number}: it holds 1,"):
            segment.game(path, number)


def test_a_segment_of_a_later_version_and_one_that_is_not_there_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    path.write_bytes(b"\x89SEGMENT\x02\x00")
    assert "use the newer software" in read(path)[1]
    with pytest.raises(ReplayError, match="cannot be read"):
        list(segment.games(tmp_path / "none.segment"))


def test_start_states_cost_what_differs(echo_state: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.segment", [made_up(echo_state, number) for number in range(101)])
    alone = write(tmp_path / "b.segment", [made_up(echo_state, 0)]).stat().st_size
    assert (path.stat().st_size - alone) / 100 < 300
