"""What a frame does, and what the pads say."""

import pytest
from models.arena import GRAVITY, REPEAT, Arena, X, Y, block
from models.fidelity import Fact
from models.machine import FRAME_COUNTER, MODE, PAUSE, Machine
from models.rules_model import DOWN, LEFT, RIGHT, SELECT, START, UP, A, B

TOPIC = "Frames and pads"
PRESSED_1, PRESSED_2, HELD_1, HELD_2, PRESSED, HELD = 0xF5, 0xF6, 0xF7, 0xF8, 0x5B, 0x5C
BUTTONS = {"A": A, "B": B, "Select": SELECT, "Up": UP, "Down": DOWN, "Left": LEFT, "Right": RIGHT}
DOCUMENTED = {
    "A": 0x80,
    "B": 0x40,
    "Select": 0x20,
    "Up": 0x08,
    "Down": 0x04,
    "Left": 0x02,
    "Right": 0x01,
    "Start": 0x10,
}


def test_the_frame_counter_goes_up_every_frame_and_wraps(arena: Arena, fact: Fact) -> None:
    arena.stage(values={FRAME_COUNTER: 254})
    fact(
        "$43 over four frames from 254",
        documented=[255, 0, 1, 2],
        measured=[ram[FRAME_COUNTER] for ram in arena.trace([0] * 4)],
    )


def test_the_frame_counter_goes_on_in_a_pause(arena: Arena, fact: Fact) -> None:
    arena.stage(values={FRAME_COUNTER: 9})
    ram = arena.trace([START, *[0] * 20])[-1]
    fact("$43 after 21 paused frames from 9", documented=(5, 30), measured=(ram[PAUSE], ram[FRAME_COUNTER]))


def test_every_button_has_its_bit_on_both_pads(arena: Arena, fact: Fact) -> None:
    arena.stage()
    bits = BUTTONS | {"Start": START}
    one = {name: arena.machine.trace([bit, 0])[0][HELD_1] for name, bit in bits.items() if name != "Start"}
    two = {name: arena.machine.trace([], [bit, 0])[0][HELD_2] for name, bit in bits.items() if name != "Start"}
    one["Start"] = arena.machine.trace([START, 0])[0][HELD_1]
    two["Start"] = arena.machine.trace([], [START, 0])[0][HELD_2]
    fact("Bits of pad 1's buttons in $F7", documented=DOCUMENTED, measured=one)
    fact("Bits of pad 2's buttons in $F8", documented=DOCUMENTED, measured=two)


def test_an_input_acts_in_its_own_frame(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 3})
    fact("Column after one frame of Left from 3", documented=2, measured=block(arena.trace([LEFT])[-1], X))


def test_pressed_is_the_edge_and_held_the_level(arena: Arena, fact: Fact) -> None:
    arena.stage()
    rams = arena.machine.trace([LEFT, LEFT, 0, LEFT], [A, A | B, B, 0])
    fact("$F5 for Left, Left, none, Left", documented=[2, 0, 0, 2], measured=[ram[PRESSED_1] for ram in rams])
    fact("$F7 for the same", documented=[2, 2, 0, 2], measured=[ram[HELD_1] for ram in rams])
    fact("$F6 for A, A+B, B, none on pad 2", documented=[0x80, 0x40, 0, 0], measured=[ram[PRESSED_2] for ram in rams])


def test_the_player_at_work_has_its_pad_copied(arena: Arena, fact: Fact) -> None:
    arena.stage()
    rams = arena.trace([LEFT, LEFT | A])
    copied = [(ram[PRESSED], ram[HELD]) for ram in rams]
    fact("$5B, $5C for Left, then Left+A, one player", documented=[(2, 2), (0x80, 0x82)], measured=copied)


def test_what_is_written_to_the_pad_bytes_between_frames_is_overwritten(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 3, REPEAT: 0, GRAVITY: 0}, values={PRESSED_1: LEFT | A, HELD_1: 0})
    ram = arena.trace([0])[-1]
    fact(
        "Column, rotation, $F5 after Left+A written to $F5",
        documented=(3, 0, 0),
        measured=(block(ram, X), block(ram, 0x25), ram[PRESSED_1]),
    )


def test_a_held_direction_without_a_press_waits_for_the_repeat(arena: Arena, fact: Fact) -> None:
    arena.stage(block={X: 0, REPEAT: 0, Y: 14}, values={HELD_1: RIGHT})
    columns = [block(ram, X) for ram in arena.trace([RIGHT] * 17)]
    fact("Column over 17 frames of Right that was held before", documented=[0] * 15 + [1, 1], measured=columns)


def test_the_player_at_work_is_the_first(arena: Arena, fact: Fact) -> None:
    arena.stage()
    fact("$58 between frames, one player", documented=4, measured=arena.trace([0])[-1][0x58])


def test_the_main_program_waits_for_the_next_frame(arena: Arena, fact: Fact) -> None:
    arena.stage()
    fact("$33 between frames of play", documented=[0], measured=sorted({ram[0x33] for ram in arena.trace([0] * 90)}))


@pytest.mark.parametrize("scene", ["play", "pause", "options"])
def test_the_four_buttons_reset_softly(machine: Machine, arena: Arena, fact: Fact, scene: str) -> None:
    arena.stage()
    if scene != "play":
        arena.trace([START, 0, 0])
    if scene == "options":
        machine.trace([SELECT | START | A | B, 0, 0, 0, 0, 0, 0, 0])
        machine.step(frames=40)
        machine.tap(START)
    before = machine.ram[MODE]
    seeds = machine.ram[0x17:0x19]
    machine.step(A | B | SELECT | START)
    machine.step(frames=8)
    fact(
        f"$46 before and after A+B+Select+Start in {scene}",
        documented=[1 if scene == "options" else 4, 0],
        measured=[before, machine.ram[MODE]],
    )
    fact(
        f"$17, $18 kept over it in {scene}",
        documented=True,
        measured=scene == "options" or machine.ram[0x17:0x19] == seeds,
    )


def test_three_of_the_four_buttons_do_not_reset(arena: Arena, fact: Fact) -> None:
    arena.stage()
    arena.trace([A | B | SELECT, 0, A | B | SELECT | START | UP, 0])
    fact("$46 after A+B+Select, and all four with Up", documented=4, measured=arena.machine.ram[MODE])
