"""Start states of the stand-in game, and of cartridges that are no Dr. Mario."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from models.machine import CARTRIDGE
from models.seeding_model import Generator, capsule_queue, virus_board, virus_count

from env.boot import StartStates
from env.cartridge import Cartridge
from env.drmario import start_states
from env.emulator import Emulator
from env.errors import BootError, RomError
from env.game import (
    DEMO,
    FIELD,
    GAME_SEEDS,
    LEVEL,
    MUSIC,
    MUSIC_OFF,
    SPEED,
    SPEEDS,
    VIRUSES_LEFT,
    decimal,
    is_falling,
    rng_state,
)
from env.options import HIGHEST_LEVEL, Scenario, Speed
from env.play import drive, drive_all
from env.savestate import canonical, ram

OTHER_ROM = Path(__file__).parents[1] / "data" / "rom" / "echo.nes"
QUEUE = 0x780
MED = Scenario()


@pytest.fixture(scope="module")
def emulators() -> Iterator[list[Emulator]]:
    with Emulator(CARTRIDGE) as first, Emulator(CARTRIDGE) as second:
        yield [first, second]


def pair(start: bytes) -> tuple[bytes, bytes]:
    """Virus board and capsule queue."""
    memory = ram(start)
    return memory[FIELD : FIELD + 128], memory[QUEUE : QUEUE + 128]


def test_a_hundred_seeds_give_a_hundred_pairs_of_board_and_queue(
    starts: StartStates, emulators: list[Emulator]
) -> None:
    pairs: set[tuple[bytes, bytes]] = set()
    for seed in range(0, 100, 2):
        states = drive_all((one, starts.begin(one, MED, seed=seed + i)) for i, one in enumerate(emulators))
        pairs |= {pair(state) for state in states}
    assert len(pairs) == 100


@pytest.mark.parametrize("seed", [0, 1, 3276, GAME_SEEDS - 1])
def test_a_seed_gives_the_board_and_queue_of_its_generator(
    starts: StartStates, emulators: list[Emulator], seed: int
) -> None:
    generator = Generator(*rng_state(seed).values())
    queue = capsule_queue(generator)
    board, played = pair(drive(emulators[0], starts.begin(emulators[0], MED, seed=seed)))
    assert played == bytes(queue)
    assert board == virus_board(0, generator)


def choose(emulator: Emulator, level: int, speed: Speed) -> bytes:
    """RAM at the start of a game that was chosen in the menus."""
    chosen = Scenario(level=level, speed=speed)
    return ram(drive(emulator, start_states(None).begin(emulator, chosen, seed=5)))


@pytest.mark.parametrize(("level", "speed"), [(0, "hi"), (1, "low"), (7, "med"), (15, "hi"), (20, "low"), (20, "hi")])
def test_the_menus_choose_level_and_speed(emulators: list[Emulator], level: int, speed: Speed) -> None:
    memory = choose(emulators[0], level, speed)
    assert (memory[LEVEL], memory[SPEED], memory[MUSIC]) == (level, SPEEDS[speed], MUSIC_OFF)
    assert decimal(memory[VIRUSES_LEFT]) == virus_count(level)
    assert memory[DEMO] == 0
    assert is_falling(memory)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("speed", get_args(Speed))
def test_the_menus_choose_every_level(emulators: list[Emulator], speed: Speed) -> None:
    for level in range(HIGHEST_LEVEL + 1):
        memory = choose(emulators[0], level, speed)
        assert (memory[LEVEL], memory[SPEED], decimal(memory[VIRUSES_LEFT])) == (
            level,
            SPEEDS[speed],
            virus_count(level),
        )


def test_the_same_start_is_made_in_a_fresh_emulator_and_in_a_used_one(
    starts: StartStates, emulators: list[Emulator]
) -> None:
    emulators[0].step(bytes((1, 0)) * 333)
    used = drive(emulators[0], start_states(None).begin(emulators[0], MED, seed=77))
    with Emulator(CARTRIDGE) as fresh:
        again = drive(fresh, start_states(None).begin(fresh, MED, seed=77))
    kept = drive(emulators[1], starts.begin(emulators[1], MED, seed=77))
    assert used == again == kept


def test_a_kept_start_is_one_load(tmp_path: Path, emulators: list[Emulator]) -> None:
    made = drive(emulators[0], start_states(None, folder=tmp_path).begin(emulators[0], MED, seed=9))
    before = emulators[0].frames
    kept = drive(emulators[0], start_states(None, folder=tmp_path).begin(emulators[0], MED, seed=9))
    assert kept == made
    assert emulators[0].frames == before
    assert canonical(emulators[0].save_state()) == made
    assert emulators[0].read_ram() == ram(made)


def test_scenarios_and_seeds_are_kept_apart(tmp_path: Path, emulators: list[Emulator]) -> None:
    starts = start_states(None, folder=tmp_path)
    for scenario, seed in [(MED, 1), (MED, 2), (Scenario(speed="hi"), 1)]:
        drive(emulators[0], starts.begin(emulators[0], scenario, seed=seed))
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"torn", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_torn_start_is_made_anew(tmp_path: Path, emulators: list[Emulator], damage: bytes) -> None:
    starts = start_states(None, folder=tmp_path)
    made = drive(emulators[0], starts.begin(emulators[0], MED, seed=3))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for torn in (damage, whole[:-5]):
        file.write_bytes(torn)
        assert drive(emulators[0], starts.begin(emulators[0], MED, seed=3)) == made
        assert file.read_bytes() == whole


def test_a_start_of_another_game_or_machine_under_its_name_is_made_anew(
    tmp_path: Path, emulators: list[Emulator]
) -> None:
    starts = start_states(None, folder=tmp_path)
    made = {seed: drive(emulators[0], starts.begin(emulators[0], MED, seed=seed)) for seed in (3, 4)}
    third, fourth = (next(tmp_path.glob(f"*-{seed}.state")) for seed in (3, 4))
    whole = third.read_bytes()
    with Emulator(OTHER_ROM) as other:
        foreign = other.save_state()[:-700] + bytes(700)
    mark = zlib.decompress(whole).partition(b"\n")[0] + b"\n"
    for wrong in (fourth.read_bytes(), zlib.compress(foreign), zlib.compress(mark + foreign)):
        third.write_bytes(wrong)
        assert drive(emulators[0], starts.begin(emulators[0], MED, seed=3)) == made[3]
        assert third.read_bytes() == whole


def test_a_shared_folder_is_only_read(tmp_path: Path, emulators: list[Emulator]) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    made = drive(emulators[0], start_states(None, folder=shared).begin(emulators[0], MED, seed=1))
    (file,) = shared.iterdir()
    starts = start_states(None, folder=own, shared=[tmp_path / "missing", shared])
    before = emulators[0].frames
    assert drive(emulators[0], starts.begin(emulators[0], MED, seed=1)) == made
    assert emulators[0].frames == before
    drive(emulators[0], starts.begin(emulators[0], MED, seed=2))
    assert [path.name.rpartition("-")[2] for path in own.iterdir()] == ["2.state"]
    assert [path.name for path in shared.iterdir()] == [file.name]


def test_a_start_that_cannot_be_kept_is_played_all_the_same(tmp_path: Path, emulators: list[Emulator]) -> None:
    (tmp_path / "file").write_bytes(b"")
    starts = start_states(None, folder=tmp_path / "file")
    assert is_falling(ram(drive(emulators[0], starts.begin(emulators[0], MED, seed=1))))


def test_another_cartridge_is_refused_with_what_failed() -> None:
    with (
        Emulator(OTHER_ROM) as emulator,
        pytest.raises(BootError, match=r"Select on the title screen .*; is this ROM Dr\. Mario"),
    ):
        drive(emulator, StartStates(Cartridge.read(OTHER_ROM)).begin(emulator, MED, seed=0))


@pytest.mark.parametrize("content", [b"", b"not a game", b"NES\x1a" + bytes(12) + b"\x01"])
def test_a_file_that_is_no_cartridge_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "game.nes"
    path.write_bytes(content)
    if content.endswith(b"\x01"):
        path.write_bytes(b"NES\x1a\x02\x01" + bytes(10))
    with pytest.raises(RomError, match=r"game\.nes"):
        start_states(path)
