import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from env import savestate
from env.emulator import Emulator
from env.errors import StateError

_REAL_STATE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


def test_work_ram_is_the_one_in_the_machine(emulator: Emulator) -> None:
    assert savestate.ram(emulator.save_state()) == emulator.read_ram()


def test_an_edit_changes_these_bytes_and_no_other(echo_state: bytes) -> None:
    edited = savestate.ram(savestate.with_ram(echo_state, {0x17: 0xAB, 0x7FF: 0xCD}))
    before = savestate.ram(echo_state)
    assert (edited[0x17], edited[0x7FF]) == (0xAB, 0xCD)
    assert [i for i in range(2048) if edited[i] != before[i]] == [0x17, 0x7FF]


@pytest.mark.parametrize("values", [{2048: 0}, {-1: 0}, {0: 256}])
def test_what_does_not_fit_in_work_ram_is_refused(echo_state: bytes, values: dict[int, int]) -> None:
    with pytest.raises(ValueError, match=r"address|range"):
        savestate.with_ram(echo_state, values)


def test_a_canonical_state_differs_in_the_time_of_saving_alone(echo_state: bytes) -> None:
    once = savestate.canonical(echo_state)
    assert savestate.canonical(once) == once
    changed = {i for i in range(len(once)) if once[i] != echo_state[i]}
    assert changed, "the time is never nought"
    assert changed <= {8, 9, 10, 11}, "one of these bytes is nought by itself at some times"


def test_a_machine_has_one_layout_and_others_are_told_from_it(echo_state: bytes) -> None:
    layout = savestate.layout(echo_state)
    savestate.require_layout(savestate.with_ram(echo_state, {0x17: 0xAB}), layout)
    less = {name: variables for name, variables in layout.items() if name != "PPU"}
    for wanted, words in [
        (less, "a section 'PPU'"),
        ({**layout, "MAPR": {}}, "no section 'MAPR'"),
        ({**layout, "CPU": {**layout["CPU"], "RAM": 4096}}, "section 'CPU' has other variables"),
    ]:
        with pytest.raises(StateError, match=words):
            savestate.require_layout(echo_state, wanted)


@given(cut=st.integers(0, 6041))
@_REAL_STATE
def test_a_state_that_is_cut_off_is_refused_or_ends_at_a_section(echo_state: bytes, cut: int) -> None:
    with contextlib.suppress(StateError):
        assert savestate.sections(echo_state[:cut]).keys() < savestate.sections(echo_state).keys()


@given(place=st.integers(0, 6041), value=st.integers(0, 255))
@_REAL_STATE
def test_a_state_with_a_flipped_byte_is_read_or_refused(echo_state: bytes, place: int, value: int) -> None:
    damaged = echo_state[:place] + bytes([value]) + echo_state[place + 1 :]
    with contextlib.suppress(StateError):
        assert len(savestate.ram(damaged)) == 2048


@pytest.mark.parametrize("data", [b"", b"MDFNSVST", b"PK\3\4" + bytes(100), b"MDFNSVST" + b"\xff" * 100])
def test_other_bytes_are_no_save_state(data: bytes) -> None:
    with pytest.raises(StateError):
        savestate.canonical(data)
