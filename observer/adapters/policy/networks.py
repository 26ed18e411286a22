"""How each family of SB3's networks is asked what it would do. Owns the memory of recurrent ones, lane by lane.

Every question has the same number of rows; what the rows beyond the games hold does not matter.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy

#: One for each choice that an action is made of, (lanes, options).
Parts = list[torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A batch as the network wants it; the first `rows` rows are games."""

    #: what `obs_to_tensor` gives
    observations: Any
    #: (lanes,) bool
    starts: torch.Tensor
    #: (lanes, options) bool; None: everything is legal
    masks: Any
    rows: int


class Network(Protocol):
    """A network of any family; called within `torch.inference_mode`."""

    @property
    def has_probabilities(self) -> bool:
        """Whether `scores` are probabilities; else the best one is played and nothing is drawn."""
        ...

    def scores(self, question: Question, *, keep: bool) -> Parts:
        """How good each option is; `keep`: the games go on from here."""
        ...

    def values(self, question: Question) -> torch.Tensor | None:
        """(lanes,) what the network expects of each game; None where it cannot be told apart from remembering."""
        ...


@dataclass(frozen=True, slots=True)
class ActorCritic:
    """PPO, A2C, TRPO."""

    network: ActorCriticPolicy
    has_probabilities: bool = True

    def scores(self, question: Question, *, keep: bool) -> Parts:
        del keep
        return parts_of(self.network.get_distribution(question.observations))

    def values(self, question: Question) -> torch.Tensor | None:
        return self.network.predict_values(question.observations)[:, 0]


@dataclass(frozen=True, slots=True)
class Maskable:
    """MaskablePPO."""

    network: MaskableActorCriticPolicy
    has_probabilities: bool = True

    def scores(self, question: Question, *, keep: bool) -> Parts:
        del keep
        return parts_of(self.network.get_distribution(question.observations, question.masks))

    def values(self, question: Question) -> torch.Tensor | None:
        values: torch.Tensor = self.network.predict_values(question.observations)
        return values[:, 0]


class Recurrent:
    """RecurrentPPO: what a lane remembers is forgotten when a game begins in it, and is no other lane's business."""

    has_probabilities = True

    def __init__(self, network: RecurrentActorCriticPolicy, *, lanes: int) -> None:
        self.network = network
        layers, _, size = network.lstm_hidden_state_shape
        self._memory = (torch.zeros(layers, lanes, size), torch.zeros(layers, lanes, size))

    def scores(self, question: Question, *, keep: bool) -> Parts:
        starts = question.starts.to(torch.float32)
        chosen, memory = self.network.get_distribution(question.observations, self._memory, starts)
        if keep:
            for old, new in zip(self._memory, memory, strict=True):
                old[:, : question.rows] = new[:, : question.rows]
        return parts_of(chosen)

    def values(self, question: Question) -> torch.Tensor | None:
        del question  # the critic has a memory of its own, which playing does without
        return None


@dataclass(frozen=True, slots=True)
class Greedy:
    """DQN and QRDQN: what each action is worth. What they explore with in training belongs to the algorithm."""

    network: DQNPolicy | QRDQNPolicy
    has_probabilities: bool = False

    def scores(self, question: Question, *, keep: bool) -> Parts:
        del keep
        if isinstance(self.network, DQNPolicy):
            return [self.network.q_net(question.observations)]
        return [self.network.quantile_net(question.observations).mean(dim=1)]

    def values(self, question: Question) -> torch.Tensor | None:
        return self.scores(question, keep=False)[0].max(dim=1).values


def asked(network: object, *, lanes: int) -> Network | None:
    """A network as something to ask; None: this family cannot be played."""
    match network:
        case RecurrentActorCriticPolicy():
            return Recurrent(network, lanes=lanes)
        case MaskableActorCriticPolicy():
            return Maskable(network)
        case ActorCriticPolicy():
            return ActorCritic(network)
        case DQNPolicy() | QRDQNPolicy():
            return Greedy(network)
    return None


def parts_of(chosen: Any) -> Parts:  # noqa: ANN401 -- a distribution of either library
    """The probabilities of a distribution over one choice or several."""
    parts = getattr(chosen, "distributions", None) or chosen.distribution
    return [part.probs for part in (parts if isinstance(parts, list) else [parts])]
