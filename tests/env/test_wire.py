import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env.errors import ProtocolError
from env.wire import Command, Decoder, Message, Pad, batch, frames, login_size, message, parse_login, primed

_MESSAGES = st.one_of(
    st.just(Message(command=Command.FRAME)),
    st.builds(Message, command=st.just(Command.SETFPS.value), argument=st.integers(0, 2**32 - 1)),
    st.builds(
        lambda payload: Message(command=Command.LOADSTATE, argument=len(payload), payload=payload),
        st.binary(max_size=40),
    ),
)


def _sent_by_client(item: Message) -> bytes:
    if item.command == Command.FRAME:
        return b"\0"
    return struct.pack("<BI", item.command, item.argument) + item.payload


def _login(*, ports: bytes = b"\1\1\1\1\0") -> bytes:
    body = bytearray(112)
    body[:16] = bytes(range(16))
    body[33] = len(ports)
    body[48 : 48 + len(ports)] = ports
    return bytes(body)


@given(st.lists(_MESSAGES), st.lists(st.integers(1, 7)))
def test_messages_come_out_whole_however_the_bytes_arrive(items: list[Message], cuts: list[int]) -> None:
    stream = b"".join(map(_sent_by_client, items))
    decoder = Decoder()
    seen: list[Message] = []
    for cut in cuts:
        piece, stream = stream[:cut], stream[cut:]
        seen += decoder.feed(piece)
    seen += decoder.feed(stream)
    assert seen == items


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_an_unfinished_one_or_a_protocol_error(data: bytes) -> None:
    try:
        seen = Decoder().feed(data)
    except ProtocolError:
        return
    assert data.startswith(b"".join(map(_sent_by_client, seen)))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255))))
def test_a_frame_is_both_pads_two_empty_ports_and_no_command(pads: list[tuple[int, int]]) -> None:
    items = frames(bytes(byte for pair in pads for byte in pair))
    assert [items[i : i + 5] for i in range(0, len(items), 5)] == [bytes([a, b, 0, 0, 0]) for a, b in pads]


def test_half_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="two bytes a frame"):
        batch(b"\0\0\0")


def test_primed_batches_in_a_row_are_frames_and_idle_commands() -> None:
    sent = b"\0" + batch(bytes([Pad.A, 0])) + batch(bytes([Pad.START | Pad.UP, 0]))
    nop = bytes([0, 0, 0, 0, Command.NOP])
    assert sent == nop + b"\1\0\0\0\0" + nop + b"\x18\0\0\0\0" + b"\0"


def test_a_payload_is_announced_by_its_length() -> None:
    assert message(Command.LOADSTATE, payload=b"abc") == b"\3\0\0\0\x80abc"
    assert primed(message(Command.REQUEST_STATE)) == b"\0\0\0\x41" + b"\0\0\0\0\x81" + b"\0"


def test_the_login_says_which_cartridge_is_in() -> None:
    assert login_size(struct.pack("<I", 112)) == 112
    assert parse_login(_login()).rom_md5 == bytes(range(16)).hex()


@pytest.mark.parametrize("ports", [b"\1\2\1\1\0", b"\1", b"\1\1\1\1\1"])
def test_ports_that_are_not_game_pads_are_refused(ports: bytes) -> None:
    with pytest.raises(ProtocolError, match="two game pads"):
        parse_login(_login(ports=ports))


def test_a_login_of_impossible_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="impossible length 5"):
        login_size(struct.pack("<I", 5))
    with pytest.raises(ProtocolError, match="fewer"):
        parse_login(bytes(20))
