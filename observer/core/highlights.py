"""Which games of an evaluation are worth seeing.

Pure: the same games and reasons give the same highlights, in whatever order the games come. A rule ranks games by
how well they fit its reason; a game is shown once, so a reason for which no game is left has no highlight.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from observer.core.models import Episode, Highlight, Outcome, Reason

#: Games ranked best first -> the same games, the one that fits the reason most first.
Rule = Callable[[Sequence[Episode]], Iterable[Episode]]


def ranked(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """The games from best to worst, in a total order.

    A win is better than anything else, and a win in fewer frames is better. Other games (lost, drawn, timed out)
    count by viruses cleared, then reward. Equal games are ordered by seed, so that the order is one of games alone.
    """
    return tuple(sorted(episodes, key=_rank))


def _rank(episode: Episode) -> tuple[bool, int, int, float, int]:
    won = episode.outcome is Outcome.WIN
    return not won, episode.frames if won else 0, -episode.viruses_cleared, -episode.total_reward, episode.seed


def best(games: Sequence[Episode]) -> Iterable[Episode]:
    return games


def worst(games: Sequence[Episode]) -> Iterable[Episode]:
    return reversed(games)


def median(games: Sequence[Episode]) -> Iterable[Episode]:
    """From the middle outwards; of two middle games the better one."""
    middle = (len(games) - 1) / 2
    return (games[index] for index in sorted(range(len(games)), key=lambda index: (abs(index - middle), index)))


#: In the order in which they take their games: where games are few, the ends matter more than the middle.
RULES: Final[Mapping[Reason, Rule]] = {"best": best, "worst": worst, "median": median}


def choose(episodes: Sequence[Episode], reasons: Sequence[str]) -> tuple[Highlight, ...]:
    """One whole game for each reason, in the order of `reasons`; each game at most once.

    One game alone is the `best` one if that is asked for; two are `best` and `worst`.

    Raises:
        ValueError: a reason is not known.
    """
    unknown = sorted(set(reasons) - set(RULES))
    if unknown:
        raise ValueError(f"clips for {', '.join(unknown)}: not known; choose from {', '.join(RULES)}")
    chosen = _assign(ranked(episodes), reasons)
    return tuple(Highlight(seed=chosen[reason], reason=reason) for reason in dict.fromkeys(reasons) if reason in chosen)


def _assign(games: Sequence[Episode], reasons: Collection[str]) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for reason, rule in RULES.items():
        left = (game.seed for game in rule(games) if game.seed not in chosen.values())
        seed = next(left, None) if reason in reasons else None
        if seed is not None:
            chosen[reason] = seed
    return chosen
