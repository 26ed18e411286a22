"""The training-run observer: it watches checkpoints, plays them, and keeps what came out."""

__version__ = "0.1.0"
