"""Where everything of a run lies below its output folder.

Pure path arithmetic; names that came from outside never become paths.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from observer.core.models import Checkpoint, Digest, JobId


def evaluation_name(scenario: str, plan: Digest) -> str:
    """`<scenario>-<plan8>`: what tells the evaluations of a checkpoint apart."""
    return f"{scenario}-{plan[:8]}"


def evaluation_folder(checkpoint: Checkpoint, scenario: str, plan: Digest) -> PurePosixPath:
    """`checkpoints/<step>-<hash8>/<scenario>-<plan8>`, relative to the output folder."""
    return PurePosixPath("checkpoints", f"{checkpoint.step}-{checkpoint.digest[:8]}", evaluation_name(scenario, plan))


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The files of one attempt of a job (house rule: a worker is a command over a directory)."""

    folder: Path

    @property
    def request(self) -> Path:
        return self.folder / "request.json"

    @property
    def progress(self) -> Path:
        return self.folder / "progress.json"

    @property
    def log(self) -> Path:
        return self.folder / "worker.log"

    @property
    def episodes(self) -> Path:
        return self.folder / "episodes.jsonl"

    @property
    def replays(self) -> Path:
        return self.folder / "replays"

    @property
    def clips(self) -> Path:
        return self.folder / "clips"

    @property
    def start_states(self) -> Path:
        return self.folder / "start-states"

    @property
    def temporary(self) -> Path:
        """Emulators' homes and the like; removed at the end."""
        return self.folder / "tmp"

    @property
    def table(self) -> Path:
        return self.folder / "episodes.csv"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def failure(self) -> Path:
        return self.folder / "failure.json"


@dataclass(frozen=True, slots=True)
class RunLayout:
    """The output folder of a run."""

    output: Path

    @property
    def database(self) -> Path:
        return self.output / "observer.db"

    @property
    def lock(self) -> Path:
        return self.output / ".work" / "daemon.lock"

    @property
    def daemon(self) -> Path:
        return self.output / ".work" / "daemon.json"

    @property
    def metrics(self) -> Path:
        return self.output / "metrics.csv"

    @property
    def training(self) -> Path:
        """What the training process recorded: our copies."""
        return self.output / "training"

    @property
    def training_clips(self) -> Path:
        return self.training / "clips"

    @property
    def training_table(self) -> Path:
        return self.output / "training.csv"

    @property
    def tensorboard(self) -> Path:
        return self.output / "tensorboard"

    @property
    def report(self) -> Path:
        return self.output / "report" / "index.html"

    @property
    def dropped(self) -> Path:
        """What was dropped to keep within the run's room."""
        return self.output / "dropped.jsonl"

    @property
    def archives(self) -> Path:
        """What lies in which archive."""
        return self.output / "archives.jsonl"

    @property
    def closed(self) -> Path:
        """Runs that were observed into this folder before."""
        return self.output / "closed"

    @property
    def closed_list(self) -> Path:
        """What each of them has seen."""
        return self.output / "closed.jsonl"

    @property
    def closing(self) -> Path:
        """That the present run is to be closed, until it is."""
        return self.work / "closing.json"

    @property
    def films(self) -> Path:
        """What the time-lapse is made of: may be deleted, and is filmed again."""
        return self.work / "films"

    @property
    def work(self) -> Path:
        return self.output / ".work"

    @property
    def start_states(self) -> Path:
        return self.work / "start-states"

    @property
    def jobs(self) -> Path:
        return self.work / "jobs"

    @property
    def self_test(self) -> JobFiles:
        return JobFiles(self.work / "self-test")

    @property
    def asked(self) -> Path:
        return self.work / "asked"

    @property
    def snapshots(self) -> Path:
        return self.work / "snapshots"

    def snapshot(self, digest: Digest) -> Path:
        return self.snapshots / f"{digest}.zip"

    def reference(self, subject: str) -> Path:
        """The evidence of a reference player, `references/<plan8>/<player>`; `subject` is the plan's digest and its name."""
        plan, _, player = subject.partition("/")
        return self.output / "references" / plan[:8] / player

    def opponent(self, digest: Digest) -> Path:
        """The copy of a checkpoint that others play against; kept, for a plan names it."""
        return self.work / "opponents" / f"{digest}.zip"

    def companion(self, digest: Digest, kind: str) -> Path:
        """The copy of what was saved beside a checkpoint."""
        return self.snapshots / f"{digest}.{kind}.pkl"

    def job(self, job: JobId, attempt: int) -> JobFiles:
        return JobFiles(self.jobs / f"{job:06d}.{attempt}")

    def evaluation(self, checkpoint: Checkpoint, scenario: str, plan: Digest) -> Path:
        return self.output / evaluation_folder(checkpoint, scenario, plan)
