"""A checkpoint plays its plan: every planned seed once, as many games at a time as the plan has lanes.

Imported by the worker alone. A finished game is on disk, with its replay, before the next one begins in its lane; an
attempt that is cut short leaves them to the next one, which plays only what is missing.
"""

import hashlib
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

import observer
from env.cartridge import Cartridge
from env.drmario import DrMarioVectorEnv, action_space, observation_space, start_states
from env.lane import GameSettings
from env.opponent import Opponent
from env.process import mednafen_version
from env.recognition import recognise
from observer.adapters import jobfiles
from observer.adapters.policy import Policy, ReferencePolicy, load_opponent, load_policy, load_policy_unpickling
from observer.core.clock import Clock
from observer.core.errors import CheckpointCorrupt
from observer.core.layout import JobFiles
from observer.core.models import (
    Digest,
    Episode,
    EvaluationPlan,
    EvaluationRequest,
    EvaluationResult,
    Outcome,
    Progress,
    Provenance,
)
from observer.core.plan import in_plan_order, missing_seeds, plan_digest
from observer.core.statistics import summarise
from observer.files import write_whole

#: Random numbers are drawn per game and purpose, keyed (seed, stream).
AGENT_STREAM: Final = 1
PROGRESS_SECONDS: Final = 1.0
Lanes = NDArray[np.bool_]

PACKAGES: Final = ("torch", "stable-baselines3", "sb3-contrib", "gymnasium", "numpy")


def evaluate(
    request: EvaluationRequest,
    files: JobFiles,
    *,
    clock: Clock,
    on_progress: Callable[[Progress], None],
    confinement: str,
) -> EvaluationResult:
    """Play what is missing of the plan and sum up all of it; `result.json` is the caller's to write.

    Args:
        request: what to play.
        files: where everything goes.
        clock: for the times in the result.
        on_progress: told about once a second.
        confinement: how this process is confined, for the result's provenance.

    Raises:
        CheckpointError: the checkpoint cannot be used; nothing was played.
        EnvError: the ROM or the emulator failed; the games that were finished are on disk.
    """
    started_at = clock.now()
    rom_name = _rom_name(request)
    finished = _take_over(request, files)
    policy = _policy(request)
    seeds = missing_seeds(request.plan, finished)
    versions = _versions() | _statistics(request)
    games = _games(request, files, lanes=max(1, min(request.plan.lanes, len(seeds))), versions=versions)
    try:
        play = _Play(plan=request.plan, policy=policy, games=games, seeds=list(seeds))
        for record in play.episodes(_throttled(on_progress, clock, play, request.plan)):
            finished.append(_keep(record, request.plan, files))
    finally:
        games.close()
    episodes = in_plan_order(request.plan, finished)
    write_whole(files.table, jobfiles.episodes_csv(episodes))
    return EvaluationResult(
        checkpoint=request.checkpoint,
        plan=request.plan,
        episodes=episodes,
        summary=summarise(episodes),
        provenance=Provenance(
            versions=versions,
            rom_sha256=request.plan.rom_sha256,
            rom_name=rom_name,
            cpu_capability=torch.backends.cpu.get_cpu_capability(),
            machine=platform.machine(),
            confinement=confinement,
        ),
        started_at=started_at,
        finished_at=clock.now(),
    )


def _rom_name(request: EvaluationRequest) -> str:
    """What the ROM is; a file that was exchanged since the plan was made would give results under another's name."""
    cartridge = Cartridge.read(Path(request.rom))
    cartridge.require(request.plan.rom_sha256)
    return recognise(cartridge).name


def _take_over(request: EvaluationRequest, files: JobFiles) -> list[Episode]:
    """The games that earlier attempts finished, with their replays, as this attempt's own; also its own, run again."""
    files.replays.mkdir(parents=True, exist_ok=True)
    taken: dict[int, Episode] = {}
    for earlier in (files, *(JobFiles(Path(folder)) for folder in request.resume_from)):
        for episode in jobfiles.read_episodes(earlier.episodes):
            source = earlier.replays / f"{episode.seed}.replay"
            if episode.seed not in taken and _is_whole(source, episode.replay_sha256):
                if earlier is not files:
                    shutil.copyfile(source, files.replays / source.name)
                taken[episode.seed] = episode
    finished = [taken[seed] for seed in request.plan.seeds if seed in taken]
    jobfiles.write_episodes(files.episodes, finished)
    return finished


def _is_whole(replay: Path, digest: Digest) -> bool:
    try:
        return hashlib.sha256(replay.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _policy(request: EvaluationRequest) -> Policy | ReferencePolicy:
    plan = request.plan
    if request.player is not None:
        return ReferencePolicy(request.player)
    load = load_policy_unpickling
    if request.trust == "data":
        load = partial(load_policy, trusted_classes=request.trusted_classes)
    policy = load(
        Path(request.snapshot).read_bytes(),
        observation_space=observation_space(plan.environment),
        action_space=action_space(plan.environment),
        lanes=plan.lanes,
        normalization=None if request.normalization is None else Path(request.normalization).read_bytes(),
    )
    policy.require(plan.policy_mode)
    return policy


def _games(request: EvaluationRequest, files: JobFiles, *, lanes: int, versions: Mapping[str, str]) -> DrMarioVectorEnv:
    plan = request.plan
    shared = (Path(request.start_states),) if request.start_states else ()
    settings = GameSettings(
        options=plan.environment,
        frame_limit=plan.frame_limit,
        capsule_limit=plan.capsule_limit,
        opponent=_opponent(request),
        opponent_sets=request.opponent_sets,
        versions={name: versions[name] for name in ("observer", "emulator")},
        metadata=_metadata(request),
    )
    return DrMarioVectorEnv(lanes, start_states(Path(request.rom), folder=files.start_states, shared=shared), settings)


def _metadata(request: EvaluationRequest) -> dict[str, Any]:
    """What a replay says of who played."""
    plan = request.plan
    of_opponent = {} if plan.opponent_sha256 is None else {"opponent_sha256": plan.opponent_sha256}
    return {
        "checkpoint_sha256": request.checkpoint.digest,
        "step": request.checkpoint.step,
        "plan_sha256": plan_digest(plan),
    } | of_opponent


def _opponent(request: EvaluationRequest) -> Callable[[], Opponent] | None:
    """What makes the checkpoint on the other side; None where none sits there.

    Raises:
        CheckpointCorrupt: `opponent`.
    """
    plan = request.plan
    if plan.opponent_sha256 is None:
        return None
    try:
        blob = Path(request.opponent or "").read_bytes()
    except OSError:
        blob = b""
    if hashlib.sha256(blob).hexdigest() != plan.opponent_sha256:
        raise CheckpointCorrupt("opponent", "Our copy of the opponent is gone or damaged: start the observer anew.")
    options = plan.environment
    if request.opponent_sets is not None:
        options = replace(options, observation=request.opponent_sets[0], actions=request.opponent_sets[1])
    return load_opponent(
        blob,
        observation_space=observation_space(options),
        action_space=action_space(options),
        deterministic=plan.policy_mode == "deterministic",
        trusted_classes=request.trusted_classes,
    )


@dataclass(slots=True, kw_only=True)
class _Play:
    """The games of a plan in their lanes: a lane takes the next seed when its game has ended."""

    plan: EvaluationPlan
    policy: Policy | ReferencePolicy
    games: DrMarioVectorEnv
    #: still to be begun
    seeds: list[int]
    #: lane -> its game's own random numbers
    generators: list[np.random.Generator] = field(default_factory=list)
    done: int = 0

    def episodes(self, on_step: Callable[[], None]) -> Iterator[Mapping[str, Any]]:
        """The record of each game as it ends."""
        lanes = self.games.num_envs
        self.generators = [_generator(0) for _ in range(lanes)]
        observations, starts = self._begin(np.ones(lanes, np.bool_))
        playing = starts.copy()
        while playing.any():
            actions = self._act(observations, starts)
            observations, _, terminated, truncated, infos = self.games.step(actions)
            ended = playing & (terminated | truncated)
            for lane in np.flatnonzero(ended):
                self.done += 1
                yield {key: values[lane] for key, values in infos.items() if not key.startswith("_")}
            begun = np.zeros(lanes, np.bool_)
            if ended.any() and self.seeds:
                observations, begun = self._begin(ended)
            starts = begun
            playing = (playing & ~ended) | begun
            on_step()

    def _begin(self, free: Lanes) -> tuple[Any, Lanes]:
        """Begin the next games in free lanes; which lanes they went to."""
        begun = np.zeros(len(free), np.bool_)
        seeds: list[int | None] = [None] * len(free)
        for lane in np.flatnonzero(free)[: len(self.seeds)]:
            seeds[lane] = self.seeds.pop(0)
            self.generators[lane] = _generator(seeds[lane] or 0)
            begun[lane] = True
        if not begun.any():
            return None, begun
        observations, _ = self.games.reset(seed=seeds, options={"reset_mask": begun})
        return observations, begun

    def _act(self, observations: Any, starts: Lanes) -> Any:  # noqa: ANN401 -- arrays
        return self.policy.act(
            observations,
            starts,
            action_masks=self.games.action_masks(),
            generators=self.generators,
            deterministic=self.plan.policy_mode == "deterministic",
        )


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, AGENT_STREAM]))


def _keep(record: Mapping[str, Any], plan: EvaluationPlan, files: JobFiles) -> Episode:
    """Put a finished game on disk: its replay whole, then its line."""
    replay, seed = bytes(record["replay"]), int(record["seed"])
    write_whole(files.replays / f"{seed}.replay", replay)
    episode = Episode(
        index=plan.seeds.index(seed),
        seed=seed,
        outcome=Outcome(record["outcome"]),
        topped_out=bool(record["topped_out"]),
        viruses_cleared=int(record["viruses_cleared"]),
        max_combo=int(record["max_combo"]),
        capsules=int(record["capsules"]),
        episode_length=int(record["episode_length"]),
        frames=int(record["frames"]),
        total_reward=float(record["total_reward"]),
        replay_sha256=Digest(hashlib.sha256(replay).hexdigest()),
        rounds_won=int(record.get("rounds_won", 0)),
        rounds_lost=int(record.get("rounds_lost", 0)),
    )
    jobfiles.append_episode(files.episodes, episode)
    return episode


def _throttled(
    on_progress: Callable[[Progress], None], clock: Clock, play: _Play, plan: EvaluationPlan
) -> Callable[[], None]:
    """Tells of progress at most once a second."""
    told_at = float("-inf")
    taken_over = len(plan.seeds) - len(play.seeds)

    def tell() -> None:
        nonlocal told_at
        now = clock.monotonic()
        if now - told_at >= PROGRESS_SECONDS:
            told_at = now
            on_progress(
                Progress(
                    done=taken_over + play.done,
                    total=len(plan.seeds),
                    frames=play.games.frames,
                    cpu_seconds=time.process_time(),
                )
            )

    return tell


def _statistics(request: EvaluationRequest) -> dict[str, str]:
    """Which VecNormalize statistics the checkpoint played with."""
    if request.normalization is None:
        return {}
    return {"vecnormalize": hashlib.sha256(Path(request.normalization).read_bytes()).hexdigest()}


def _versions() -> dict[str, str]:
    found: Iterable[tuple[str, str]] = ((package, version(package)) for package in PACKAGES)
    return {
        "observer": observer.__version__,
        "emulator": mednafen_version(),
        "python": platform.python_version(),
    } | dict(found)
