"""What the stand-in game shows: its tiles as they are in the cartridge, and Mednafen's own pictures of it."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from models.machine import CARTRIDGE, MODE, PLAY, START, TITLE, Machine
from models.rules_model import RIGHT, SELECT

from env.emulator import Emulator

HEADER_BYTES, PROGRAM_BYTES, BANK_BYTES, TILE_BYTES = 16, 0x8000, 0x2000, 16
BANKS = range(4)
PAUSE = 0x68D
#: The picture begins at the screen's second row of tiles.
TOP_ROW = 1
#: What the three colours mean for the field, by the low digit of a cell: halves, singles, viruses.
COLOURED_CELLS = (0x40, 0x50, 0x60, 0x70, 0x80, 0xD0)

Picture = npt.NDArray[np.uint8]


def tile_shape(bank: int, number: int) -> Picture:
    """(8, 8), 1 where the background tile is not black: what is left of it without colours."""
    start = HEADER_BYTES + PROGRAM_BYTES + bank * BANK_BYTES + number * TILE_BYTES
    planes = np.frombuffer(CARTRIDGE.read_bytes()[start : start + TILE_BYTES], np.uint8).reshape(2, 8)
    return np.unpackbits(planes[0] | planes[1]).reshape(8, 8)


def field(picture: Picture, column: int) -> Picture:
    """The field whose left edge is in this column of tiles."""
    top = (10 - TOP_ROW) * 8
    return picture[top : top + 128, column * 8 : column * 8 + 64]


@pytest.fixture
def playing(at_title: Machine) -> Machine:
    """One player in play for a second."""
    return started(at_title, selects=0)


def started(machine: Machine, *, selects: int) -> Machine:
    for _ in range(selects):
        machine.tap(SELECT)
    machine.tap(START)
    machine.tap(START)
    machine.wait_for({MODE: PLAY})
    machine.step(frames=60)
    return machine


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("cell", COLOURED_CELLS)
def test_the_three_colours_differ_in_shape_too(bank: int, cell: int) -> None:
    shapes = [tile_shape(bank, cell + colour) for colour in range(3)]
    for one, other in itertools.combinations(shapes, 2):
        assert np.count_nonzero(one != other) >= 4


@pytest.mark.parametrize("colour", range(3))
def test_viruses_wriggle_and_leave_air_to_their_neighbours(colour: int) -> None:
    poses = [tile_shape(bank, 0xD0 + colour) for bank in BANKS]
    assert any(np.any(poses[0] != pose) for pose in poses[1:])
    assert not any(pose[7].any() or pose[:, 7].any() for pose in poses)


def test_nothing_stands_still_on_the_title(at_title: Machine) -> None:
    at_title.step(frames=20)
    before = at_title.emulator.screenshot()
    at_title.step(frames=16)
    assert np.count_nonzero((at_title.emulator.screenshot() != before).any(axis=2)) > 500


def test_the_three_viruses_dance_beside_the_bottle(playing: Machine) -> None:
    culture = (slice(128, 200), slice(16, 56))
    before = playing.emulator.screenshot()[culture]
    playing.step(frames=10)
    moved = (playing.emulator.screenshot()[culture] != before).any(axis=2)
    assert all(moved[row : row + 24].any() for row in (0, 24, 48))


def test_the_pause_hides_the_field_and_shows_it_again(playing: Machine) -> None:
    shown = field(playing.emulator.screenshot(), 12)
    playing.tap(START)
    assert playing.ram[PAUSE] == 5
    hidden = field(playing.emulator.screenshot(), 12)
    playing.tap(START)
    assert shown.any(axis=2).sum() > 10 * hidden[:16].any(axis=2).sum()
    assert not hidden[96:].any()
    assert field(playing.emulator.screenshot(), 12)[96:].any() == shown[96:].any()


@pytest.mark.parametrize(("selects", "name"), [(1, "two players"), (2, "against the machine")])
def test_two_fields_stand_side_by_side(at_title: Machine, selects: int, name: str) -> None:
    machine = started(at_title, selects=selects)
    fields = [field(machine.emulator.screenshot(), column) for column in (4, 20)]
    lit = [np.count_nonzero(one.any(axis=2)) for one in fields]
    assert min(lit) > 100, name
    machine.step(RIGHT, frames=30)
    after = [field(machine.emulator.screenshot(), column) for column in (4, 20)]
    assert np.any(after[0] != fields[0]), name


def test_a_game_against_the_machine_may_be_studied_in_its_pause(at_title: Machine) -> None:
    machine = started(at_title, selects=2)
    machine.tap(START)
    assert machine.ram[PAUSE] == 5
    assert all(field(machine.emulator.screenshot(), column)[64:].any() for column in (4, 20))


def test_the_title_comes_up_the_same_every_time(at_title: Machine) -> None:
    with Emulator(CARTRIDGE) as emulator:
        other = Machine(emulator)
        other.wait_for({MODE: TITLE, 0x741: 0})
        assert np.array_equal(emulator.screenshot(), at_title.emulator.screenshot())
