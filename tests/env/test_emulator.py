import itertools
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from env import savestate
from env.emulator import Emulator
from env.errors import EmulatorDied, EmulatorError, EmulatorMissing, FrameDeadline, RomError, StateError
from env.process import find_program
from env.wire import Pad

_PADS = np.random.default_rng(7).integers(0, 256, 2 * 600, dtype=np.uint8).tobytes()


def _ram_after(emulator: Emulator, state: bytes, *, pads: bytes) -> bytes:
    emulator.load_state(state)
    emulator.step(pads)
    return emulator.read_ram()


def _home(pid: int) -> Path:
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return Path(next(v for v in variables if v.startswith(b"HOME=")).removeprefix(b"HOME=").decode())


def _ends(pidfd: int) -> bool:
    ready, _, _ = select.select([pidfd], [], [], 10)
    return bool(ready)


@pytest.fixture(scope="module")
def shared(echo_rom: Path) -> Iterator[Emulator]:
    with Emulator(echo_rom) as running:
        yield running


@pytest.fixture(scope="module")
def expected_ram(echo_rom: Path, echo_state: bytes) -> bytes:
    with Emulator(echo_rom) as running:
        return _ram_after(running, echo_state, pads=_PADS)


class TestStepping:
    def test_each_frame_sees_its_own_pads(self, emulator: Emulator) -> None:
        before = int.from_bytes(emulator.read_ram()[0x10:0x12], "little")
        emulator.step(bytes([Pad.A, Pad.B]) + bytes([Pad.RIGHT, Pad.START]))
        ram = emulator.read_ram()
        assert int.from_bytes(ram[0x10:0x12], "little") == before + 2
        assert (ram[0x300 + (before + 1) % 256], ram[0x300 + (before + 2) % 256]) == (0x80, 0x01)
        assert ram[0x13] == 0x10
        assert emulator.frames == 122

    @given(chunks=st.lists(st.integers(1, 200), max_size=30))
    @settings(max_examples=12)
    def test_how_the_frames_are_cut_does_not_matter(
        self, shared: Emulator, echo_state: bytes, expected_ram: bytes, chunks: list[int]
    ) -> None:
        shared.load_state(echo_state)
        cuts = [0, *(min(cut, 600) for cut in itertools.accumulate(chunks)), 600]
        for start, stop in itertools.pairwise(cuts):
            shared.send(_PADS[2 * start : 2 * stop])
            if stop % 3:
                shared.wait()
        assert shared.read_ram() == expected_ram

    def test_thousands_of_frames_at_once_do_not_block_either_side(self, emulator: Emulator, echo_state: bytes) -> None:
        start = int.from_bytes(savestate.ram(echo_state)[0x10:0x12], "little")
        ram = _ram_after(emulator, echo_state, pads=bytes(12_000))
        assert int.from_bytes(ram[0x10:0x12], "little") == start + 6_000

    def test_four_frames_a_trip_never_sleep_out_a_deadline(self, emulator: Emulator) -> None:
        """A receive low-water mark lost the wake-up when some of the four acknowledgements had already come."""
        for _ in range(300):
            emulator.step(bytes(8))
        assert emulator.frames == 1320

    def test_two_emulators_in_flight_do_not_see_each_other(self, echo_rom: Path, echo_state: bytes) -> None:
        with Emulator(echo_rom) as first, Emulator(echo_rom) as second:
            first.load_state(echo_state)
            second.load_state(echo_state)
            for start in range(0, 400, 8):
                first.send(_PADS[start : start + 8])
                second.send(_PADS[start + 400 : start + 408])
                first.wait()
                second.wait()
            seen = first.read_ram(), second.read_ram()
            assert seen[0] == _ram_after(second, echo_state, pads=_PADS[:400])
            assert seen[1] == _ram_after(first, echo_state, pads=_PADS[400:800])

    def test_nothing_is_done_before_the_start_or_after_the_end(self, echo_rom: Path) -> None:
        emulator = Emulator(echo_rom)
        for _ in range(2):
            with pytest.raises(EmulatorError, match="start it first"):
                emulator.step(bytes(2))
            emulator.close()
        assert not emulator.is_alive()


class TestStates:
    def test_two_machines_that_were_just_switched_on_are_equal(self, echo_rom: Path) -> None:
        with Emulator(echo_rom) as first, Emulator(echo_rom) as second:
            assert savestate.canonical(first.save_state()) == savestate.canonical(second.save_state())
            first.step(_PADS)
            second.step(_PADS)
            assert savestate.canonical(first.save_state()) == savestate.canonical(second.save_state())

    def test_a_state_of_one_process_goes_on_in_another(self, emulator: Emulator, echo_rom: Path) -> None:
        state = savestate.canonical(emulator.save_state())
        with Emulator(echo_rom) as other:
            assert _ram_after(other, state, pads=_PADS) == _ram_after(emulator, state, pads=_PADS)

    def test_a_loaded_state_is_there_before_the_next_frame(self, emulator: Emulator, echo_state: bytes) -> None:
        emulator.step(_PADS)
        emulator.load_state(savestate.with_ram(echo_state, {0x17: 99}))
        assert emulator.read_ram() == savestate.ram(savestate.with_ram(echo_state, {0x17: 99}))

    def test_a_broken_state_is_refused_and_the_game_goes_on(self, emulator: Emulator, echo_state: bytes) -> None:
        with pytest.raises(StateError):
            emulator.load_state(echo_state[:3000])
        emulator.step(bytes(2))
        assert emulator.frames == 121

    @pytest.mark.parametrize(
        ("running", "saved", "words"),
        [(0, 1, "a section 'MAPR'"), (1, 0, "no section 'MAPR'"), (1, 4, "its section 'MAPR' has other variables")],
        ids=["more", "less", "other"],
    )
    def test_a_state_of_another_cartridge_is_refused_and_the_game_goes_on(
        self, echo_rom: Path, tmp_path: Path, *, running: int, saved: int, words: str
    ) -> None:
        with Emulator(_with_mapper(echo_rom, tmp_path, saved)) as other:
            state = other.save_state()
        with Emulator(_with_mapper(echo_rom, tmp_path, running)) as emulator:
            with pytest.raises(StateError, match=words):
                emulator.load_state(state)
            emulator.step(bytes(2))
            assert emulator.frames == 1

    def test_finding_the_ram_moves_nothing(self, echo_rom: Path) -> None:
        with Emulator(echo_rom) as reads, Emulator(echo_rom) as does_not:
            for emulator in (reads, does_not):
                emulator.step(_PADS)
            assert reads.read_ram() == savestate.ram(does_not.save_state())
            assert reads.frames == does_not.frames == 600
            assert savestate.canonical(reads.save_state()) == savestate.canonical(does_not.save_state())

    def test_ram_comes_out_of_a_state_where_memory_is_closed(self, emulator: Emulator) -> None:
        with _no_more_files():
            ram = emulator.read_ram()
        assert ram == emulator.read_ram()


def _with_mapper(rom: Path, folder: Path, mapper: int) -> Path:
    """The cartridge on another board."""
    data = bytearray(rom.read_bytes())
    data[6] = mapper << 4
    path = folder / f"mapper {mapper}.nes"
    path.write_bytes(data)
    return path


@contextmanager
def _no_more_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestPictures:
    def test_screenshots_leave_the_game_exactly_where_it_was(self, emulator: Emulator, echo_state: bytes) -> None:
        trajectories = []
        for takes_pictures in (False, True):
            emulator.load_state(echo_state)
            rams = []
            for start in range(0, 200, 20):
                emulator.step(_PADS[start : start + 20])
                rams.append(emulator.read_ram())
                if takes_pictures:
                    emulator.screenshot()
            trajectories.append((rams, savestate.canonical(emulator.save_state())))
        assert trajectories[0] == trajectories[1]
        assert emulator.frames == 320

    def test_picture_k_of_a_film_is_the_screenshot_after_k_frames(self, echo_rom: Path, tmp_path: Path) -> None:
        film = tmp_path / "film.mov"
        pads = bytes([Pad.A | Pad.DOWN, 0]) * 10
        with Emulator(echo_rom, recording=film) as recorder, Emulator(echo_rom) as emulator:
            pictures = []
            for _ in range(8):
                for machine in (recorder, emulator):
                    machine.step(pads)
                pictures.append(emulator.screenshot())
                for machine in (recorder, emulator):
                    machine.step(bytes(2))
        filmed = _filmed(film)
        assert len(filmed) >= 88 + 1
        for turn, picture in enumerate(pictures, start=1):
            assert picture.shape == (224, 256, 3)
            assert np.array_equal(picture, filmed[11 * turn - 1])
        assert len({picture.tobytes() for picture in pictures}) > 1

    def test_a_recording_emulator_takes_no_screenshots(self, echo_rom: Path, tmp_path: Path) -> None:
        with (
            Emulator(echo_rom, recording=tmp_path / "film.mov") as emulator,
            pytest.raises(EmulatorError, match="in the film"),
        ):
            emulator.screenshot()


def _filmed(film: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(film)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8) for frame in container.decode(video=0)]


class TestRecording:
    def test_every_frame_and_one_more_is_filmed_with_sound(self, echo_rom: Path, tmp_path: Path) -> None:
        film = tmp_path / "film.mov"
        with Emulator(echo_rom, recording=film) as emulator:
            emulator.step(_PADS[:400])
            emulator.read_ram()
            emulator.step(_PADS[400:402])
        # asked to end on a busy machine, Mednafen may play on alone for a moment
        assert len(_filmed(film)) in range(201 + 1, 201 + 10)
        with av.open(str(film)) as container:
            assert [stream.rate for stream in container.streams.audio] == [48000]

    def test_a_film_that_cannot_be_written_is_named(self, echo_rom: Path, tmp_path: Path) -> None:
        film = tmp_path / "no folder" / "film.mov"
        with pytest.raises(EmulatorError, match=r"film\.mov"), Emulator(echo_rom, recording=film) as emulator:
            emulator.step(bytes(2))


class TestFailures:
    def test_a_killed_emulator_has_died(self, emulator: Emulator) -> None:
        os.kill(emulator.pid, signal.SIGKILL)
        with pytest.raises(EmulatorDied) as caught:
            emulator.step(bytes(200))
        assert caught.value.code == -signal.SIGKILL
        assert not emulator.is_alive()

    def test_a_killed_emulator_gives_no_ram(self, emulator: Emulator) -> None:
        emulator.read_ram()
        os.kill(emulator.pid, signal.SIGKILL)
        # the signal is on its way when kill() returns; the memory is there until it has arrived
        os.waitid(os.P_PID, emulator.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(EmulatorDied):
            emulator.read_ram()

    def test_a_stopped_emulator_misses_its_deadline_and_is_killed(self, echo_rom: Path) -> None:
        with Emulator(echo_rom, deadline_seconds=0.5) as emulator:
            os.kill(emulator.pid, signal.SIGSTOP)
            # the signal is on its way when kill() returns; a frame may still be emulated until it has arrived
            os.waitid(os.P_PID, emulator.pid, os.WSTOPPED | os.WNOWAIT)
            with pytest.raises(FrameDeadline, match=r"0\.5 seconds"):
                emulator.step(bytes(2))
            assert not emulator.is_alive()

    def test_nothing_is_left_behind(self, echo_rom: Path) -> None:
        with Emulator(echo_rom) as emulator:
            home, pid = _home(emulator.pid), emulator.pid
            assert home.is_dir()
        assert not home.exists()
        assert not Path(f"/proc/{pid}").exists()

    def test_nothing_is_left_behind_after_an_exception(self, echo_rom: Path) -> None:
        emulator = Emulator(echo_rom)
        emulator.start()
        home, pid = _home(emulator.pid), emulator.pid
        emulator.__exit__(KeyError, KeyError(), None)
        assert not home.exists()
        assert not Path(f"/proc/{pid}").exists()

    def test_an_emulator_does_not_outlive_its_parent_nor_its_home_the_next_launch(self, echo_rom: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from env.emulator import Emulator\n"
            f"emulator = Emulator(Path({str(echo_rom)!r})); emulator.start(); print(emulator.pid, flush=True)\n"
            "sys.stdin.read()"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            pidfd, home = os.pidfd_open(pid), _home(pid)
            parent.kill()
            assert _ends(pidfd)
            os.close(pidfd)
        assert home.is_dir()
        os.utime(home, (0, 0))
        with Emulator(echo_rom):
            assert not home.exists()

    def test_an_old_home_that_is_in_use_stays(self, echo_rom: Path) -> None:
        with Emulator(echo_rom) as old:
            home = _home(old.pid)
            os.utime(home, (0, 0))
            with Emulator(echo_rom):
                assert home.is_dir()

    def test_a_mapper_that_mednafen_does_not_have_is_named_with_its_reason(self, tmp_path: Path) -> None:
        rom = tmp_path / "odd.nes"
        rom.write_bytes(b"NES\x1a\1\1\xf0\xf0" + bytes(8 + 24_576))
        with pytest.raises(RomError, match=r"odd\.nes: iNES mapper 255 is not supported!"):
            Emulator(rom).start()

    def test_a_patch_beside_the_rom_is_not_applied(self, echo_rom: Path, tmp_path: Path) -> None:
        rom = tmp_path / "game.nes"
        rom.write_bytes(echo_rom.read_bytes())
        (tmp_path / "game.nes.ips").write_bytes(b"PATCH" + b"\0\x10\x10\0\1\xff" + b"EOF")
        with Emulator(rom) as patched, Emulator(echo_rom) as plain:
            assert (patched.rom_md5, patched.rom_sha256) == (plain.rom_md5, plain.rom_sha256)

    def test_a_missing_program_says_how_to_install_it(self) -> None:
        with pytest.raises(EmulatorMissing, match="`apt install mednafen`"):
            find_program("no-such-mednafen", package="mednafen")

    def test_an_emulator_is_pinned_with_all_its_threads(self, echo_rom: Path) -> None:
        core = min(os.sched_getaffinity(0))
        with Emulator(echo_rom, cpu=core) as emulator:
            tasks = [int(task.name) for task in Path(f"/proc/{emulator.pid}/task").iterdir()]
            assert [os.sched_getaffinity(task) for task in tasks] == [{core}] * len(tasks)
