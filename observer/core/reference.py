"""Players that are no checkpoints, by which checkpoints are measured: random and scripted, over the very games of a plan."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from env.opponent import OWN_SETS
from observer.core.models import Checkpoint, Digest, EvaluationRequest, Summary

Player = Literal["random", "scripted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a player came to in the games of a plan."""

    player: Player
    summary: Summary


def played_by(player: Player, request: EvaluationRequest) -> EvaluationRequest:
    """The same games, as this player plays them: one with sets of its own keeps to them, whatever the checkpoints do.

    Who sits on the other side stays as the checkpoints meet it.
    """
    environment = request.plan.environment
    sets = environment.observation, environment.actions
    observation, actions = OWN_SETS.get(player, sets)
    plan = replace(request.plan, environment=replace(environment, observation=observation, actions=actions))
    return replace(request, plan=plan, checkpoint=as_checkpoint(player), player=player, opponent_sets=sets)


def as_checkpoint(player: Player) -> Checkpoint:
    """What stands in a result where else a checkpoint does; its hash is that of no file."""
    digest = Digest(hashlib.sha256(f"player: {player}".encode()).hexdigest())
    return Checkpoint(digest=digest, step=0, name=f"{player} player", size=0, seen_at=0.0)
