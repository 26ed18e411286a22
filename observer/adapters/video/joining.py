"""Clips put one behind another without being encoded again, and the pictures of a clip read back.

Owns the joints: pictures follow each other frame by frame, and sound in whole packets, which keeps it within half a packet
(11 ms) of its pictures. A clip that is to be joined should begin and end in silence.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from observer.adapters.video.clip import FILE_OPTIONS, Encoded, inspect
from observer.adapters.video.formats import FRAME_RATE, SAMPLE_RATE, Picture, telling
from observer.core.errors import RenderError

#: Samples of a packet of AAC; the first one of a clip holds none that are heard.
_PACKET_SAMPLES: Final = 1024

AnyPacket: TypeAlias = "Packet[Any]"


def pictures(clip: Path) -> Iterator[Picture]:
    """The pictures of a clip, one by one.

    Raises:
        RenderError: it cannot be read.
    """
    with telling(clip.name), av.open(str(clip)) as file:
        for frame in file.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def join(clips: Sequence[Path], path: Path) -> Encoded:
    """One clip of several, which all have sound and were encoded alike.

    Raises:
        RenderError: one cannot be read, or was encoded in another way; the sentence names it.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with telling(path.name):
            path.parent.mkdir(parents=True, exist_ok=True)
            with (
                av.open(str(clips[0])) as first,
                av.open(str(partial), "w", format="mp4", options=FILE_OPTIONS) as file,
            ):
                joint = _Joint.like(first, file)
                for clip in clips:
                    joint.append(clip)
            encoded = inspect(partial)
            if encoded.frames != joint.frames:
                raise RenderError(f"{path.name}: {joint.frames} frames went in and {encoded.frames} came out")
            partial.replace(path)
        return encoded
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class _Joint:
    """Where the next clip begins."""

    file: OutputContainer
    video: VideoStream
    sound: AudioStream
    #: what a decoder must know; it is in the file once, so it must be the same for all
    setup: tuple[bytes | None, bytes | None]
    frames: int = 0
    packets: int = 0

    @classmethod
    def like(cls, clip: InputContainer, file: OutputContainer) -> "_Joint":
        video, sound = clip.streams.video[0], clip.streams.audio[0]
        return cls(
            file=file,
            video=file.add_stream_from_template(video),
            sound=file.add_stream_from_template(sound),
            setup=_setup(clip),
        )

    def append(self, clip: Path) -> None:
        with av.open(str(clip)) as source:
            if _setup(source) != self.setup:
                raise RenderError(f"{clip.name}: it was encoded in another way than those before it; delete it")
            start, frames = self.frames, 0
            heard: list[AnyPacket] = []
            for packet in source.demux(source.streams.video[0], source.streams.audio[0]):
                if isinstance(packet.stream, AudioStream) and packet.size:
                    heard.append(packet)
                elif packet.size:
                    frames += 1
                    self._add_picture(packet, start)
            self.frames += frames
            self._add_sound(heard)

    def _add_picture(self, packet: AnyPacket, start: int) -> None:
        behind = round(start / FRAME_RATE / (packet.time_base or 1))
        packet.pts, packet.dts = (packet.pts or 0) + behind, (packet.dts or 0) + behind
        packet.stream = self.video
        self.file.mux(packet)

    def _add_sound(self, heard: Sequence[AnyPacket]) -> None:
        """As many packets as bring the sound nearest to the end of its pictures; the silent first one once only."""
        spare = 1 if self.packets else 0
        silent = 0 if spare else 1
        wanted = round(self.frames * SAMPLE_RATE / FRAME_RATE / _PACKET_SAMPLES) + 1 - self.packets
        for packet in heard[spare : spare + max(wanted, silent)]:
            packet.pts = packet.dts = (self.packets - 1) * _PACKET_SAMPLES
            packet.stream = self.sound
            self.packets += 1
            self.file.mux(packet)


def _setup(clip: InputContainer) -> tuple[bytes | None, bytes | None]:
    return clip.streams.video[0].codec_context.extradata, clip.streams.audio[0].codec_context.extradata
