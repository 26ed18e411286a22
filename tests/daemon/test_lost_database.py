"""The database is damaged or gone: what it said is found again from the results, and nothing is played twice."""

import pytest
from fakes.site import Site


@pytest.mark.parametrize(
    "harm", ["overwritten", *(pytest.param(harm, marks=pytest.mark.slow) for harm in ("empty", "gone with its log"))]
)
def test_a_daemon_finds_everything_again(site: Site, harm: str) -> None:
    site.drop(1000, 2000)
    site.finish()
    before = site.status()
    database = site.layout.database
    results = {path: path.stat().st_mtime_ns for path in site.layout.output.glob("checkpoints/**/*")}
    if harm == "overwritten":
        database.write_bytes(b"\xff" * 100_000)
    elif harm == "empty":
        database.write_bytes(b"")
    else:
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
    site.drop(3000)
    said = site.finish()
    assert ("database.replaced" in said) == (harm == "overwritten")
    assert len(list(database.parent.glob("observer.db.damaged-*Z"))) == (harm == "overwritten")
    assert "results.recovered evaluations=2" in said.replace("event=", "")
    found = site.status()
    assert (found["queue"]["done"], found["evaluations"], before["evaluations"]) == (3, 3, 2)
    told = [problem["sentence"] for problem in found["problems"] if problem["what"] == "database"]
    assert len(told) == (harm == "overwritten")
    assert all("paused, parked or passed over" in sentence and "observer.db.damaged-" in sentence for sentence in told)
    assert said.count("job.claimed") == 2  # the new checkpoint and its clips
    assert {path: path.stat().st_mtime_ns for path in results if path.is_file()}.items() <= results.items()
    assert len(site.layout.metrics.read_text(encoding="utf-8").splitlines()) == 1 + 12
