"""Recordings played on the cartridge; ours are made from the rules model, not from the cartridge."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from models import recording as recordings
from models import trace
from models.comparison import BLOCKS, FIELDS, TALLIES, block_ram, score_ram
from models.machine import FRAME_COUNTER, MODE, PLAY
from models.match_model import Match
from models.players import board_for_play, generator_state, held_buttons
from models.recording import Trace
from models.seeding_model import Generator

FRAMES = 400
#: what the model knows
WATCHED = (
    0x43,
    0x46,
    *(
        block + offset
        for block in BLOCKS
        for offset in (*range(3), *range(5, 8), 9, *range(0x0F, 0x14), 0x17, *range(0x24, 0x26))
    ),
    *(field + cell for field in FIELDS for cell in range(128)),
)


def image(match: Match) -> bytes:
    """RAM as the model says it is."""
    ram = bytearray(2048)
    ram[MODE], ram[FRAME_COUNTER], ram[0x727] = match.mode, match.frame_counter, len(match.players)
    for player, block, field in zip(match.players, BLOCKS, FIELDS, strict=False):
        for offset, value in (block_ram(player) | {0x23: 2, 0x26: 2}).items():
            ram[block + offset] = value
        ram[field : field + 128] = player.board
        for colour in range(3):
            ram[TALLIES + colour] += player.board.count(0xD0 | colour)
    for start, values in ((0xF5, match.pressed), (0xF7, match.held), (0x780, match.queue)):
        ram[start : start + len(values)] = bytes(values)
    for address, digit in score_ram(match.score).items():
        ram[address] = digit
    return bytes(ram)


def recording(seed: int, players: int) -> Trace:
    """A round on prepared fields, as the model plays it."""
    chance = np.random.default_rng(seed)
    generator = Generator(*divmod(generator_state(seed), 256))
    match = Match(levels=[0] * players, speeds=[1] * players, generator=generator)
    while match.mode != PLAY:
        match.frame(0)
    for player in match.players:
        player.board[:] = board_for_play(match.queue, chance)
        player.viruses = sum(cell & 0xF0 == 0xD0 for cell in player.board)
    start = image(match)
    pads, seen = [], []
    for one, two in zip(*(held_buttons(1, chance, FRAMES) for _ in range(2)), strict=True):
        match.frame(one, two)
        pads.append((one, two))
        seen.append(bytes(image(match)[address] for address in WATCHED))
        if match.decided:
            break
    return Trace(start=start, watched=WATCHED, pads=tuple(pads), seen=tuple(seen))


def frames_of(kind: str, of: Trace) -> Iterator[int]:
    """Frames, from 1, of the recording in which such a thing happens to player 1."""
    before = of.start
    for frame, seen in enumerate(of.seen, 1):
        after = recordings.with_watched(before, of.watched, seen)
        if f"{kind} of player 1" in recordings.events(before, after):
            yield frame
        before = after


@pytest.mark.parametrize(("seed", "players"), [(3, 1), (6, 2)])
def test_a_recording_of_the_model_plays_on_the_cartridge(seed: int, players: int) -> None:
    made = recording(seed, players)
    assert all(list(frames_of(kind, made)) for kind in ("lock", "spawn", "clear", "fall"))
    read = recordings.read(recordings.text_of(made))
    assert read == made
    assert str(trace.replay(read)) == f"all {len(made.pads)} frames agree"


@pytest.mark.parametrize("kind", ["lock", "fall"])
def test_the_first_frame_in_which_something_comes_late_is_named(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recording(3, 1)
    frame = next(frames_of(kind, made))
    late = (*made.seen[: frame - 1], made.seen[frame - 2], *made.seen[frame:])
    file = tmp_path / "late.trace"
    file.write_text(
        recordings.text_of(Trace(start=made.start, watched=made.watched, pads=made.pads, seen=late)), encoding="utf-8"
    )
    assert trace.main(["play", str(file)]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"frame {frame}: recorded was nothing, here ")
    assert f"{kind} of player 1" in said


def test_another_byte_alone_is_said_but_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = recording(3, 1)
    gravity = made.watched.index(0x312)
    other = bytearray(made.seen[20])
    other[gravity] ^= 0x40
    changed = Trace(
        start=made.start, watched=made.watched, pads=made.pads, seen=(*made.seen[:20], bytes(other), *made.seen[21:])
    )
    file = tmp_path / "other.trace"
    file.write_text(recordings.text_of(changed), encoding="utf-8")
    assert trace.main(["play", str(file)]) == 0
    assert "the first other byte: $0312 is $" in capsys.readouterr().out


START = "start " + bytes(2048).hex()
LIVE = "start " + (bytes(MODE) + bytes([PLAY]) + bytes(2047 - MODE)).hex()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "begins with a line `start`"),
        ("start 00\nwatch 0317 0400-047F", "line 1: 1 bytes, expected 2048"),
        (f"{START}\nwatch 0317 0400-047F", "starts in mode 0"),
        (f"{LIVE}\nwatch 0317", "does not watch $0400"),
        (f"{LIVE}\nwatch 0317 0400-087F", "0400-087F is outside work RAM"),
        (f"{LIVE}\nwatch hello", "line 2: hello is no address"),
        (f"# made by hand\n{LIVE}\nwatch 0317 0400-047F\n00 00 zz", "line 4: not bytes in hexadecimal digits"),
        (f"{LIVE}\nwatch 0317 0400-047F\n00 00 01", "line 3: 3 bytes, expected 131"),
    ],
    ids=["empty", "short", "mode", "field", "outside", "word", "digits", "frame"],
)
def test_a_file_that_is_no_recording_is_refused_in_one_sentence(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.trace"
    file.write_text(text, encoding="utf-8")
    assert trace.main(["play", str(file)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("mode", ["1p", "2p", "vs_cpu"])
def test_what_was_recorded_on_a_cartridge_plays_on_it(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "game.trace")
    assert trace.main(["record", file, "--mode", mode, "--level", "3", "--seed", "5", "--frames", "150"]) == 0
    assert trace.main(["play", file]) == 0
    assert capsys.readouterr().out == "150 frames\nall 150 frames agree\n"


def test_a_level_that_the_game_does_not_have_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace.main(["record", str(tmp_path / "game.trace"), "--level", "21"]) == 2
    assert "21 is not a level of the game" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
