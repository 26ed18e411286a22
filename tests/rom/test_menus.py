from models.machine import CARTRIDGE, INIT, INTRO, MODE, OPTIONS, PLAY, START, TITLE, Machine
from models.rules_model import DOWN, LEFT, RIGHT, SELECT, UP, A, B
from models.seeding_model import Generator

from env.emulator import Emulator

PLAYERS, ROW, LEVEL, SPEED, MUSIC = 0x727, 0x65, 0x316, 0x30B, 0x731


def test_a_cold_boot_offers_one_player_level_0_medium_speed_and_no_tune(at_title: Machine) -> None:
    ram = at_title.ram
    assert [ram[address] for address in (PLAYERS, LEVEL, SPEED, MUSIC, 0x725, 0x740)] == [1, 0, 1, 2, 3, 0]


def test_until_the_title_is_up_the_attract_flag_says_so() -> None:
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        flags = [machine.ram[0x741]]
        while flags[-1] == 0xFF and len(flags) < 60:
            machine.step()
            flags.append(machine.ram[0x741])
        assert set(flags[:-1]) == {0xFF}
        assert (machine.ram[MODE], machine.ram[0x741]) == (TITLE, 0)


def test_select_up_and_down_choose_the_number_of_players(at_title: Machine) -> None:
    seen = []
    for button in (SELECT, UP, DOWN, DOWN, UP):
        at_title.tap(button)
        seen.append(at_title.ram[PLAYERS])
    assert seen == [2, 1, 2, 2, 1]


def test_the_options_are_reached_by_taps_and_kept_within_their_bounds(at_title: Machine) -> None:
    at_title.tap(START)
    for button, taps in ((LEFT, 1), (RIGHT, 22), (LEFT, 3), (DOWN, 1), (RIGHT, 3), (DOWN, 2), (RIGHT, 4)):
        for _ in range(taps):
            at_title.tap(button)
    ram = at_title.ram
    assert [ram[address] for address in (MODE, ROW, LEVEL, SPEED, MUSIC)] == [OPTIONS, 2, 17, 2, 2]


def test_a_held_direction_repeats_every_seventh_frame(at_title: Machine) -> None:
    at_title.tap(START)
    levels = []
    for _ in range(22):
        at_title.step(RIGHT)
        levels.append(at_title.ram[LEVEL])
    assert levels == [1] * 7 + [2] * 7 + [3] * 7 + [4]


def test_two_buttons_at_once_are_no_tap(at_title: Machine) -> None:
    at_title.tap(START)
    at_title.tap(START | RIGHT)
    assert (at_title.ram[MODE], at_title.ram[LEVEL]) == (OPTIONS, 0)


def test_b_leads_back_to_the_title_and_start_to_the_game(at_title: Machine) -> None:
    at_title.tap(START)
    at_title.tap(B)
    assert at_title.ram[MODE] == TITLE
    at_title.tap(START)
    at_title.step(START)
    modes = [at_title.ram[MODE]]
    for _ in range(400):
        at_title.step()
        if at_title.ram[MODE] != modes[-1]:
            modes.append(at_title.ram[MODE])
    assert modes == [2, INIT, INTRO, PLAY]


def test_the_generator_steps_once_per_frame_on_the_options_screen_alone(at_title: Machine) -> None:
    at_title.step(frames=50)
    assert tuple(at_title.ram[0x17:0x19]) == (0x89, 0x88)
    at_title.tap(START)
    generator = Generator(*at_title.ram[0x17:0x19])
    for _ in range(40):
        at_title.step()
        generator.step()
        assert tuple(at_title.ram[0x17:0x19]) == (generator.a, generator.b)


def test_the_four_buttons_of_a_soft_reset_lead_to_the_title_with_the_options_kept(at_title: Machine) -> None:
    at_title.tap(START)
    at_title.tap(RIGHT)
    at_title.tap(START)
    at_title.wait_for({MODE: PLAY})
    at_title.step(A | B | SELECT | START)
    at_title.step(frames=6)
    assert (at_title.ram[MODE], at_title.ram[0x741], at_title.ram[LEVEL]) == (TITLE, 0, 1)


def test_the_frame_counter_counts_every_frame(at_title: Machine) -> None:
    at_title.tap(START)
    before = at_title.ram[0x43]
    at_title.tap(START)
    at_title.step(frames=94)
    assert at_title.ram[0x43] == (before + 100) % 256
