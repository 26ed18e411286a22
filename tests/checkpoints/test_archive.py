import io
import struct
import warnings
import zipfile
from collections.abc import Callable

import pytest
from fakes.checkpoints import Written, members_of, with_member, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from observer.core.errors import CheckpointCorrupt, CheckpointError, CheckpointIncomplete, Verdict
from observer.sb3zip import Limits, check_archive, read_checkpoint, read_weights

#: Offsets in an entry of the central directory.
FLAGS, SIZES, FULL_SIZE, LOCAL_OFFSET = 8, 20, 24, 42


def refused(blob: bytes, *, limits: Limits | None = None) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        check_archive(blob, limits=limits or Limits())
    return caught.value


def entry_of(blob: bytes, name: str) -> int:
    """Where the central directory speaks of a member."""
    return blob.rindex(b"PK\x01\x02", 0, blob.rindex(name.encode()))


def patched(blob: bytes, name: str, offset: int, *, value: bytes) -> bytes:
    """The zip with some bytes of a member's directory entry replaced."""
    start = entry_of(blob, name) + offset
    return blob[:start] + value + blob[start + len(value) :]


def moved(blob: bytes, name: str) -> bytes:
    """The zip with a member said to begin one byte later than it does."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        place = archive.getinfo(name).header_offset
    return patched(blob, name, LOCAL_OFFSET, value=struct.pack("<L", place + 1))


def without(blob: bytes, name: str) -> bytes:
    return zipped({kept: content for kept, content in members_of(blob).items() if kept != name})


def doubled(blob: bytes) -> bytes:
    buffer = io.BytesIO(blob)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore", UserWarning)
        archive.writestr("data", "{}")
    return buffer.getvalue()


def test_a_checkpoint_that_sb3_wrote_is_whole(mlp: Written) -> None:
    check_archive(mlp.blob)


def test_no_beginning_of_a_checkpoint_passes_for_a_whole_one(mlp: Written) -> None:
    for cut in range(len(mlp.blob)):
        with pytest.raises(CheckpointIncomplete):
            check_archive(mlp.blob[:cut])


def test_no_beginning_that_ends_as_a_zip_does_passes_for_a_whole_one(written: Callable[[str], Written]) -> None:
    """Half of a checkpoint is often a zip to zipfile, which finds the one inside of it."""
    blob = written("masked columns").blob
    ends, start = [], blob.find(b"PK\x05\x06")
    while start >= 0:
        ends.append(start + 22)
        start = blob.find(b"PK\x05\x06", start + 1)
    assert len(ends) >= 4
    assert sum(zipfile.is_zipfile(io.BytesIO(blob[:end])) for end in ends) >= 4
    for end in ends[:-1]:
        for cut in range(end - 3, end + 4):
            with pytest.raises(CheckpointIncomplete):
                check_archive(blob[:cut])


@settings(max_examples=100)
@given(data=st.data())
def test_a_changed_byte_in_a_member_is_noticed(mlp: Written, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(mlp.blob)) as archive:
        directory = archive.start_dir
    place = data.draw(st.integers(0, directory - 1))
    change = data.draw(st.integers(1, 255))
    broken = bytearray(mlp.blob)
    broken[place] ^= change
    inside = members_or_nothing(bytes(broken))
    assert inside is None or inside == members_of(mlp.blob)


def members_or_nothing(blob: bytes) -> dict[str, bytes] | None:
    """What a reader that trusted `check_archive` would be given."""
    try:
        check_archive(blob)
    except CheckpointError:
        return None
    return members_of(blob)


@pytest.mark.parametrize(
    ("word", "spoil"),
    [
        ("not_a_zip", lambda _: b""),
        ("not_a_zip", lambda _: b"GIF89a"),
        ("not_a_zip", lambda blob: b"\0" * 4096 + blob),
        ("incomplete", lambda blob: blob[:-1]),
        ("incomplete", lambda blob: blob + b"\0" * 512),
        ("incomplete", lambda blob: blob + blob),
        ("crc", lambda blob: blob.replace(b'"num_timesteps"', b'"num_timestepz"')),
        ("damaged", lambda blob: moved(blob, "system_info.txt")),
        ("damaged", lambda blob: blob.replace(b"policy.pth", b"polizy.pth", 1)),
        ("truncated", lambda blob: patched(blob, "system_info.txt", SIZES, value=struct.pack("<LL", 1 << 30, 1 << 30))),
    ],
)
def test_what_may_still_be_being_written_waits(word: str, spoil: Callable[[bytes], bytes], mlp: Written) -> None:
    error = refused(spoil(mlp.blob))
    assert (error.word, error.verdict) == (word, Verdict.WAIT)


@pytest.mark.parametrize(
    ("word", "spoil"),
    [
        ("encrypted", lambda blob: patched(blob, "policy.pth", FLAGS, value=b"\x01\0")),
        ("compressed", lambda blob: zipped(members_of(blob), method=zipfile.ZIP_DEFLATED)),
        ("compressed", lambda blob: zipped(members_of(blob), method=zipfile.ZIP_BZIP2)),
        ("size_lie", lambda blob: patched(blob, "policy.pth", FULL_SIZE, value=struct.pack("<L", 5))),
        ("overlap", lambda blob: patched(blob, "policy.pth", LOCAL_OFFSET, value=b"\0\0\0\0")),
        ("unexpected_member", lambda blob: with_member(blob, "../../etc/cron.d/job", b"* * * * *")),
        ("unexpected_member", lambda blob: with_member(blob, "/absolute.pth", b"")),
        ("unexpected_member", lambda blob: with_member(blob, "payload.py", b"")),
        ("not_sb3", lambda blob: without(blob, "policy.pth")),
        ("not_sb3", lambda blob: without(blob, "data")),
        ("too_many_members", lambda blob: zipped({**members_of(blob), **{f"m{i}.pth": b"" for i in range(40)}})),
        ("duplicate_member", doubled),
    ],
)
def test_what_sb3_never_writes_is_parked(word: str, spoil: Callable[[bytes], bytes], mlp: Written) -> None:
    error = refused(spoil(mlp.blob))
    assert (error.word, error.verdict) == (word, Verdict.PARK)
    assert error.sentence.endswith((".", "?", "?)."))


def test_a_member_that_is_too_big_is_not_read(mlp: Written) -> None:
    limits = Limits(json_bytes=100)
    with pytest.raises(CheckpointCorrupt, match="member_too_big"):
        read_checkpoint(mlp.blob, limits=limits)
    assert refused(mlp.blob, limits=Limits(member_bytes=100)).word == "member_too_big"


def test_a_zip_of_zeros_is_no_bomb(mlp: Written) -> None:
    bomb = zipped({**members_of(mlp.blob), "policy.pth": bytes(50_000_000)}, method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1_000_000
    assert refused(bomb).word == "compressed"


@settings(max_examples=300)
@given(st.binary(max_size=400).map(lambda tail: b"PK\x03\x04" + tail) | st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_in_words(blob: bytes) -> None:
    for read in (check_archive, read_checkpoint, read_weights):
        with pytest.raises(CheckpointError):
            read(blob)


@settings(max_examples=300)
@given(data=st.data())
def test_arbitrary_damage_to_the_directory_is_refused_in_words_or_harmless(mlp: Written, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(mlp.blob)) as archive:
        directory = archive.start_dir
    broken = bytearray(mlp.blob)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(directory, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_archive(bytes(broken))
        read_checkpoint(bytes(broken))
    except CheckpointError as error:
        assert error.sentence  # noqa: PT017 - either outcome is right, only another exception is not
