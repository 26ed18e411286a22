"""What the report says, as values for the template: headline, curves, table, games, clips.

Pure: a publication in, a page out. Text from outside stays text; the template escapes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, get_args
from urllib.parse import quote

from observer.adapters.writers import Publication, Published, charts, curves, figures
from observer.adapters.writers.gallery import gallery
from observer.adapters.writers.trainingpage import TrainingView, training_view
from observer.core.models import Clip, Digest, Outcome, Reason
from observer.core.reference import Reference
from observer.core.statistics import paired_difference
from observer.core.timelapse import TimelapseResult
from observer.core.trainingspeed import sentence

#: rows of the picture of all games; more checkpoints are thinned evenly, the first and the newest stay
_GAME_ROWS: Final = 60
_REASONS: Final = get_args(Reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipView:
    reason: str
    #: addresses relative to the page
    video: str
    poster: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A checkpoint in the table."""

    anchor: str
    step: str
    name: str
    digest: str
    folder: str
    finished: str
    games: int
    wins: int
    win_rate: str
    win_interval: str
    change: figures.Change | None
    viruses: str
    viruses_interval: str
    length: str
    lost: str
    #: empty where there is nobody to draw with
    drawn: str
    topped_out: str
    timed_out: str
    reward: str
    combo: str
    clips: tuple[ClipView, ...]
    #: that some were dropped, and how to have them again; empty: none was
    dropped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GameRow:
    """The same games at one checkpoint: one SVG path an outcome, a unit a game."""

    step: str
    won: str
    lost: str
    timed_out: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Checkpoints that played the same plan and can be compared."""

    anchor: str
    #: its name in folders, and in words
    scenario: str
    title: str
    #: newest first
    rows: tuple[Row, ...]
    since_first: figures.Change | None
    charts: tuple[charts.Chart, ...]
    games: int
    game_rows: tuple[GameRow, ...]
    #: the newest checkpoint that has clips
    showcase: Row | None
    plan: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]
    gallery: Mapping[str, object]

    @property
    def newest(self) -> Row:
        return self.rows[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedView:
    path: str
    word: str
    sentence: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    run: str
    #: the run's folder, for commands
    output: str
    as_of: str | None
    series: tuple[Series, ...]
    queue: tuple[tuple[str, int], ...]
    parked: tuple[ParkedView, ...]
    timelapse: TimelapseResult | None
    #: that this is the final report, and what the run came to; empty: training goes on
    ending: str
    clips_unavailable: str
    #: how fast training is beside us; empty: not measured
    training: str
    #: None: training recorded nothing
    recorded: TrainingView | None


def make_page(publication: Publication, *, run: str, output: str) -> Page:
    """The report's content: a series a plan, those of now before those of the past."""
    groups: dict[Digest, list[Published]] = {plan: [] for plan in publication.plans}
    for entry in publication.evaluations:
        groups[entry.evaluation.plan_digest].append(entry)
    newest = max((entry.evaluation.finished_at for entry in publication.evaluations), default=None)
    return Page(
        run=run,
        output=output,
        as_of=None if newest is None else figures.moment(newest),
        series=tuple(
            _series(entries, publication.references.get(plan, ())) for plan, entries in groups.items() if entries
        ),
        recorded=training_view(publication.recorded, output=output),
        queue=tuple(publication.queue.items()),
        parked=tuple(
            ParkedView(path=file.path, word=file.word, sentence=file.sentence, seen=figures.moment(file.seen_at))
            for file in reversed(publication.parked)
        ),
        timelapse=publication.timelapse,
        ending=_ending(publication, list(groups.values())),
        clips_unavailable=publication.clips_unavailable,
        training="" if publication.training is None else sentence(publication.training),
    )


def _ending(publication: Publication, groups: Sequence[Sequence[Published]]) -> str:
    if not publication.ended:
        return ""
    queue = publication.queue
    if not publication.is_final:
        return f"Training has ended: {publication.ended}. {queue['to play']} still to play."
    played = f"{queue['played']} played, {queue['skipped']} passed over, {len(publication.parked)} could not be used"
    return f"Final report. Training has ended: {publication.ended}. {played}.{_best(groups)}"


def _best(groups: Sequence[Sequence[Published]]) -> str:
    """The best and the last checkpoint of the newest series, where there is one."""
    if not groups:
        return ""
    best = max(groups[0], key=lambda entry: (entry.summary.win_rate.value, -entry.evaluation.checkpoint.step))
    last = max(groups[0], key=lambda entry: entry.evaluation.checkpoint.step)
    return f" The best: {_said(best)}; the last: {_said(last)}."


def _said(entry: Published) -> str:
    step, rate = entry.evaluation.checkpoint.step, entry.summary.win_rate.value
    return f"step {figures.long_steps(step)} won {figures.percent(rate)}"


def _series(found: Sequence[Published], references: Sequence[Reference]) -> Series:
    entries = sorted(found, key=lambda e: (e.evaluation.checkpoint.step, e.evaluation.finished_at))
    first, newest = entries[0], entries[-1]
    earlier = [None, *entries[:-1]]
    rows = tuple(_row(entry, before) for entry, before in zip(entries, earlier, strict=True))[::-1]
    return Series(
        anchor=f"plan-{newest.evaluation.plan_digest[:8]}",
        scenario=newest.evaluation.scenario,
        title=figures.plan_title(newest.plan),
        rows=rows,
        since_first=_change(first, newest) if len(entries) > 2 else None,  # noqa: PLR2004 -- else first is previous
        charts=curves.of(entries, references),
        games=len(newest.outcomes),
        game_rows=_game_rows(entries),
        showcase=next((row for row in rows if row.clips), None),
        plan=_plan(newest),
        provenance=_provenance(newest),
        gallery=gallery(entries),
    )


def _change(earlier: Published, later: Published) -> figures.Change:
    return figures.change(paired_difference(earlier.won, later.won), since=earlier.evaluation.checkpoint.step)


def _row(entry: Published, before: Published | None) -> Row:
    evaluation, summary = entry.evaluation, entry.summary
    checkpoint = evaluation.checkpoint
    return Row(
        anchor=f"checkpoint-{checkpoint.digest[:8]}-{evaluation.plan_digest[:8]}",
        step=figures.long_steps(checkpoint.step),
        name=checkpoint.name,
        digest=checkpoint.digest[:8],
        folder=_address(evaluation.directory) + "/",
        finished=figures.moment(evaluation.finished_at),
        games=summary.episodes,
        wins=summary.wins,
        win_rate=figures.percent(summary.win_rate.value),
        win_interval=figures.percent_interval(summary.win_rate),
        change=None if before is None else _change(before, entry),
        viruses=figures.number(summary.viruses_cleared.value),
        viruses_interval=figures.interval(summary.viruses_cleared),
        length=figures.number(summary.episode_length.value),
        lost=figures.percent(summary.losses / summary.episodes),
        drawn=figures.percent(summary.draws / summary.episodes) if entry.plan.scenario.has_rival else "",
        topped_out=figures.percent(summary.topped_out / summary.episodes),
        timed_out=figures.percent(summary.timeouts / summary.episodes),
        reward=figures.number(summary.total_reward.value),
        combo=figures.number(summary.max_combo.value),
        clips=_clips(entry),
        dropped=figures.dropped(entry.evaluation),
    )


def _address(path: PurePosixPath) -> str:
    return "../" + quote(str(path))


def _clips(entry: Published) -> tuple[ClipView, ...]:
    by_reason = {clip.highlight.reason: clip for clip in entry.evaluation.clips}
    order = [*_REASONS, *sorted(set(by_reason) - set(_REASONS))]
    return tuple(_clip(entry, by_reason[reason]) for reason in order if reason in by_reason)


def _clip(entry: Published, clip: Clip) -> ClipView:
    seed, folder = clip.highlight.seed, entry.evaluation.directory / "clips"
    outcome = dict(zip(entry.plan.seeds, entry.outcomes, strict=True)).get(seed)
    ending = f", {figures.OUTCOMES[outcome]}" if outcome else ""
    return ClipView(
        reason=clip.highlight.reason,
        video=_address(folder / clip.video),
        poster=_address(folder / clip.poster),
        caption=f"seed {seed}{ending}, {figures.minutes(clip.seconds)}",
        width=clip.width,
        height=clip.height,
    )


def _game_rows(entries: Sequence[Published]) -> tuple[GameRow, ...]:
    """The picture of all games, newest checkpoint on top, the games most often won on the left."""
    wins = [sum(outcomes[i] is Outcome.WIN for outcomes in (e.outcomes for e in entries)) for i in _places(entries)]
    order = sorted(_places(entries), key=lambda place: -wins[place])
    return tuple(_game_row(entry, order) for entry in reversed(_thinned(entries)))


def _places(entries: Sequence[Published]) -> range:
    return range(len(entries[0].outcomes))


def _thinned(entries: Sequence[Published]) -> Sequence[Published]:
    if len(entries) <= _GAME_ROWS:
        return entries
    last = len(entries) - 1
    return [entries[round(number * last / (_GAME_ROWS - 1))] for number in range(_GAME_ROWS)]


def _game_row(entry: Published, order: Sequence[int]) -> GameRow:
    places: dict[Outcome, list[int]] = {outcome: [] for outcome in Outcome}
    for column, place in enumerate(order):
        places[entry.outcomes[place]].append(column)
    step = figures.long_steps(entry.evaluation.checkpoint.step)
    summary = entry.summary
    return GameRow(
        step=step,
        won=_cells(places[Outcome.WIN]),
        lost=_cells(sorted(places[Outcome.LOSS] + places[Outcome.DRAW])),
        timed_out=_cells(places[Outcome.TIMEOUT]),
        title=f"step {step}: {summary.wins} won, {summary.losses + summary.draws} not won, {summary.timeouts} timed out",
    )


def _cells(columns: Sequence[int]) -> str:
    return "".join(f"M{column} 0h.86v1h-.86z" for column in columns)


def _plan(entry: Published) -> tuple[tuple[str, str], ...]:
    plan, environment = entry.plan, entry.plan.environment
    return (
        ("plan", entry.evaluation.plan_digest),
        ("games", f"{len(plan.seeds)} seeds, {min(plan.seeds)} to {max(plan.seeds)}, the same for every checkpoint"),
        ("policy", plan.policy_mode),
        ("limits", _limits(entry)),
        ("observation", environment.observation),
        ("actions", environment.actions),
        ("reward", environment.reward),
        ("frame skip", str(environment.frame_skip)),
        ("lanes", str(plan.lanes)),
        ("opponent sha256", plan.opponent_sha256 or "none"),
    )


def _limits(entry: Published) -> str:
    capsules = entry.plan.capsule_limit
    return f"{entry.plan.frame_limit:,} frames" + ("" if capsules is None else f", {capsules:,} capsules")


def _provenance(entry: Published) -> tuple[tuple[str, str], ...]:
    made = entry.provenance
    return (
        ("ROM", made.rom_name),
        ("ROM sha256", made.rom_sha256),
        *sorted(made.versions.items()),
        ("CPU capability", made.cpu_capability),
        ("machine", made.machine),
        ("worker", made.confinement),
    )
