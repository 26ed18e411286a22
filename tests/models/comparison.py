"""What a cartridge's RAM must hold between two frames, by the model.

Owns which addresses are compared, and when: a field that holds a text box, and a block that nobody plays, are not.
"""

from models.machine import BLOCK, FIELD, FRAME_COUNTER, MODE, PAUSE, Machine, bcd
from models.match_model import INTRO, PLAY, Match
from models.rules_model import Round

BLOCKS, FIELDS = (0x300, 0x380), (0x400, 0x500)
TALLIES, SCORE, QUEUE, WINS, TO_PLACE = 0x72, 0x729, 0x780, 0x1E, 0x28
WINNER, LOSER, PLAYERS, PAUSE_ALLOWED, THROW_STEP = 0x55, 0x61, 0x727, 0x54, 0x7D
PRESSED, HELD, FIELD_VIRUSES = 0xF5, 0xF7, 0x24

Differences = dict[str, tuple[int, int]]


def block_ram(model: Round) -> dict[int, int]:
    """A player's block, by offset."""
    return {
        0x00: model.redraw & 255,
        0x01: model.colours[0],
        0x02: model.colours[1],
        0x05: model.x,
        0x06: model.y,
        0x07: model.step,
        0x09: model.lost,
        0x0A: model.speedups,
        0x0B: model.speed,
        0x0F: model.matches,
        0x10: bcd(model.capsules),
        0x11: model.capsules // 100,
        0x12: model.gravity,
        0x13: model.repeat,
        0x14: model.matched,
        0x16: model.level,
        0x17: model.action,
        0x18: model.attack,
        0x1A: model.next_colours[0],
        0x1B: model.next_colours[1],
        0x20: model.speedups_used,
        0x21: model.cells,
        0x23: 2,
        0x24: bcd(model.viruses),
        0x25: model.rotation,
        0x26: 2,
        0x27: model.queue_index,
        0x29: model.match_colours[0],
        0x2A: model.match_colours[1],
        0x2B: model.match_colours[2],
        0x2C: model.match_colours[3],
        0x2D: model.kills,
    }


def expected_ram(model: Round) -> dict[int, int]:
    """A player alone, besides the field."""
    counters = {FRAME_COUNTER: model.frame_counter, PAUSE: 5 * model.paused, 0xF5: model.pressed, 0xF7: model.held}
    blocks = {BLOCK + offset: value for offset, value in block_ram(model).items()}
    return blocks | counters | score_ram(model.score)


def score_ram(score: int) -> dict[int, int]:
    """Its digits."""
    return {SCORE + i: score // 10 ** (i + 1) % 10 for i in range(6)}


def differences(ram: bytes, model: Round) -> Differences:
    """Address -> (the cartridge's byte, the model's), where they differ."""
    return _differing(ram, expected_ram(model)) | _differing_field(ram, FIELD, model.board)


def match_differences(ram: bytes, match: Match) -> Differences:
    """The same for a match, in whatever mode it is."""
    found = _differing(ram, _globals(match))
    for i, player in enumerate(match.players):
        if match.mode in {PLAY, INTRO} and not (match.mode == PLAY and match.decided and match.waited):
            found |= _differing_field(ram, FIELDS[i], player.board)
            found |= _differing(ram, _player(match, i))
    return found


def _globals(match: Match) -> dict[int, int]:
    values = {MODE: match.mode, FRAME_COUNTER: match.frame_counter, PAUSE: 5 * match.paused}
    values |= {0x17: match.generator.a, 0x18: match.generator.b}
    values |= {BLOCKS[i] + WINS: match.wins[i] for i in range(len(match.levels))}
    if match.mode in {PLAY, INTRO}:
        values |= {PRESSED + i: match.pressed[i] for i in range(2)} | {HELD + i: match.held[i] for i in range(2)}
        values |= {WINNER: match.winner, LOSER: match.loser, PAUSE_ALLOWED: 255 * match.may_pause}
        values |= {PLAYERS: len(match.levels)}
    return values | score_ram(match.score) if len(match.levels) == 1 else values


def _player(match: Match, i: int) -> dict[int, int]:
    if match.mode == INTRO:
        return {BLOCKS[i] + FIELD_VIRUSES: bcd(match.players[i].viruses), BLOCKS[i] + TO_PLACE: match.to_place[i]}
    values = {BLOCKS[i] + offset: value for offset, value in block_ram(match.players[i]).items()}
    if len(match.levels) == 1:
        kinds = [sum(cell == 0xD0 | colour for cell in match.players[0].board) for colour in range(3)]
        values |= {TALLIES + colour: count for colour, count in enumerate(kinds)}
        values[THROW_STEP] = match.players[0].throw_step
    return values


def _differing(ram: bytes, expected: dict[int, int]) -> Differences:
    return {f"{address:#06x}": (ram[address], value) for address, value in expected.items() if ram[address] != value}


def _differing_field(ram: bytes, start: int, board: bytearray) -> Differences:
    if ram[start : start + 128] == board:
        return {}
    return _differing(ram, {start + i: cell for i, cell in enumerate(board)})


def play(machine: Machine, model: Round, held: int) -> None:
    """One frame on both sides, which must then agree."""
    machine.step(held)
    model.frame(held)
    found = differences(machine.ram, model)
    assert not found, f"frame {model.frame_counter}, level {model.level}, speed {model.speed}: {found}"


def play_match(machine: Machine, match: Match, held: int, other: int = 0) -> None:
    """One frame of a match on both sides."""
    machine.step(held, other)
    match.frame(held, other)
    found = match_differences(machine.ram, match)
    assert not found, f"mode {match.mode}, frame {match.frame_counter}, levels {match.levels}: {found}"
