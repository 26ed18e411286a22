"""Checkpoint zips as SB3 lays them out, made without torch: whole for intake, too poor to play."""

import base64
import io
import json
import pickle
import zipfile
from functools import cache

import numpy as np
from gymnasium import spaces


def zip_of(step: int | None, *, weights: bytes = b"weights", without: str = "") -> bytes:
    """A checkpoint of `step` timesteps; other weights make another one; `without` a member, or a key of `data`."""
    data = {
        "policy_class": _serialized(b"cstable_baselines3.common.policies\nActorCriticPolicy\n."),
        "observation_space": _serialized(_pickled_board()),
        "action_space": _serialized(_pickled_pad()),
    }
    body = {**data, "num_timesteps": step}
    if step is None:
        del body["num_timesteps"]
    body.pop(without, None)
    members = {"data": json.dumps(body).encode(), "policy.pth": weights, "system_info.txt": b"made by a test"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            if name != without:
                archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _serialized(pickled: bytes) -> dict[str, str]:
    return {":type:": "made by a test", ":serialized:": base64.b64encode(pickled).decode()}


@cache
def _pickled_board() -> bytes:
    return pickle.dumps(spaces.Box(0, 1, (16, 8, 12), np.float32))


@cache
def _pickled_pad() -> bytes:
    return pickle.dumps(spaces.Discrete(9))
