"""A zip as SB3 and torch write it: whole, stored, each member once and in its own place.

Refuses everything else in one word and one sentence. A file that is still being written is often a valid zip
(zipfile finds the end record of the `policy.pth` inside), so the end record must be the last 22 bytes.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from observer.core.errors import CheckpointCorrupt, CheckpointIncomplete
from observer.sb3zip.limits import DEFAULT_LIMITS, Limits

LOCAL_HEADER = b"PK\x03\x04"
LOCAL_HEADER_BYTES = 30
END_RECORD = b"PK\x05\x06"
END_RECORD_BYTES = 22
ENCRYPTED_FLAG = 0x1
UTF8_FLAG = 0x800

#: The members of a checkpoint; whatever else there is was not put there by SB3.
CHECKPOINT_MEMBER = re.compile(r"data|_stable_baselines3_version|system_info\.txt|[A-Za-z0-9_.]+\.pth")
REQUIRED_MEMBERS = ("data", "policy.pth")

#: What zipfile raises about a directory that makes no sense.
DAMAGE = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A zip whose directory has been checked; members are checked as they are read."""

    #: What it is called in sentences: `checkpoint`, `policy.pth`.
    title: str
    blob: bytes
    members: Mapping[str, zipfile.ZipInfo]

    def read(self, name: str, *, limit: int) -> bytes:
        """The bytes of a member, its CRC checked.

        Raises:
            CheckpointError: member_too_big, crc.
        """
        info = self.members[name]
        if info.file_size > limit:
            raise CheckpointCorrupt(
                "member_too_big", f"{self.title}: {name!r} has {info.file_size} bytes, more than the limit of {limit}."
            )
        end = end_of_member(self.title, self.blob, info)
        stored = self.blob[end - info.compress_size : end]
        if zlib.crc32(stored) != info.CRC:
            raise CheckpointIncomplete(
                "crc", f"{self.title}: the bytes of {name!r} are not those that were written; is it still being copied?"
            )
        return stored


def check_archive(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Is this a whole SB3 checkpoint, and nothing worse? Looks at the zip alone, not into its members.

    Raises:
        CheckpointIncomplete: look again later (not_a_zip, incomplete, truncated, crc, damaged).
        CheckpointCorrupt: it will never do (compressed, overlap, not_sb3 and so on).
    """
    archive = open_checkpoint(blob, limits=limits)
    for name in archive.members:
        archive.read(name, limit=limits.member_bytes)


def open_checkpoint(blob: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Archive:
    """The archive of a checkpoint, its members named as SB3 names them."""
    archive = open_archive("checkpoint", blob, member_limit=limits.members)
    for name in archive.members:
        if not CHECKPOINT_MEMBER.fullmatch(name):
            raise CheckpointCorrupt("unexpected_member", f"checkpoint: SB3 writes no member {name!r}.")
    for name in REQUIRED_MEMBERS:
        if name not in archive.members:
            raise CheckpointCorrupt(
                "not_sb3",
                f"checkpoint: it has no member {name!r}: it is not what `model.save` writes "
                "(a replay buffer, VecNormalize or `policy.save` file?).",
            )
    return archive


def open_archive(title: str, blob: bytes, *, member_limit: int) -> Archive:
    """The directory of a zip, checked as far as that goes without reading the members."""
    check_both_ends(title, blob)
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as opened:
            infos, directory = opened.infolist(), opened.start_dir
    except DAMAGE as error:
        raise CheckpointIncomplete("damaged", f"{title}: the zip directory cannot be read ({error}).") from error
    if not infos or min(info.header_offset for info in infos) != 0:
        raise incomplete(title)
    if len(infos) > member_limit:
        raise CheckpointCorrupt("too_many_members", f"{title}: {len(infos)} members, the limit is {member_limit}.")
    for info in infos:
        check_member(title, info)
    members = {info.filename: info for info in infos}
    if len(members) != len(infos):
        raise CheckpointCorrupt("duplicate_member", f"{title}: two members have the same name.")
    check_places(title, blob, infos=infos, directory=directory)
    return Archive(title=title, blob=blob, members=members)


def check_both_ends(title: str, blob: bytes) -> None:
    """The first member begins the file and the end record ends it."""
    if not blob.startswith(LOCAL_HEADER):
        raise CheckpointIncomplete("not_a_zip", f"{title}: it does not begin as a zip does.")
    end = blob[-END_RECORD_BYTES:]
    if len(end) < END_RECORD_BYTES or not end.startswith(END_RECORD) or end[-2:] != b"\0\0":
        raise incomplete(title)


def incomplete(title: str) -> CheckpointIncomplete:
    """The refusal of a zip that another zip ends or that something follows."""
    return CheckpointIncomplete(
        "incomplete", f"{title}: its end is not the end of a zip: it is still being written, cut off, or padded."
    )


def check_member(title: str, info: zipfile.ZipInfo) -> None:
    """A member is stored as it is, which SB3 and torch do and which ends zip bombs."""
    if info.flag_bits & ENCRYPTED_FLAG:
        raise CheckpointCorrupt("encrypted", f"{title}: {info.filename!r} is encrypted; save it without.")
    if info.compress_type != zipfile.ZIP_STORED:
        raise CheckpointCorrupt(
            "compressed", f"{title}: {info.filename!r} is compressed; SB3 only stores: copy the file that it wrote."
        )
    if info.file_size != info.compress_size:
        raise CheckpointCorrupt(
            "size_lie", f"{title}: {info.filename!r} says {info.file_size} bytes and stores {info.compress_size}."
        )


def check_places(title: str, blob: bytes, *, infos: list[zipfile.ZipInfo], directory: int) -> None:
    """No member lies over another one or over the directory."""
    free = 0
    for info in sorted(infos, key=lambda member: member.header_offset):
        if info.header_offset < free:
            raise CheckpointCorrupt("overlap", f"{title}: {info.filename!r} lies over another member.")
        free = end_of_member(title, blob, info)
        if free > directory:
            raise CheckpointIncomplete("truncated", f"{title}: {info.filename!r} reaches past the end of the members.")


def end_of_member(title: str, blob: bytes, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member end, by its own header: the directory does not know how long that is."""
    start = info.header_offset + LOCAL_HEADER_BYTES
    header = blob[info.header_offset : start]
    if len(header) < LOCAL_HEADER_BYTES or not header.startswith(LOCAL_HEADER):
        raise CheckpointIncomplete("damaged", f"{title}: {info.filename!r} is not where the directory says.")
    flags, method, name_bytes, extra_bytes = struct.unpack("<2xHH16xHH", header[4:])
    name = info.orig_filename.encode("utf-8" if flags & UTF8_FLAG else "cp437", errors="replace")
    if (flags, method, blob[start : start + name_bytes]) != (info.flag_bits, info.compress_type, name):
        raise CheckpointIncomplete("damaged", f"{title}: {info.filename!r} begins otherwise than the directory says.")
    return start + int(name_bytes) + int(extra_bytes) + info.compress_size
