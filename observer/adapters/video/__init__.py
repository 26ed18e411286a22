"""Replays as pictures with sound, and clips of them. The only part of the observer that knows FFmpeg."""

from observer.adapters.video.clip import ClipWriter, Encoded, inspect
from observer.adapters.video.film import Moment, film
from observer.adapters.video.formats import FRAME_RATE, PICTURE_HEIGHT, PICTURE_WIDTH, SAMPLE_RATE, Picture, Samples
from observer.adapters.video.joining import join, pictures
from observer.adapters.video.pictures import enlarged, shown_width, write_png

__all__ = [
    "FRAME_RATE",
    "PICTURE_HEIGHT",
    "PICTURE_WIDTH",
    "SAMPLE_RATE",
    "ClipWriter",
    "Encoded",
    "Moment",
    "Picture",
    "Samples",
    "enlarged",
    "film",
    "inspect",
    "join",
    "pictures",
    "shown_width",
    "write_png",
]
