"""A checkpoint as something that plays. The only part of the observer that knows torch and stable-baselines3."""

from observer.adapters.policy.loading import load_policy, load_policy_unpickling
from observer.adapters.policy.opponent import load_opponent
from observer.adapters.policy.playing import Outlook, Policy
from observer.adapters.policy.reference import ReferencePolicy
from observer.adapters.policy.view import Observations

__all__ = [
    "Observations",
    "Outlook",
    "Policy",
    "ReferencePolicy",
    "load_opponent",
    "load_policy",
    "load_policy_unpickling",
]
