"""Which games of an evaluation are worth seeing, and which ten seconds of them.

Pure: the same games and reasons give the same highlights, in whatever order the games come. A reason that no game
fits has no highlight: nothing is shown as a close call that was none.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from env.game import FRAMES_PER_SECOND
from env.moments import Moments
from observer.core.models import Episode, GameReason, Highlight, MomentReason, Outcome, Reason

#: One match is no combo.
COMBO_MATCHES: Final = 2
#: Of 16: with so many the stack leaves four rows at most between it and the end of the game.
CLOSE_ROWS: Final = 12
#: Games of one checkpoint shown as flips.
MOST_FLIPS: Final = 2
#: Of ten seconds around a moment; what leads to it takes longer to see than what comes of it.
BEFORE_FRAMES: Final = round(6 * FRAMES_PER_SECOND)
AFTER_FRAMES: Final = round(4 * FRAMES_PER_SECOND)
#: Of a game that ends within them; a clip goes on for a second after the game's end.
ENDING_FRAMES: Final = round(9 * FRAMES_PER_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the plan's games came to at the checkpoints of lower steps that are evaluated."""

    #: whether any of them cleared any game
    has_cleared: bool = False
    #: seeds that the last of them did not win; empty: there is none
    not_won: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Games:
    """The games of one evaluation, as the rules look at them."""

    #: best first
    ranked: tuple[Episode, ...]
    #: seed -> what its replay tells
    moments: Mapping[int, Moments] = field(default_factory=dict)
    past: Past = Past()

    @property
    def won(self) -> tuple[Episode, ...]:
        return tuple(game for game in self.ranked if game.outcome is Outcome.WIN)

    def of(self, game: Episode) -> Moments:
        return self.moments.get(game.seed, Moments())


#: The games that fit a reason, the one that fits it most first.
Rule = Callable[[Games], Iterable[Episode]]
#: A game, and the frame in it that is meant; None: nothing fits.
MomentRule = Callable[[Games], tuple[Episode, int | None] | None]


def ranked(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """The games from best to worst, in a total order.

    A win is better than anything else, and a win in fewer frames is better. Other games (lost, drawn, timed out)
    count by viruses cleared, then reward. Equal games are ordered by seed, so that the order is one of games alone.
    """
    return tuple(sorted(episodes, key=_rank))


def _rank(episode: Episode) -> tuple[bool, int, int, float, int]:
    won = episode.outcome is Outcome.WIN
    return not won, episode.frames if won else 0, -episode.viruses_cleared, -episode.total_reward, episode.seed


def best(games: Games) -> Iterable[Episode]:
    return games.ranked


def worst(games: Games) -> Iterable[Episode]:
    return reversed(games.ranked)


def median(games: Games) -> Iterable[Episode]:
    """From the middle outwards; of two middle games the better one."""
    middle = (len(games.ranked) - 1) / 2
    order = sorted(range(len(games.ranked)), key=lambda index: (abs(index - middle), index))
    return (games.ranked[index] for index in order)


def first_clear(games: Games) -> Iterable[Episode]:
    """The first game, in the order of the plan, that any checkpoint of the run cleared."""
    if games.past.has_cleared:
        return ()
    return sorted(games.won, key=lambda game: game.index)[:1]


def biggest_combo(games: Games) -> Iterable[Episode]:
    """The game in which one capsule made the most matches, of equal ones the better game."""
    combos = [game for game in games.ranked if game.max_combo >= COMBO_MATCHES]
    return sorted(combos, key=lambda game: -game.max_combo)[:1]


def closest_call(games: Games) -> Iterable[Episode]:
    """The won game whose stack once stood highest below the opening, of equal ones the longer game."""
    close = [game for game in games.won if games.of(game).highest_stack >= CLOSE_ROWS]
    return sorted(close, key=lambda game: (-games.of(game).highest_stack, -game.frames))[:1]


def flips(games: Games) -> Iterable[Episode]:
    """Games that the checkpoint before did not win and this one did, the best first."""
    return (game for game in games.won if game.seed in games.past.not_won)


def combo(games: Games) -> tuple[Episode, int | None] | None:
    return next(((game, games.of(game).combo_frame) for game in biggest_combo(games)), None)


def last_virus(games: Games) -> tuple[Episode, int | None] | None:
    """Of the game that took longest to win."""
    won = games.won
    return (won[-1], games.of(won[-1]).last_virus_frame) if won else None


def top_out(games: Games) -> tuple[Episode, int | None] | None:
    """Of the topped-out game that came furthest: the most viruses cleared, then the better game."""
    lost = (game for game in games.ranked if game.topped_out)
    return next(((game, games.of(game).top_out_frame) for game in lost), None)


#: In the order in which they take their games: where games are few, the ends matter more than the middle.
RULES: Final[Mapping[GameReason, Rule]] = {
    "best": best,
    "worst": worst,
    "median": median,
    "biggest_combo": biggest_combo,
    "closest_call": closest_call,
    "flips": flips,
}
#: Once in a run, so it may show a game that another reason shows too.
FIRST_CLEAR: Final[GameReason] = "first_clear"
MOMENTS: Final[Mapping[MomentReason, MomentRule]] = {"combo": combo, "last_virus": last_virus, "top_out": top_out}


def choose(
    episodes: Sequence[Episode],
    reasons: Sequence[str],
    *,
    moments: Mapping[int, Moments] | None = None,
    past: Past | None = None,
) -> tuple[Highlight, ...]:
    """What is to be filmed, in the order of `reasons`; a reason asked for twice counts once.

    A whole game is shown for one reason only: the next game that fits is taken for the other, or none where only one
    can fit. One game alone is the `best` one if that is asked for; two are `best` and `worst`.

    Args:
        episodes: all games of the evaluation.
        reasons: words of `Reason`.
        moments: seed -> what its replay tells; without them there are no close calls and no parts of games.
        past: the same games at earlier checkpoints; left out: there were none.

    Raises:
        ValueError: a reason is not known.
    """
    known = get_args(Reason)
    unknown = sorted(set(reasons) - set(known))
    if unknown:
        raise ValueError(f"clips for {', '.join(unknown)}: not known; choose from {', '.join(known)}")
    games = Games(ranked=ranked(episodes), moments=moments or {}, past=past or Past())
    whole = _assign(games, reasons)
    made = (_of(reason, games, whole) for reason in dict.fromkeys(reasons))
    return tuple(highlight for highlights in made for highlight in highlights)


def _assign(games: Games, reasons: Collection[str]) -> dict[str, list[int]]:
    """Reason -> the seeds of its whole games."""
    chosen: dict[str, list[int]] = {}
    shown: set[int] = set()
    for reason, rule in RULES.items():
        if reason in reasons:
            free = [game.seed for game in rule(games) if game.seed not in shown]
            chosen[reason] = free[: MOST_FLIPS if reason == "flips" else 1]
            shown.update(chosen[reason])
    if FIRST_CLEAR in reasons:
        chosen[FIRST_CLEAR] = [game.seed for game in first_clear(games)]
    return chosen


def _of(reason: str, games: Games, whole: Mapping[str, Sequence[int]]) -> Iterable[Highlight]:
    rule = {str(name): rule for name, rule in MOMENTS.items()}.get(reason)
    if rule is None:
        return (Highlight(seed=seed, reason=reason) for seed in whole[reason])
    game, frame = rule(games) or (None, None)
    return () if game is None or frame is None else (around(game.seed, frame, reason=reason, end=game.frames),)


def around(seed: int, frame: int, *, reason: str, end: int) -> Highlight:
    """The ten seconds around a moment, or the last ones of a game that ends within them.

    Args:
        seed: of the game.
        frame: the moment, in the game's replay.
        reason: a word of `MOMENTS`.
        end: frames of play; a match is longer by its waits, so that its moments may lie beyond.
    """
    if frame <= end <= frame + AFTER_FRAMES:
        return Highlight(seed=seed, reason=reason, first_frame=max(0, end - ENDING_FRAMES))
    return Highlight(
        seed=seed, reason=reason, first_frame=max(0, frame - BEFORE_FRAMES), last_frame=frame + AFTER_FRAMES
    )
