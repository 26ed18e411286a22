"""The report's section about what training recorded of itself: how much, and clips from its beginning to its end."""

import shlex
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from observer.adapters.writers import figures
from observer.core.recorded import Film, Recorded

#: more are not shown; the folder has them all
MOST_SHOWN: Final = 12
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmView:
    video: str
    poster: str
    width: int
    height: int
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingView:
    said: str
    films: tuple[FilmView, ...]
    #: films that are not shown
    more: int
    problems: tuple[str, ...]
    #: films any game
    command: str


def training_view(recorded: Recorded, *, output: str) -> TrainingView | None:
    """None: nothing was recorded."""
    if not recorded.games and not recorded.problems:
        return None
    shown = _spread(recorded.films)
    games = "game" if recorded.games == 1 else "games"
    where = "environment" if recorded.environments == 1 else "environments"
    return TrainingView(
        said=f"{recorded.games:,} {games} of {recorded.environments} {where}, {recorded.size / _MEBIBYTE:.2f} MiB",
        films=tuple(_film(film) for film in shown),
        more=len(recorded.films) - len(shown),
        problems=recorded.problems,
        command=f"observer render {shlex.quote(f'{output}/training/NAME.segment')} --episode N",
    )


def _spread(films: tuple[Film, ...]) -> tuple[Film, ...]:
    """The first and the last, and evenly what lies between."""
    if len(films) <= MOST_SHOWN:
        return films
    return tuple(films[round(place * (len(films) - 1) / (MOST_SHOWN - 1))] for place in range(MOST_SHOWN))


def _film(film: Film) -> FilmView:
    return FilmView(
        video=f"../training/clips/{quote(film.clip.video)}",
        poster=f"../training/clips/{quote(film.clip.poster)}",
        width=film.clip.width,
        height=film.clip.height,
        title=f"step {film.timestep:,}",
        caption=f"{_place(film)}, seed {film.clip.highlight.seed}: {_ending(film)}, {film.clip.seconds:.0f} s",
    )


def _place(film: Film) -> str:
    """Segment and number as `observer render` asks for them; a game's count over all segments is another number."""
    segment, _, number = film.clip.highlight.reason.rpartition("-")
    return f"{segment} episode {number}"


def _ending(film: Film) -> str:
    viruses = "virus" if film.viruses_cleared == 1 else "viruses"
    outcome = figures.OUTCOMES.get(film.outcome)
    return ", ".join(filter(None, (outcome, f"{film.viruses_cleared} {viruses} cleared")))
