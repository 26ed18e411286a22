"""Reads damaged checkpoints until something other than a refusal in words comes of it: `python -m fuzz.checkpoints COUNT`.

A process of its own, whose memory is limited and which ends at the first thing that a checkpoint makes it do. What it
is given are the genuine ones of `tests/data/checkpoints`, damaged where it hurts: in the zip, its members, the JSON, the
pickles, the table of tensors. Prints what came of them as JSON.
"""

import base64
import io
import json
import resource
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import env.landing
import env.network  # noqa: F401 -- imported before the guard is up, as the classes of SB3 are
from observer.adapters.policy import load_policy
from observer.adapters.policy.spaces import as_gymnasium
from observer.core.errors import CheckpointError
from observer.sb3zip import check_archive, describe, read_checkpoint, read_normalization, read_weights

DATA: Final = Path(__file__).parent.parent / "data" / "checkpoints"
ROOM_BYTES: Final = 1 << 30
PICKLES: Final = ("policy_class", "policy_kwargs", "observation_space", "action_space", "_last_obs")
#: What a reader of data never does.
DEEDS: Final = (
    "exec", "compile", "import", "marshal", "pickle", "open", "os.", "subprocess", "socket", "ctypes", "shutil", "code.",
)  # fmt: skip

outcomes: Counter[str] = Counter()
is_reading = False


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    if is_reading and event.startswith(DEEDS):
        raise SystemExit(f"reading a checkpoint came to {event} {arguments!r:.200}")


@cache
def genuine() -> tuple[tuple[str, bytes], ...]:
    return tuple((path.name, path.read_bytes()) for path in sorted(DATA.iterdir()) if path.suffix in {".zip", ".pkl"})


def damaged(draw: st.DrawFn, blob: bytes) -> bytes:
    """Some bytes exchanged, put in or left out; or cut off."""
    broken = bytearray(blob)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(broken) - 1)))
        match draw(st.sampled_from(("exchange", "insert", "remove", "number", "cut"))):
            case "exchange":
                broken[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                broken[place:place] = draw(st.binary(max_size=6))
            case "remove":
                del broken[place : place + draw(st.integers(1, 8))]
            case "number":
                broken[place : place + 4] = draw(st.sampled_from(NUMBERS)).to_bytes(4, "little")
            case "cut":
                del broken[max(place, len(broken) // 2) :]
    return bytes(broken)


NUMBERS: Final = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 1 << 24)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(
        (
            "net_arch",
            "activation_fn",
            "ortho_init",
            "use_sde",
            "features_dim",
            "n_quantiles",
            "lstm_hidden_size",
            "n_lstm_layers",
            "features_extractor_kwargs",
            "log_std_init",
            "normalize_images",
            "shared_lstm",
            "optimizer_class",
        )
    ),
    VALUES | st.integers(-2, 1 << 40) | st.lists(st.integers(-1, 1 << 20), max_size=4),
    max_size=4,
)


def members(blob: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def in_member(draw: st.DrawFn, blob: bytes) -> bytes:
    """A zip that is whole, one member of which is not."""
    parts = members(blob)
    name = draw(st.sampled_from(sorted(parts)))
    return zipped({**parts, name: damaged(draw, parts[name])})


def in_weights(draw: st.DrawFn, blob: bytes) -> bytes:
    """The same, inside of `policy.pth`."""
    parts = members(blob)
    return zipped({**parts, "policy.pth": in_member(draw, parts["policy.pth"])})


def in_pickle(draw: st.DrawFn, blob: bytes) -> bytes:
    """A pickle that is whole base64, and not what it was."""
    parts = members(blob)
    data = json.loads(parts["data"])
    key = draw(st.sampled_from(PICKLES))
    held = data.get(key)
    serialized = held.get(":serialized:", "") if isinstance(held, dict) else ""
    pickled = damaged(draw, base64.b64decode(serialized))
    data[key] = {":type:": "?", ":serialized:": base64.b64encode(pickled).decode()}
    return zipped({**parts, "data": json.dumps(data).encode()})


def in_json(draw: st.DrawFn, blob: bytes) -> bytes:
    """Other values, or none, under the names that count."""
    parts = members(blob)
    data = json.loads(parts["data"])
    if draw(st.booleans()):
        data["policy_kwargs"] = draw(ARGUMENTS)
    else:
        key = draw(st.sampled_from((*PICKLES, "num_timesteps", "use_sde", "_last_original_obs")))
        data[key] = draw(VALUES)
    return zipped({**parts, "data": json.dumps(data).encode()})


DAMAGE: Final[tuple[Callable[[st.DrawFn, bytes], bytes], ...]] = (damaged, in_member, in_weights, in_pickle, in_json)


@st.composite
def inputs(draw: st.DrawFn) -> tuple[str, bytes]:
    name, blob = draw(st.sampled_from(genuine()))
    if name.endswith(".pkl"):
        return name, damaged(draw, blob)
    return name, draw(st.sampled_from(DAMAGE))(draw, blob)


def read(name: str, blob: bytes) -> None:
    """Everything that intake, `inspect` and a worker do with a file."""
    if name.endswith(".pkl"):
        read_normalization(blob)
        return
    check_archive(blob)
    contents = read_checkpoint(blob)
    json.dumps(describe(contents, read_weights(blob)))
    load_policy(
        blob,
        observation_space=as_gymnasium(contents.observation_space),
        action_space=as_gymnasium(contents.action_space),
        lanes=2,
        trusted_classes={},
    )


def attempt(name: str, blob: bytes) -> str:
    """The word of the refusal, or that there was none."""
    global is_reading  # noqa: PLW0603 -- an audit hook cannot be taken away again
    is_reading = True
    try:
        read(name, blob)
    except CheckpointError as error:
        if not error.sentence:
            raise SystemExit(f"{error.word} was said without a sentence") from error
        return error.word
    finally:
        is_reading = False
    return "read"


def main(count: int, begin: int) -> None:
    warnings.simplefilter("ignore")  # torch's, of layers without width; to show one would open its source
    warnings.simplefilter("error", RuntimeWarning)  # numpy's
    torch.set_num_threads(1)
    for name, blob in genuine():
        attempt_freely(name, blob)
    sys.addaudithook(guard)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Path("/proc/self/statm").open() as statm:
        mapped = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + ROOM_BYTES, mapped + ROOM_BYTES))

    @seed(begin)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs())
    def every_one_is_read_or_refused(given: tuple[str, bytes]) -> None:
        outcomes[attempt(*given)] += 1

    every_one_is_read_or_refused()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used
    print(json.dumps({"outcomes": outcomes, "grown_kib": grown}))  # noqa: T201 -- the result


def attempt_freely(name: str, blob: bytes) -> None:
    """Before the guard is up: what is imported once is imported."""
    try:
        read(name, blob)
    except CheckpointError:
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
