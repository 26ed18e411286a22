"""kill -9 of daemon, workers and emulators at random moments: what comes of it is what comes of an undisturbed run."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import jobs
from fakes.real_site import RealSite

from observer.adapters import jobfiles
from observer.core.models import EvaluationRequest, EvaluationResult

TIMES = re.compile(rb'"\w+_at": "[^"]+"')


def evidence(site: RealSite) -> dict[str, bytes]:
    """Every file of every evaluation, without the times in it."""
    files = [path for path in site.layout.output.glob("checkpoints/**/*") if path.is_file()]
    return {str(path.relative_to(site.layout.output)): TIMES.sub(b"", path.read_bytes()) for path in files}


def rows(site: RealSite) -> list[list[str]]:
    """The table without its times, which it is ordered by."""
    return sorted(line.split(",")[1:] for line in site.layout.metrics.read_text(encoding="utf-8").splitlines())


def leftovers(site: RealSite) -> list[Path]:
    hidden = [path for path in site.layout.output.glob("checkpoints/**/.*") if path.is_file()]
    return [*site.layout.jobs.iterdir(), *hidden]


@pytest.mark.timeout(300)
def test_three_kills_change_no_game(tmp_path: Path) -> None:
    site = RealSite(tmp_path / "killed", episodes=2, workers=1)
    victims = site.kill(3, generator=np.random.default_rng(1), pause_seconds=(0.2, 2.0))
    site.finish()
    assert victims.total() == 3
    assert len(site.results) == site.dropped
    result = jobfiles.read(EvaluationResult, site.results[-1])
    zip_path = site.watch / result.checkpoint.name
    alone = jobs.job(tmp_path / "alone", zip_path, result.plan)
    request = jobfiles.read(EvaluationRequest, alone.request)
    jobfiles.write(alone.request, replace(request, checkpoint=result.checkpoint))
    played = jobs.play_here(alone)
    for replay in played.replays.iterdir():
        assert (site.results[-1].parent / "replays" / replay.name).read_bytes() == replay.read_bytes()
    assert (site.results[-1].parent / "episodes.csv").read_bytes() == played.table.read_bytes()
    assert leftovers(site) == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_kills_change_nothing(tmp_path: Path, record_property: Any) -> None:  # noqa: ANN401 -- a callable
    killed = RealSite(tmp_path / "killed", episodes=12, workers=2, clips=("best",))
    victims = killed.kill(100, generator=np.random.default_rng(), pause_seconds=(0.5, 8.0))
    killed.finish()
    calm = RealSite(tmp_path / "calm", episodes=12, workers=2, clips=("best",))
    shutil.copytree(killed.watch, calm.watch, dirs_exist_ok=True)
    calm.finish()
    told = {
        **victims,
        "evaluations": len(killed.results),
        "jobs returned": killed.log.read_text().count("job.returned"),
    }
    print("killed:", json.dumps(told))  # noqa: T201 -- ./run soak shows it
    record_property("killed", told)
    assert len(killed.results) == killed.dropped
    assert evidence(killed) == evidence(calm)
    assert rows(killed) == rows(calm)
    assert leftovers(killed) == []
