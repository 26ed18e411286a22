"""The generator, and what it makes: capsules and viruses."""

from itertools import pairwise

import pytest
from models.arena import ATTACK, NEXT, QUEUE_INDEX, TO_PLACE, VIRUSES, Arena, action, block
from models.fidelity import Fact
from models.machine import FIELD, FRAME_COUNTER, INIT, MODE, PLAY, QUEUE, START, Machine
from models.rules_model import SPAWNED
from models.seeding_model import Generator, capsule_queue, virus_board

TOPIC = "Generator, capsules, viruses"
STATES = (0x8988, 0x0002, 0x5A3C, 0xFFFE)


def test_the_generator_starts_and_steps(at_title: Machine, fact: Fact) -> None:
    at_title.step(frames=50)
    fact(
        "$17, $18 after the power is switched on, on the title",
        documented="89 88",
        measured=at_title.ram[0x17:0x19].hex(" "),
    )
    at_title.tap(START)
    generator = Generator(*at_title.ram[0x17:0x19])
    states = [ram[0x17:0x19] for ram in at_title.trace([0] * 300)]
    expected = []
    for _ in range(300):
        generator.step()
        expected.append(bytes((generator.a, generator.b)))
    fact(
        "Options frames of 300 that step the generator once, as documented",
        documented=300,
        measured=sum(map(bytes.__eq__, states, expected)),
    )


def test_the_generator_rests_in_play(arena: Arena, fact: Fact) -> None:
    arena.stage()
    states = {ram[0x17:0x19] for ram in arena.trace([0] * 120)}
    fact("Generator states over 120 frames of play", documented=1, measured=len(states))


def test_the_orbit_has_its_length(fact: Fact) -> None:
    generator, steps = Generator(), 1
    generator.step()
    while (generator.a, generator.b) != (0x89, 0x88):
        generator.step()
        steps += 1
    fact(
        "Period of the generator's orbit (of the rules model, which the two tests above and below hold)",
        documented=32767,
        measured=steps,
    )


def test_the_queue_is_what_the_generator_makes(machine: Machine, fact: Fact) -> None:
    same = 0
    for state in STATES:
        machine.begin(0, 1, state=state)
        same += machine.ram[QUEUE : QUEUE + 128] == bytes(capsule_queue(Generator(*divmod(state, 256))))
    fact(
        f"Queues of {len(STATES)} states that follow the documented generator, 128 capsules each",
        documented=len(STATES),
        measured=same,
    )


def test_the_neighbour_state_gives_the_same_game(machine: Machine, fact: Fact) -> None:
    games = []
    for state in (0x5A3C, 0x5A3D):
        machine.begin(10, 1, state=state)
        ram = machine.ram
        games.append(ram[QUEUE : QUEUE + 128] + ram[FIELD : FIELD + 128])
    fact("Game of state $5A3D equals that of $5A3C", documented=True, measured=games[0] == games[1])


def test_the_first_capsule_is_slot_1_and_slot_0_comes_last(arena: Arena, machine: Machine, fact: Fact) -> None:
    machine.begin(0, 1, state=0x1234)
    ram = machine.ram
    first = ram[QUEUE + 1]
    index = ram[0x300 + QUEUE_INDEX]
    arena.until(action(SPAWNED))
    spawned = 3 * block(machine.ram, 1) + block(machine.ram, 2)
    fact("The first capsule is that of slot 1", documented=True, measured=spawned == first)
    fact(
        "Slot to load next, at the start and after the first throw",
        documented=[2, 3],
        measured=[index, block(machine.ram, QUEUE_INDEX)],
    )
    machine.poke({0x300 + QUEUE_INDEX: 127, QUEUE + 127: 5})
    arena.until(lambda now: block(now, 0x17) == 1, 4)
    arena.until(action(SPAWNED))
    following = (block(machine.ram, QUEUE_INDEX), block(machine.ram, NEXT), block(machine.ram, NEXT + 1))
    fact("After slot 127 (capsule 5): slot, next colours", documented=(0, 1, 2), measured=following)


@pytest.mark.parametrize("level", [0, 14, 15, 16, 17, 18, 19, 20, 21, 24])
def test_a_levels_viruses(machine: Machine, fact: Fact, level: int) -> None:
    total = 4 * (min(level, 20) + 1)
    top = 6 if level <= 14 else 5 if level <= 16 else 4 if level <= 18 else 3
    counts, highest, same = set(), 16, 0
    for state in STATES:
        machine.begin(level, 1, state=state)
        ram = machine.ram
        field = ram[FIELD : FIELD + 128]
        counts.add(sum(byte != 0xFF for byte in field))
        highest = min(highest, next(i for i, byte in enumerate(field) if byte != 0xFF) // 8)
        generator = Generator(*divmod(state, 256))
        capsule_queue(generator)
        same += field == virus_board(level, generator)
    fact(
        f"Level {level}: viruses; boards of {len(STATES)} that are the documented generator's",
        documented=([total], 4),
        measured=(sorted(counts), same),
    )
    fact(f"Level {level}: no virus above row", documented=top, measured=min(top, highest))


def intro(machine: Machine, level: int) -> list[bytes]:
    """From the first frame of the intro to the first of play."""
    machine.begin(level, 1, state=0x1234)
    machine.emulator.load_state(machine.level_data())
    machine.poke({0x17: 0x12, 0x18: 0x34, 0x316: level})
    rams = []
    while machine.ram[MODE] != PLAY:
        rams += machine.trace([0])
    return rams


def test_the_viruses_appear_one_a_frame(machine: Machine, fact: Fact) -> None:
    rams = intro(machine, 8)
    counts = [int(f"{ram[0x324]:x}") for ram in rams]
    steps = {after - before for before, after in pairwise(counts)}
    fact("Steps of the virus count in the intro of level 8", documented=[0, 1], measured=sorted(steps))
    fact(
        "Virus count and viruses to place at the end",
        documented=(36, 0),
        measured=(counts[-1], rams[-1][0x300 + TO_PLACE]),
    )
    last = counts.index(36)
    fact("Frames from the last virus to play", documented=128, measured=len(rams) - 1 - last)


def test_modes_of_a_start(machine: Machine, fact: Fact) -> None:
    modes = [INIT, *[ram[MODE] for ram in intro(machine, 0)]]
    fact("$46 from the level's data on", documented=[3, 8, 4], measured=list(dict.fromkeys(modes)))


def test_no_virus_repeats_a_colour_two_cells_away(machine: Machine, fact: Fact) -> None:
    repeated = 0
    for state in STATES:
        machine.begin(20, 1, state=state)
        field = machine.ram[FIELD : FIELD + 128]
        across = [(i, i + 2) for i in range(126) if i % 8 < 6]
        down = [(i, i + 16) for i in range(112)]
        repeated += sum(field[i] != 0xFF and field[i] == field[j] for i, j in across + down)
    fact("Viruses of a colour exactly two cells apart, four boards of level 20", documented=0, measured=repeated)


def test_the_second_block_is_stale_in_a_game_of_one(arena: Arena, machine: Machine, fact: Fact) -> None:
    machine.begin(3, 1, state=0x1234)
    arena.until(action(SPAWNED))
    machine.poke({0x324: 0x07})
    machine.step(frames=20)
    fact(
        "$03A4 while $0324 is 7, level 3 (16 viruses)",
        documented="$16",
        measured=f"${machine.ram[0x380 + VIRUSES]:02X}",
    )


def test_the_working_copy_is_the_players_block(arena: Arena, fact: Fact) -> None:
    arena.stage()
    same = sum(ram[0x81:0xB0] == ram[0x301:0x330] for ram in arena.trace([0] * 60))
    assert ATTACK
    fact("Frames of 60 in which $81-$AF equal $0301-$032F", documented=60, measured=same)
    fact("$43 moved on by", documented=60, measured=arena.machine.ram[FRAME_COUNTER])
