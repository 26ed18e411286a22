"""Title and options."""

from models.fidelity import Fact
from models.machine import CARTRIDGE, INIT, MODE, OPTIONS, PLAY, TITLE, Machine
from models.rules_model import DOWN, LEFT, RIGHT, SELECT, START, UP, A, B

from env.emulator import Emulator

TOPIC = "Menus"
PLAYERS, ROW, LEVEL, SPEED, MUSIC, ATTRACT, WINS_NEEDED = 0x727, 0x65, 0x316, 0x30B, 0x731, 0x741, 0x725


def taps(machine: Machine, *buttons: int) -> list[bytes]:
    """RAM after each tap."""
    rams = []
    for button in buttons:
        machine.tap(button)
        rams.append(machine.ram)
    return rams


def test_what_a_cold_boot_offers(at_title: Machine, fact: Fact) -> None:
    names = {
        "players": PLAYERS,
        "level": LEVEL,
        "speed": SPEED,
        "wins needed": WINS_NEEDED,
        "$0740": 0x740,
    }
    offered = {name: at_title.ram[address] for name, address in names.items()}
    documented = {"players": 1, "level": 0, "speed": 1, "wins needed": 3, "$0740": 0}
    fact("After the power is switched on", documented=documented, measured=offered)


def test_select_toggles_and_up_and_down_choose_the_players(at_title: Machine, fact: Fact) -> None:
    seen = [ram[PLAYERS] for ram in taps(at_title, DOWN, DOWN, UP, UP, SELECT)]
    fact("Players after Down, Down, Up, Up, Select", documented=[2, 2, 1, 1, 2], measured=seen)


def test_the_title_waits_for_nothing_but_start(at_title: Machine, fact: Fact) -> None:
    seen = [ram[MODE] for ram in taps(at_title, A, LEFT, RIGHT, START | A, START)]
    fact("$46 after A, Left, Right, Start+A, Start on the title", documented=[0, 0, 0, 0, 1], measured=seen)


def test_the_options_rows(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    rows = [at_title.ram[ROW], *[ram[ROW] for ram in taps(at_title, UP, DOWN, DOWN, DOWN, UP)]]
    fact("$65 at first, then after Up, Down, Down, Down, Up", documented=[0, 0, 1, 2, 2, 1], measured=rows)


def test_a_level_is_chosen_by_taps_within_its_bounds(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    levels = [ram[LEVEL] for ram in taps(at_title, LEFT, *[RIGHT] * 22, LEFT)]
    fact("Levels by Left, 22 times Right, Left", documented=[0, *range(1, 21), 20, 20, 19], measured=levels)


def test_a_held_direction_repeats_every_seventh_frame(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    levels = [ram[LEVEL] for ram in at_title.trace([RIGHT] * 22)]
    fact("Levels over 22 frames of Right", documented=[1] * 7 + [2] * 7 + [3] * 7 + [4], measured=levels)


def test_speed_and_music_have_three_values(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    at_title.tap(DOWN)
    speeds = [ram[SPEED] for ram in taps(at_title, LEFT, LEFT, RIGHT, RIGHT, RIGHT)]
    fact("Speeds by Left, Left, Right, Right, Right from 1", documented=[0, 0, 1, 2, 2], measured=speeds)
    at_title.tap(DOWN)
    music = [ram[MUSIC] for ram in taps(at_title, LEFT, LEFT, LEFT, RIGHT, RIGHT, RIGHT)]
    fact("Music by three times Left, three times Right", documented=[0, 1, 2, 2], measured=music[2:])


def test_menus_take_one_button_at_a_time(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    at_title.tap(START | RIGHT)
    fact(
        "$46, level after Start+Right on the options",
        documented=(OPTIONS, 0),
        measured=(at_title.ram[MODE], at_title.ram[LEVEL]),
    )


def test_b_leads_back(at_title: Machine, fact: Fact) -> None:
    seen = [ram[MODE] for ram in taps(at_title, START, B)]
    fact("$46 after Start, B", documented=[OPTIONS, TITLE], measured=seen)


def test_the_modes_from_the_options_to_play(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    modes = [ram[MODE] for ram in at_title.trace([START, *[0] * 400])]
    fact("$46 from Start on the options", documented=[2, INIT, 8, PLAY], measured=list(dict.fromkeys(modes))[-4:])


def test_the_machine_says_when_it_is_ready(at_title: Machine, fact: Fact) -> None:
    fact("$46, $0741 on the title", documented=(TITLE, 0), measured=(at_title.ram[MODE], at_title.ram[ATTRACT]))


def test_options_persist_over_a_soft_reset(at_title: Machine, fact: Fact) -> None:
    taps(at_title, START, *[RIGHT] * 7, DOWN, RIGHT, START)
    at_title.wait_for({MODE: PLAY})
    at_title.tap(A | B | SELECT | START)
    at_title.step(frames=20)
    after = (at_title.ram[LEVEL], at_title.ram[SPEED])
    fact("Level, speed after a soft reset from a game of 7, HI", documented=(7, 2), measured=after)


def test_until_the_title_is_up_the_flag_says_so(fact: Fact) -> None:
    with Emulator(CARTRIDGE) as emulator:
        machine = Machine(emulator)
        rams = machine.trace([0] * 40)
    flags = [f"${ram[ATTRACT]:02X}" for ram in rams]
    fact(
        "$0741 from the power's switching on to the title",
        documented=["$FF", "$00"],
        measured=list(dict.fromkeys(flags)),
    )


def test_what_is_off_in_the_menus(at_title: Machine, fact: Fact) -> None:
    at_title.step(frames=10)
    ram = at_title.ram
    fact("$0723, $0724 after the power is switched on", documented=(0, 0), measured=(ram[0x723], ram[0x724]))
    title = (ram[0x54], ram[0x5D])
    at_title.tap(START)
    options = (at_title.ram[0x54], at_title.ram[0x5D])
    fact("$54, $5D on the title and on the options", documented=[(0, 0), (0, 0)], measured=[title, options])


def test_the_generator_sticks_at_nothing(at_title: Machine, fact: Fact) -> None:
    at_title.tap(START)
    at_title.poke({0x17: 0, 0x18: 0})
    states = {ram[0x17:0x19].hex() for ram in at_title.trace([0] * 20)}
    fact("Generator states over 20 options frames from $0000", documented=["0000"], measured=sorted(states))
