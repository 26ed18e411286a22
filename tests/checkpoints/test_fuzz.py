"""Damaged checkpoints by the thousand, in a process that has little memory and ends at the first deed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


def outcomes_of(count: int, *, seed: int) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.checkpoints", str(count), str(seed)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    told = json.loads(done.stdout)
    assert told["grown_kib"] < 400 << 10
    outcomes: dict[str, int] = told["outcomes"]
    return outcomes


@pytest.mark.timeout(300)
def test_whatever_is_in_a_checkpoint_it_is_read_or_refused_in_words() -> None:
    outcomes = outcomes_of(200, seed=1)
    assert sum(outcomes.values()) >= 200
    assert len(outcomes) > 8, "the damage is to be of many kinds"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_damaged_checkpoints_are_read_or_refused_in_words(seed: int) -> None:
    assert sum(outcomes_of(10_000, seed=seed).values()) >= 10_000
