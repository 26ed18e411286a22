"""What training recorded of itself, as people see it: how much, clips of some of its games, and what could not be read."""

from dataclasses import dataclass
from typing import Final

from observer.core.models import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A clip of a game that training played."""

    #: its files' names are relative to `training/clips/`
    clip: Clip
    #: `<run>-<env>`
    environment: str
    #: games of that environment before it
    episode: int
    #: agent steps of the whole training at its end
    timestep: int
    outcome: str
    viruses_cleared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    games: int = 0
    environments: int = 0
    #: of its segments
    size: int = 0
    #: in the order of the training
    films: tuple[Film, ...] = ()
    #: a sentence each
    problems: tuple[str, ...] = ()


NOTHING_RECORDED: Final = Recorded()


def is_filmed(*, environment: int, episode: int, every: int) -> bool:
    """Whether a game is one of every so many; those of several environments are spread. `every` 0: none is."""
    return every > 0 and (episode + environment) % every == 0
