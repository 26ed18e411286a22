"""The values the observer passes around: checkpoints, jobs, plans, episodes, results, clips.

Frozen, without behaviour beyond what they are. Times are Unix seconds (UTC); files write them as ISO-8601.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, NewType

from env.options import ActionsName, EnvironmentOptions, ObservationName, Scenario
from observer.core.encoding import USUAL, Encoding

Digest = NewType("Digest", str)
"""sha256 in lower-case hex."""

JobId = NewType("JobId", int)

PolicyMode = Literal["deterministic", "stochastic"]
Trust = Literal["data", "unpickle"]
GameReason = Literal["best", "median", "worst", "first_clear", "biggest_combo", "closest_call", "flips"]
MomentReason = Literal["combo", "last_virus", "top_out"]
Reason = Literal[GameReason, MomentReason]
"""Why a game, or ten seconds of it, is worth filming, in the order in which people are shown them."""


class JobKind(StrEnum):
    EVALUATE = "evaluate"
    RENDER = "render"
    #: of the whole run: its time-lapse
    TIMELAPSE = "timelapse"
    #: of the whole run: a clip of a game that training played
    FILM = "film"
    #: of the whole run: what a player that is no checkpoint comes to in the games of a plan
    REFERENCE = "reference"


class JobState(StrEnum):
    #: to be run when its time has come
    WAITING = "waiting"
    #: claimed; a worker has it
    RUNNING = "running"
    #: its result is committed
    DONE = "done"
    #: it cannot be done; `error` says why; `retry` puts it back
    PARKED = "parked"
    #: passed over because newer checkpoints waited; can be asked for later
    SKIPPED = "skipped"


class Outcome(StrEnum):
    WIN = "win"
    LOSS = "loss"
    DRAW = "draw"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint's bytes, by content."""

    #: sha256 of the zip
    digest: Digest
    #: `num_timesteps` of the zip; the number in the file name only where the zip has none
    step: int
    #: the file name it arrived under; for people, never used as a path of ours
    name: str
    #: bytes
    size: int
    #: Unix seconds
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """Everything that decides what is played; equal plans make every comparison a paired one."""

    environment: EnvironmentOptions
    #: distinct, 0..32766; episode i of the plan plays seeds[i]
    seeds: tuple[int, ...]
    #: NES frames after which a game counts as timed out
    frame_limit: int
    #: capsules after which a game counts as timed out
    capsule_limit: int | None
    policy_mode: PolicyMode
    #: rows of every policy call, and emulators at once
    lanes: int
    #: of the ROM without its 16-byte header
    rom_sha256: Digest
    #: of the zip that plays the other side; None: no checkpoint does
    opponent_sha256: Digest | None = None

    @property
    def scenario(self) -> Scenario:
        return self.environment.scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A game, or a part of it, worth seeing."""

    seed: int
    #: best, median, worst, ...
    reason: str
    first_frame: int = 0
    #: exclusive; None: to the end
    last_frame: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """What a job of kind RENDER is to film."""

    highlights: tuple[Highlight, ...]
    encoding: Encoding = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: JobId
    kind: JobKind
    checkpoint: Checkpoint
    #: the plan of the evaluation it is, or that it renders
    plan: EvaluationPlan
    state: JobState
    #: raised by every claim; only fences commits
    attempt: int = 0
    #: failures in a row in which no new game was finished
    failures: int = 0
    #: times in a row that something outside ended its worker
    kills: int = 0
    #: Unix seconds before which it is not claimed again
    not_before: float = 0.0
    error: str | None = None
    #: of a job of kind RENDER
    render: RenderSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One finished game; equal for the same plan, checkpoint and software, byte for byte."""

    #: its place in the plan
    index: int
    seed: int
    outcome: Outcome
    topped_out: bool
    viruses_cleared: int
    #: most matches made by one capsule
    max_combo: int
    capsules: int
    #: agent steps
    episode_length: int
    #: NES frames
    frames: int
    total_reward: float
    #: sha256 of the replay file `replays/<seed>.replay`
    replay_sha256: Digest
    #: of a match; 0 where a single round is played
    rounds_won: int = 0
    rounds_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float
    #: games it rests on
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the games of one evaluation come to."""

    episodes: int
    wins: int
    losses: int
    draws: int
    topped_out: int
    timeouts: int
    #: Wilson interval
    win_rate: Estimate
    viruses_cleared: Estimate
    episode_length: Estimate
    total_reward: Estimate
    max_combo: Estimate
    frames: Estimate
    capsules: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a result was made with."""

    #: such as {"observer": "0.1.0", "torch": "2.13.0", "emulator": "mednafen 1.29.0"}
    versions: Mapping[str, str]
    rom_sha256: Digest
    #: what the ROM was recognised as, for people
    rom_name: str
    #: torch's CPU capability: AVX2 and AVX512 give other last bits
    cpu_capability: str
    machine: str
    #: how the worker was confined, such as `landlock 7, network loopback, calls filtered`
    confinement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """A worker's whole task. Paths are absolute; the worker reads no configuration."""

    checkpoint: Checkpoint
    #: the zip's bytes, ours
    snapshot: str
    plan: EvaluationPlan
    rom: str
    #: read-only cache of start states; new ones go into the job directory
    start_states: str | None
    #: directories of earlier attempts; their finished games are not played again
    resume_from: tuple[str, ...] = ()
    #: dotted class name in the zip -> dotted name to import here
    trusted_classes: Mapping[str, str] = field(default_factory=dict)
    trust: Trust = "data"
    #: our copy of VecNormalize's statistics that belong to the checkpoint; None: there are none
    normalization: str | None = None
    #: the opponent's zip, ours; None: none of the plan
    opponent: str | None = None
    #: who plays instead of a checkpoint; None: the snapshot does
    player: Literal["random", "scripted"] | None = None
    #: observation and actions of the other side, where they are not those of the plan
    opponent_sets: tuple[ObservationName, ActionsName] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    checkpoint: Checkpoint
    plan: EvaluationPlan
    #: every planned seed, in the order of the plan
    episodes: tuple[Episode, ...]
    summary: Summary
    provenance: Provenance
    started_at: float
    finished_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A rendered highlight; the names are relative to the evaluation's `clips/`."""

    highlight: Highlight
    video: str
    poster: str
    frames: int
    seconds: float
    #: as it is shown
    width: int
    height: int
    #: of its frames, those after the end of the game
    frames_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A panel beside the game, and what it needs to show what the policy thinks."""

    #: the zip's bytes; None, or a file that is gone: the panel has no policy
    snapshot: str | None = None
    #: statistics of VecNormalize that belong to it, if they are there
    normalization: str | None = None
    trusted_classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """A rendering worker's whole task."""

    #: None: not known, of a replay that somebody gave
    checkpoint: Checkpoint | None = None
    plan: EvaluationPlan | None = None
    rom: str
    #: folder of `<seed>.replay` files, read-only
    replays: str
    highlights: tuple[Highlight, ...]
    encoding: Encoding = USUAL
    #: every so-manieth frame is shown, without sound
    speed: int = 1
    #: None: the game alone
    overlay: Overlay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderResult:
    clips: tuple[Clip, ...]
    #: reason -> why that clip could not be made
    problems: Mapping[str, str] = field(default_factory=dict)
    started_at: float
    finished_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a worker replaces in progress.json as it goes."""

    done: int
    total: int
    #: NES frames emulated by this attempt
    frames: int
    #: of the worker process, CPU seconds
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a worker writes instead of a result when it knows why it cannot give one."""

    #: a word of the reader's (checkpoint refused), or `setup`
    word: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A committed evaluation, as the store lists it."""

    id: int
    checkpoint: Checkpoint
    plan_digest: Digest
    scenario: str
    #: folder of result.json, relative to the output folder
    directory: PurePosixPath
    finished_at: float
    clips: tuple[Clip, ...] = ()
    #: clips that were dropped to keep within the run's room; the store does not tell them from the others
    dropped: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedFile:
    """A file that cannot be used, and why."""

    path: str
    word: str
    sentence: str
    seen_at: float
