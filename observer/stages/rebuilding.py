"""The database found again from what lies on disk: the evidence of evaluations, and the copies of checkpoints.

What it knows already stays as it is. What does not hold is left where it is and said.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

import structlog

from observer.adapters import dropped, evidence, jobfiles
from observer.adapters.recognition import checkpoint_of
from observer.adapters.store import Store
from observer.core.clock import Clock
from observer.core.errors import CheckpointError, ResultInvalid
from observer.core.layout import JobFiles, RunLayout, evaluation_folder
from observer.core.models import Clip, EvaluationPlan, EvaluationResult, RenderResult, RenderSpec, Trust
from observer.core.plan import in_plan_order, plan_digest

log = structlog.get_logger()


class Rebuilding:
    """One run's output folder, read back."""

    def __init__(self, *, store: Store, layout: RunLayout, clock: Clock) -> None:
        self._store = store
        self._layout = layout
        self._clock = clock

    def take_in_results(self, render_spec: Callable[[EvaluationResult], RenderSpec | None]) -> int:
        """Record the evaluations on disk that the database does not know, in the order they were finished; how many.

        Args:
            render_spec: what is to be filmed of a result whose clips are not there.
        """
        known = {evaluation.directory for evaluation in self._store.evaluations()}
        found = sorted(self._unknown(known), key=lambda entry: (entry[0], str(entry[1])))
        taken = sum(self._take_in(directory, render_spec) for _, directory in found)
        if taken:
            log.info("results.recovered", evaluations=taken)
        return taken

    def take_in_snapshots(self, plans: Sequence[EvaluationPlan], *, trust: Trust) -> int:
        """Queue the checkpoints whose copies are kept and that the database does not know; how many.

        Their files are gone, and with them the names that they had.
        """
        known = self._store.totals.digests()
        unknown = [path for path in sorted(self._layout.snapshots.glob("*.zip")) if path.stem not in known]
        return sum(self._take_in_snapshot(path, plans, trust=trust) for path in unknown)

    def _take_in_snapshot(self, path: Path, plans: Sequence[EvaluationPlan], *, trust: Trust) -> int:
        try:
            blob = path.read_bytes()
            checkpoint = checkpoint_of(blob, name=path.name, trust=trust, seen_at=self._clock.now())
        except (OSError, CheckpointError) as error:
            return _refuse(path, str(error))
        if f"{checkpoint.digest}.zip" != path.name:
            return _refuse(path, "its bytes are not those that its name says")
        return len(self._store.admit(checkpoint, plans, path=str(path), seen_as="recovered"))

    def _unknown(self, known: set[PurePosixPath]) -> Iterator[tuple[float, PurePosixPath]]:
        for path in self._layout.output.glob("checkpoints/*/*/result.json"):
            directory = PurePosixPath(path.parent.relative_to(self._layout.output))
            if directory in known or path.parent.name.startswith("."):
                continue
            try:
                yield self._read(path.parent, directory).finished_at, directory
            except ResultInvalid as error:
                _refuse(path.parent, str(error))

    def _take_in(self, directory: PurePosixPath, render_spec: Callable[[EvaluationResult], RenderSpec | None]) -> bool:
        folder = self._layout.output / directory
        result = self._read(folder, directory)
        clips = self._clips_of(directory)
        render = render_spec(result) if clips is None else None
        return self._store.adopt(result, directory=directory, clips=clips or (), render=render)

    def _read(self, folder: Path, directory: PurePosixPath) -> EvaluationResult:
        """The result, if it is whole and belongs here.

        Raises:
            ResultInvalid: it is not, or does not.
        """
        result = jobfiles.read(EvaluationResult, folder / "result.json")
        try:
            in_plan_order(result.plan, result.episodes)
        except ValueError as error:
            raise ResultInvalid(str(error)) from error
        if evaluation_folder(result.checkpoint, result.plan.scenario.name, plan_digest(result.plan)) != directory:
            raise ResultInvalid("it belongs into another folder")
        if directory / "replays" not in self._dropped():
            evidence.check_replays(JobFiles(folder), result)
        return result

    def _clips_of(self, directory: PurePosixPath) -> tuple[Clip, ...] | None:
        """The clips beside a result, dropped ones too; None: they are to be filmed."""
        folder = self._layout.output / directory
        try:
            told = jobfiles.read(RenderResult, folder / "clips" / evidence.CLIPS_FILE)
            gone = self._dropped()
            there = [clip for clip in told.clips if directory / "clips" / clip.video not in gone]
            evidence.check_clips(JobFiles(folder), there)
        except ResultInvalid:
            return None
        return told.clips

    def _dropped(self) -> Collection[PurePosixPath]:
        return dropped.missing(self._layout.output, self._layout.dropped)


def _refuse(path: Path, problem: str) -> int:
    log.error("evidence.refused", path=str(path), problem=problem)
    return 0
