"""The run's time-lapse: ordered anew whenever an evaluation has landed, and put into its place when it is made.

Only the newest order counts: what lands while one waits goes into that one. Films of checkpoints are kept and used again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from observer.adapters import evidence, jobfiles
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, Evaluation, JobKind, Outcome
from observer.core.plan import canonical_json
from observer.core.runjob import RunJob
from observer.core.statistics import wilson
from observer.core.timelapse import Sight, TimelapseRequest, TimelapseResult, telling_seed

log = structlog.get_logger()

SUBJECT: Final = "timelapse"
#: One checkpoint alone shows no change.
FEWEST: Final = 2

Played = Mapping[int, tuple[Outcome, Digest]]
"""Seed -> how its game ended, and the hash of its replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelapseSettings:
    rom: Path
    rom_sha256: Digest
    #: of each checkpoint; 0: no time-lapse is made
    seconds: float


class Timelapse:
    """One run's time-lapse."""

    def __init__(self, *, settings: TimelapseSettings, store: Store, layout: RunLayout, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._layout = layout
        self._clock = clock
        #: what was there when it was last ordered
        self._seen = 0

    def refresh(self) -> None:
        """Order it where an evaluation has landed since the last time; cheap where none has."""
        count = self._store.totals.evaluations()
        if count == self._seen or not self._settings.seconds:
            return
        shown = shown_evaluations(self._store)
        if len(shown) >= FEWEST:
            order = {"seconds": self._settings.seconds, "evaluations": [evaluation.id for evaluation in shown]}
            step = max(evaluation.checkpoint.step for evaluation in shown)
            self._store.of_run.want(JobKind.TIMELAPSE, SUBJECT, canonical_json(order), now=self._clock.now(), step=step)
        self._seen = count

    def request(self, job: RunJob) -> TimelapseRequest:
        """See `RunWork.request`; of what is there now, which may be more than what was ordered."""
        del job
        return timelapse_request(self._store, self._layout, self._settings)

    def commit(self, job: RunJob, files: JobFiles) -> None:
        """See `RunWork.commit`."""
        result = jobfiles.read(TimelapseResult, files.result)
        evidence.place_timelapse(files, self._layout, result)
        problem = "; ".join(f"step {step}: {sentence}" for step, sentence in result.problems.items()) or None
        self._store.of_run.commit(job, jobfiles.to_json(result), problem=problem, now=self._clock.now())
        log.info("timelapse.made", job=job.id, checkpoints=len(result.steps), seed=result.seed, problem=problem)


def shown_evaluations(store: Store) -> list[Evaluation]:
    """The checkpoints of the time-lapse, by step: those of the plan that was asked for last and has any."""
    evaluations = store.evaluations()
    plan = next((one for one in store.plans() if any(found.plan_digest == one for found in evaluations)), None)
    shown = [evaluation for evaluation in evaluations if evaluation.plan_digest == plan]
    return sorted(shown, key=lambda evaluation: (evaluation.checkpoint.step, evaluation.id))


def timelapse_request(
    store: Store, layout: RunLayout, settings: TimelapseSettings, *, seed: int | None = None
) -> TimelapseRequest:
    """What a worker is to make of the evaluations that are there.

    Args:
        store: the run's.
        layout: where its evidence lies.
        settings: how.
        seed: the game; None: the most telling one.

    Raises:
        ResultInvalid: there are no evaluations, or not of this game; the sentence says which games there are.
    """
    shown = shown_evaluations(store)
    if not shown:
        raise ResultInvalid("no checkpoint has been evaluated yet, so there is nothing to show")
    games = store.totals.games(shown[0].plan_digest)
    played = [games[evaluation.id] for evaluation in shown]
    seed = telling_seed([_won(one) for one in played]) if seed is None else seed
    if seed not in played[0]:
        seeds = sorted(played[0])
        raise ResultInvalid(f"seed {seed} was not played; choose from {seeds[0]} to {seeds[-1]}")
    return TimelapseRequest(
        rom=str(settings.rom),
        rom_sha256=settings.rom_sha256,
        seed=seed,
        seconds=settings.seconds,
        sights=_sights(shown, played, layout, seed=seed),
        films=str(layout.films) if layout.films.is_dir() else None,
    )


def _sights(
    shown: Sequence[Evaluation], played: Sequence[Played], layout: RunLayout, *, seed: int
) -> tuple[Sight, ...]:
    return tuple(
        Sight(
            checkpoint=evaluation.checkpoint.digest,
            step=evaluation.checkpoint.step,
            win_rate=wilson(sum(_won(games).values()), len(games)),
            replay=str(layout.output / evaluation.directory / "replays" / f"{seed}.replay"),
            replay_sha256=games[seed][1],
        )
        for evaluation, games in zip(shown, played, strict=True)
    )


def _won(games: Played) -> dict[int, bool]:
    return {seed: outcome is Outcome.WIN for seed, (outcome, _) in games.items()}
