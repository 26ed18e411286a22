"""What the stand-in game sounds like, in Mednafen's own recordings, and that sound changes nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from fakes import films
from models.machine import CARTRIDGE, FIELD, MODE, PLAY, START, TITLE, Machine
from models.rules_model import DOWN, RIGHT, A

from env.emulator import Emulator
from env.game import FRAMES_PER_SECOND
from env.savestate import with_ram

MUSIC, COLOUR1, COLOUR2, ACTION, MATCHES, LOST, VIRUSES = 0x731, 0x301, 0x302, 0x317, 0x30F, 0x309, 0x324
SAMPLES_PER_FRAME = 48_000 / FRAMES_PER_SECOND
#: Below this nobody hears anything; an effect is far above.
SILENCE_DB, AUDIBLE_DB = -60.0, -40.0
#: A channel's end rings on in the recorder's filter for as long.
RINGING_FRAMES = 6
SOUND_RAM = {*range(0x600, 0x668), *range(0x34, 0x3C)}
STACK_AND_SCRATCH = {*range(0x100, 0x200), *range(0x10)}

#: An empty field but for a virus in a corner.
CLEAN_FIELD = {FIELD + cell: 0xFF for cell in range(127)} | {FIELD + 127: 0xD2, VIRUSES: 1}

Listen = Callable[..., "Heard"]


def pile(column: int, colour: int) -> dict[int, int]:
    """Three singles at the bottom: one more makes a line."""
    return {FIELD + 8 * row + column: 0x80 + colour for row in (13, 14, 15)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A recording frame by frame."""

    #: RAM after each frame.
    rams: Sequence[bytes]
    samples: npt.NDArray[np.float64]

    def decibels(self, first: int, frames: int = 1) -> float:
        """Of the frames' loudest sample, over full scale.  The first recorded frame is the first that was stepped."""
        start, stop = (round(frame * SAMPLES_PER_FRAME) for frame in (first, first + frames))
        return float(20 * np.log10(max(np.abs(self.samples[start:stop]).max(), 1e-6)))

    def first(self, address: int, value: int) -> int:
        """The first frame after which RAM holds it."""
        return next(frame for frame, ram in enumerate(self.rams) if ram[address] == value)


@pytest.fixture(scope="module")
def states() -> Mapping[str, bytes]:
    """The title, and level 0 with the first capsule just below the neck; long enough ago for silence."""
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        machine.wait_for({MODE: TITLE, 0x741: 0})
        machine.step(frames=20)
        title = emulator.save_state()
        machine.tap(START)
        machine.tap(START)
        machine.wait_for({MODE: PLAY, ACTION: 0})
        machine.step(frames=15)
        return {"title": title, "play": emulator.save_state()}


@pytest.fixture
def listen(states: Mapping[str, bytes], tmp_path: Path) -> Listen:
    def listen(where: str, held: Sequence[int], ram: Mapping[int, int] | None = None) -> Heard:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mov"
        rams = []
        with Emulator(CARTRIDGE, recording=path) as emulator:
            machine = Machine(emulator)
            emulator.load_state(with_ram(states[where], ram or {}))
            for buttons in held:
                machine.step(buttons)
                rams.append(machine.ram)
        return Heard(rams=rams, samples=films.sound(path))

    return listen


@pytest.mark.parametrize(("button", "name"), [(RIGHT, "move"), (A, "turn"), (START, "pause")])
def test_a_button_is_heard_in_its_own_frame_and_nothing_before(listen: Listen, button: int, name: str) -> None:
    heard = listen("play", [0] * 20 + [button] * 2 + [0] * 8)
    assert heard.decibels(RINGING_FRAMES, 20 - RINGING_FRAMES) < SILENCE_DB, name
    assert heard.decibels(20, 2) > AUDIBLE_DB, name


def test_a_lock_and_then_a_line_are_heard_in_their_frames(listen: Listen) -> None:
    heard = listen("play", [0] * 6 + [DOWN] * 60, CLEAN_FIELD | pile(3, 0) | {COLOUR1: 0, COLOUR2: 1})
    lock, line = heard.first(ACTION, 1), heard.first(MATCHES, 1)
    assert heard.decibels(lock - 6, 6) < SILENCE_DB
    assert heard.decibels(lock, 2) > AUDIBLE_DB
    assert heard.decibels(line - 1) < SILENCE_DB
    assert heard.decibels(line, 2) > AUDIBLE_DB


def test_more_lines_at_once_sound_longer(listen: Listen) -> None:
    audible = []
    for piles in (pile(3, 0), pile(3, 0) | pile(4, 1)):
        heard = listen("play", [DOWN] * 110, CLEAN_FIELD | piles | {COLOUR1: 0, COLOUR2: 1})
        line = heard.first(ACTION, 1) + 10
        audible.append(sum(heard.decibels(frame) > AUDIBLE_DB for frame in range(line, line + 50)))
    assert audible[1] > audible[0] + 8


def test_a_loss_and_a_cleared_stage_have_their_jingles(listen: Listen) -> None:
    full = {FIELD + 8 * row + 3: 0x80 + row % 3 for row in range(1, 16)}
    lost = listen("play", [DOWN] * 150, full)
    assert lost.decibels(lost.first(LOST, 1), 40) > AUDIBLE_DB
    last_virus = CLEAN_FIELD | pile(3, 0) | {FIELD + 127: 0xFF, FIELD + 8 * 15 + 3: 0xD0, COLOUR1: 0, COLOUR2: 1}
    won = listen("play", [DOWN] * 150, last_virus)
    assert won.decibels(won.first(VIRUSES, 0) + 60, 15) > AUDIBLE_DB


def test_no_tune_plays_unless_it_is_chosen(listen: Listen) -> None:
    assert listen("title", [0] * 60).decibels(RINGING_FRAMES, 60 - RINGING_FRAMES) < SILENCE_DB


@pytest.mark.parametrize("tune", [0, 1])
def test_a_tune_is_clearly_heard_and_never_clipped(listen: Listen, tune: int) -> None:
    heard = listen("title", [0] * 300, {MUSIC: tune})
    assert -30 < heard.decibels(RINGING_FRAMES, 280) < -1
    assert abs(float(heard.samples[10_000:].mean())) < 0.01


def test_a_pause_silences_the_tune(listen: Listen) -> None:
    heard = listen("play", [0] * 30 + [START] * 2 + [0] * 90, {MUSIC: 0})
    assert heard.decibels(10, 20) > AUDIBLE_DB
    assert heard.decibels(90, 30) < SILENCE_DB


def test_the_same_game_with_a_tune_leaves_the_same_ram(listen: Listen) -> None:
    chance = np.random.default_rng(3)
    held = [int(b) for b in np.repeat(chance.choice([0, DOWN, RIGHT, A, 0x02], 120), 4)]
    quiet, loud = (listen("play", held, {MUSIC: music}).rams for music in (2, 0))
    for frame, (one, other) in enumerate(zip(quiet, loud, strict=True)):
        different = {i for i in range(0x800) if one[i] != other[i]} - SOUND_RAM - STACK_AND_SCRATCH
        assert different == {MUSIC}, f"frame {frame}"
