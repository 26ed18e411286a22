"""A checkpoint as something that plays. The only part of the observer that knows torch and stable-baselines3."""

from observer.adapters.policy.loading import load_policy, load_policy_unpickling
from observer.adapters.policy.playing import Observations, Policy

__all__ = ["Observations", "Policy", "load_policy", "load_policy_unpickling"]
