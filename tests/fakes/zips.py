"""Checkpoint zips as SB3 lays them out, made without torch: whole for intake, too poor to play."""

import base64
import io
import json
import pickle
import zipfile
from functools import cache

import numpy as np
from gymnasium import spaces


def zip_of(step: int | None, *, weights: bytes = b"weights") -> bytes:
    """A checkpoint of `step` timesteps; other weights make another checkpoint."""
    data = {
        "policy_class": _serialized(b"cstable_baselines3.common.policies\nActorCriticPolicy\n."),
        "observation_space": _serialized(_pickled_board()),
        "action_space": _serialized(_pickled_pad()),
    }
    body = data if step is None else {**data, "num_timesteps": step}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("data", json.dumps(body))
        archive.writestr("policy.pth", weights)
        archive.writestr("_stable_baselines3_version", "2.9.2")
        archive.writestr("system_info.txt", "made by a test")
    return buffer.getvalue()


def _serialized(pickled: bytes) -> dict[str, str]:
    return {":type:": "made by a test", ":serialized:": base64.b64encode(pickled).decode()}


@cache
def _pickled_board() -> bytes:
    return pickle.dumps(spaces.Box(0, 1, (16, 8, 12), np.float32))


@cache
def _pickled_pad() -> bytes:
    return pickle.dumps(spaces.Discrete(9))
