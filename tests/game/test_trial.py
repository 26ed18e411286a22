"""Whether games can be compared: on this machine they can, and on machines that are really broken they cannot."""

from pathlib import Path

import pytest
from fakes.broken import moody_mednafen, seedless_rom
from models.machine import CARTRIDGE

from env import trial
from env.cartridge import Cartridge
from env.errors import NotComparable
from env.options import Scenario


def test_the_games_of_this_machine_can_be_compared() -> None:
    tried = trial.check(Cartridge.read(CARTRIDGE), Scenario())
    assert tried.games == 23
    assert 4_000 < tried.frames < 8_000


def test_an_emulator_that_plays_a_game_otherwise_each_time_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(moody_mednafen(tmp_path)), prepend=":")
    with pytest.raises(NotComparable, match="seed 0 of 1p-level0-med with the same input, came out differently"):
        trial.check(Cartridge.read(CARTRIDGE), Scenario())


def test_an_emulator_that_plays_otherwise_than_it_used_to_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(moody_mednafen(tmp_path, is_steady=True)), prepend=":")
    with pytest.raises(NotComparable, match=r"recorded with this project .* diverges .* this Mednafen plays otherwise"):
        trial.check(Cartridge.read(CARTRIDGE), Scenario())


def test_a_rom_that_knows_no_seeds_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(NotComparable, match="The seeds 0 and 1 of 1p-level0-med give the very same game"):
        trial.check(Cartridge.read(seedless_rom(tmp_path)), Scenario())
