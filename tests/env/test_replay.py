import json
import subprocess
import sys
import zlib
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from env import replay as replays
from env import savestate
from env.emulator import Emulator
from env.errors import ReplayDamaged, ReplayDiverged, ReplayError, StateError
from env.replay import Recorder, Replay

_FIXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
_JSON = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=3)


def _record(emulator: Emulator, state: bytes, *, chunks: int = 500) -> Replay:
    """A game of four frames a chunk, buttons held for a chunk as an agent holds them."""
    recorder, choices = Recorder(), np.random.default_rng(1)
    emulator.load_state(state)
    recorder.start(
        Replay(rom_sha256=emulator.rom_sha256, scenario={"level": 0}, seed=5, start_state=state, metadata={"é": [1]})
    )
    for _ in range(chunks):
        pads = bytes([int(choices.choice([0, 1, 2, 0x20, 0x40, 0x80])), 0]) * 4
        emulator.step(pads)
        recorder.add(pads, emulator.read_ram())
    return recorder.finish(emulator.read_ram(), {"won": True, "frames": chunks * 4})


@pytest.fixture(scope="module")
def game(echo_rom: Path, echo_state: bytes) -> Replay:
    with Emulator(echo_rom) as emulator:
        return _record(emulator, echo_state)


def test_a_game_is_checked_every_600_frames_and_at_its_end(game: Replay) -> None:
    assert [frame for frame, _ in game.checks] == [600, 1200, 1800, 2000]
    assert game.frames == 2000


def test_a_game_played_again_is_the_same_game(game: Replay, emulator: Emulator) -> None:
    replays.verify(replays.from_bytes(replays.to_bytes(game)), emulator)
    again = emulator.read_ram()
    replays.play(game, emulator)
    assert emulator.read_ram() == again


def test_the_same_game_gives_the_same_bytes(game: Replay, emulator: Emulator, echo_state: bytes) -> None:
    saved_later = echo_state[:8] + b"\1\2\3\4" + echo_state[12:]
    assert replays.to_bytes(_record(emulator, saved_later)) == replays.to_bytes(game)


def test_two_minutes_are_a_few_kilobytes(game: Replay, emulator: Emulator, echo_state: bytes) -> None:
    long = _record(emulator, echo_state, chunks=1800)
    assert len(replays.to_bytes(long)) < 5_000


def test_a_changed_input_diverges_in_its_own_span(game: Replay, emulator: Emulator) -> None:
    frame = 1300
    inputs = bytearray(game.inputs)
    inputs[2 * frame] ^= 0x80
    with pytest.raises(ReplayDiverged, match="between frames 1200 and 1800") as caught:
        replays.verify(replace(game, inputs=bytes(inputs)), emulator)
    assert (caught.value.last_good_frame, caught.value.frame) == (1200, 1800)
    assert caught.value.expected == dict(game.checks)[1800] != caught.value.actual


def test_a_changed_start_diverges_at_once(game: Replay, emulator: Emulator) -> None:
    state = savestate.with_ram(game.start_state, {0x14: 1})
    with pytest.raises(ReplayDiverged, match="between frames 0 and 600"):
        replays.verify(replace(game, start_state=state), emulator)


def test_another_cartridge_is_refused(game: Replay, emulator: Emulator) -> None:
    with pytest.raises(ReplayError, match="give the same ROM"):
        replays.verify(replace(game, rom_sha256="0" * 64), emulator)


@given(place=st.integers(0, 1 << 20), flip=st.integers(1, 255))
@_FIXED
def test_a_flipped_byte_is_damage(game: Replay, place: int, flip: int) -> None:
    data = bytearray(replays.to_bytes(game))
    data[place % len(data)] ^= flip
    with pytest.raises(ReplayDamaged):
        replays.from_bytes(bytes(data))


@given(size=st.integers(0, 1 << 20))
@_FIXED
def test_a_file_that_is_cut_off_is_damage(game: Replay, size: int) -> None:
    data = replays.to_bytes(game)
    with pytest.raises(ReplayDamaged):
        replays.from_bytes(data[: size % len(data)])


@given(inputs=st.binary(max_size=400), seed=st.integers(0, 32766), options=_JSON, record=_JSON)
@_FIXED
def test_what_is_written_is_read(
    echo_state: bytes, inputs: bytes, seed: int, options: dict[str, object], record: dict[str, object]
) -> None:
    whole = inputs[: len(inputs) // 2 * 2]
    recorder = Recorder()
    recorder.start(Replay(rom_sha256="ab", scenario={}, seed=seed, options=options, start_state=echo_state))
    recorder.add(whole, bytes(2048))
    replay = recorder.finish(bytes(2048), record)
    assert replays.from_bytes(replays.to_bytes(replay)) == replay


def test_a_file_appears_whole_and_reads_back(game: Replay, tmp_path: Path) -> None:
    path = tmp_path / "5.replay"
    replays.write(game, path)
    assert replays.read(path) == game
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "5.replay"
    path.write_bytes(b"\x89REPLAY\n")
    with pytest.raises(ReplayDamaged, match=r"5\.replay: .*only the beginning"):
        replays.read(path)
    with pytest.raises(ReplayError, match="cannot be read: No such file"):
        replays.read(tmp_path / "6.replay")


def _sealed(header: object, *payloads: bytes, version: int = 1) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    whole = b"\x89REPLAY\n" + version.to_bytes(2, "little") + len(text).to_bytes(4, "little") + text
    whole += b"".join(payloads)
    return whole + blake2b(whole, digest_size=16).digest()


def _forged(game: Replay, **changes: object) -> bytes:
    data = replays.to_bytes(game)
    size = int.from_bytes(data[10:14], "little")
    return _sealed(json.loads(data[14 : 14 + size]) | changes, data[14 + size : -16])


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": 1 << 40},
        {"frames": -1},
        {"frames": True},
        {"frames": 1999},
        {"state_bytes": 6041},
        {"state_packed_bytes": 7},
        {"seed": "5"},
        {"rom_sha256": None},
        {"scenario": []},
        {"checks": []},
        {"checks": [[2000, 5]]},
        {"checks": [[600, "aa"], [600, "bb"], [2000, "cc"]]},
        {"checks": [[1999, "aa"]]},
    ],
    ids=str,
)
def test_a_header_that_does_not_fit_is_damage(game: Replay, changes: dict[str, object]) -> None:
    with pytest.raises(ReplayDamaged):
        replays.from_bytes(_forged(game, **changes))


@pytest.mark.parametrize("header", [b"{", b"[]", b"\xff", b"[" * 200_000], ids=["cut", "list", "bytes", "deep"])
def test_a_header_that_is_no_mapping_is_damage(header: bytes) -> None:
    with pytest.raises(ReplayDamaged, match="header"):
        replays.from_bytes(_sealed(header))


def test_a_bomb_is_never_unpacked(game: Replay) -> None:
    bomb = zlib.compress(bytes(1 << 26), 9)
    header = {"state_bytes": 6042, "state_packed_bytes": len(bomb), "frames": 2000}
    with pytest.raises(ReplayDamaged, match="another length"):
        replays.from_bytes(_sealed(header, bomb))


def test_a_later_version_is_not_guessed_at() -> None:
    with pytest.raises(ReplayDamaged, match="version 2, and only 1"):
        replays.from_bytes(_sealed({}, version=2))


def test_a_recorder_needs_a_start() -> None:
    with pytest.raises(ReplayError, match="start one first"):
        Recorder().finish(bytes(2048), {})
    with pytest.raises(StateError):
        Recorder().start(Replay(rom_sha256="ab", scenario={}, seed=0))


def test_a_replay_of_one_process_is_the_same_game_in_another(game: Replay, echo_rom: Path, tmp_path: Path) -> None:
    path = tmp_path / "5.replay"
    replays.write(game, path)
    code = (
        "import sys; from pathlib import Path; from env import replay; from env.emulator import Emulator\n"
        "with Emulator(Path(sys.argv[1])) as emulator: replay.verify(replay.read(Path(sys.argv[2])), emulator)"
    )
    subprocess.run([sys.executable, "-c", code, str(echo_rom), str(path)], check=True)
