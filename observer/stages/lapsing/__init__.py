"""The time-lapse of a run: the end of the same game at every checkpoint, one after another, and all games side by side.

Imported by the worker alone.
"""

from observer.stages.lapsing.making import lapse

__all__ = ["lapse"]
