"""What the panel beside a game says, frame by frame: told by a process of its own, which plays the game a second time.

Owns that process. torch, which the policy needs, stays in it, so that whoever films stays small; and what is told is drawn
at once, so that nothing grows with the length of a game.
"""

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np

from env.drmario import action_space, observation_space
from env.emulator import Emulator
from env.errors import EnvError
from env.replay import Replay
from env.viewing import Decision, View, options_of, views
from observer.adapters.drawing import Card, Panel, Scene
from observer.core.errors import CheckpointError, RenderError
from observer.core.models import Overlay, RenderRequest

#: A word for each choice, where a set of actions has few.
CHOICES: Final = {"pad": ("none", "left", "right", "down", "A", "B")}

Thoughts = Callable[[Decision], tuple[np.ndarray | None, float | None]]
"""Probabilities of the choices, and the value; None: the policy has none."""


class Commentary:
    """The panel's pictures of one game."""

    def __init__(self, told: Connection, card: Card, *, scale: int) -> None:
        self._told = told
        self._panel = Panel(card, scale=scale)
        self._index = -1
        self._scene = Scene(pad=0, viruses_left=0, reward=0.0)

    def at(self, index: int) -> np.ndarray:
        """The panel beside frame `index`; frames are asked for in order. Behind the game's end it stays as it is.

        Raises:
            RenderError: the commentator failed; the sentence says how.
        """
        while self._index < index:
            try:
                told = self._told.recv()
            except EOFError:
                break
            if isinstance(told, str):
                raise RenderError(told)
            self._index += 1
            self._scene = self._scene if told is None else told
        return self._panel.draw(self._scene)


@contextmanager
def commentary(request: RenderRequest, replay: Replay, overlay: Overlay) -> Iterator[Commentary]:
    """Somebody who tells of a game while it is filmed.

    Raises:
        RenderError: the game was recorded in another environment.
    """
    try:
        actions = options_of(replay).actions
    except EnvError as error:
        raise RenderError(f"no panel can be drawn beside it: {error}") from error
    context = multiprocessing.get_context("fork")
    told, telling = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(telling, told, request, replay, overlay), daemon=True)
    process.start()
    telling.close()
    try:
        missing = _first_word(told)
        step = 0 if request.checkpoint is None else request.checkpoint.step
        card = Card(step=step, seed=replay.seed, choices=CHOICES.get(actions, ()), missing=missing)
        yield Commentary(told, card, scale=request.encoding.scale)
    finally:
        told.close()
        process.terminate()
        process.join()


def _first_word(told: Connection) -> str:
    try:
        return str(told.recv())
    except EOFError:
        return "policy not shown: it could not be run"


def _tell(telling: Connection, told: Connection, request: RenderRequest, replay: Replay, overlay: Overlay) -> None:
    """The commentator's whole life: why there is no policy or nothing, then a scene a frame, None for the same again."""
    told.close()
    with closing(telling):
        thoughts, missing = _thoughts(request, replay, overlay)
        telling.send(missing)
        try:
            with Emulator(Path(request.rom)) as emulator:
                for scene in _scenes(views(replay, emulator), thoughts):
                    telling.send(scene)
        except BrokenPipeError:
            return  # enough was seen
        except EnvError as error:
            telling.send(f"the game could not be followed: {error}")


def _scenes(seen: Iterator[View], thoughts: Thoughts) -> Iterator[Scene | None]:
    last: tuple[int, int, float] | None = None
    probabilities, value = None, None
    for view in seen:
        if view.decision is not None:
            probabilities, value = thoughts(view.decision)
        now = (view.pad, view.viruses_left, view.reward)
        if now == last and view.decision is None:
            yield None
            continue
        last = now
        yield Scene(
            pad=view.pad,
            viruses_left=view.viruses_left,
            reward=view.reward,
            probabilities=probabilities,
            value=value,
        )


def _thoughts(request: RenderRequest, replay: Replay, overlay: Overlay) -> tuple[Thoughts, str]:
    """What the policy thinks; or why it is not shown."""
    checkpoint = request.checkpoint
    if checkpoint is None or overlay.snapshot is None:
        return _nothing, "policy not shown: the checkpoint is gone" if checkpoint else "policy not shown: none is known"
    try:
        blob = Path(overlay.snapshot).read_bytes()
    except OSError:
        return _nothing, "policy not shown: the checkpoint is gone"
    if hashlib.sha256(blob).hexdigest() != checkpoint.digest:
        return _nothing, "policy not shown: the checkpoint is another one by now"
    try:
        return _loaded(blob, replay, request, overlay), ""
    except CheckpointError as error:
        return _nothing, f"policy not shown: {error.word}"


def _statistics(overlay: Overlay) -> bytes | None:
    path = None if overlay.normalization is None else Path(overlay.normalization)
    return path.read_bytes() if path is not None and path.is_file() else None


def _nothing(_decision: Decision) -> tuple[None, None]:
    return None, None


def _loaded(blob: bytes, replay: Replay, request: RenderRequest, overlay: Overlay) -> Thoughts:
    from observer.adapters.policy import load_policy  # noqa: PLC0415 -- torch, which the parent does without

    options = options_of(replay)
    policy = load_policy(
        blob,
        observation_space=observation_space(options),
        action_space=action_space(options),
        lanes=16 if request.plan is None else request.plan.lanes,
        trusted_classes=overlay.trusted_classes,
        normalization=_statistics(overlay),
    )

    def thoughts(decision: Decision) -> tuple[np.ndarray | None, float | None]:
        seen = policy.outlook(decision.observation[None], np.array([decision.is_first]), decision.mask[None])
        likely = None if seen.probabilities is None else seen.probabilities[0]
        return likely, None if seen.values is None else float(seen.values[0])

    return thoughts
