"""What is asked of a running daemon, and of one that does not run yet."""

from pathlib import Path

from fakes.site import Site
from fakes.zips import zip_of


def test_a_running_daemon_hears_of_a_request_without_waiting_for_its_next_look(site: Site) -> None:
    site.configure(episodes=12, rescan=600)
    site.drop(1000)
    site.tell_workers(evaluate="dawdle")
    daemon = site.start()
    site.until(lambda found: bool(found["running"]))
    assert f"process {daemon.pid} does so now" in site.ask("pause")
    site.until(lambda found: found["paused"] is not None and not found["running"])
    site.ask("resume")
    site.until(lambda found: found["evaluations"] == 1)
    assert site.status()["paused"] is None


def test_a_pause_outlives_the_daemon_and_what_is_asked_meanwhile_is_done_by_the_next(
    site: Site, tmp_path: Path
) -> None:
    site.drop(1000)
    site.ask("pause")
    assert "observer.stopped" in site.finish()
    found = site.status()
    assert (found["queue"]["waiting"], found["queue"]["done"]) == (1, 0)
    elsewhere = tmp_path / "elsewhere.zip"
    elsewhere.write_bytes(zip_of(77))
    assert "no daemon runs" in site.ask("evaluate", "--now", str(elsewhere))
    site.ask("resume")
    said = site.finish()
    assert said.index("kind=evaluate step=77") < said.index("kind=evaluate step=1000")
    assert site.status()["queue"]["done"] == 2


def test_what_crashed_is_tried_again_when_it_is_asked_for(site: Site) -> None:
    site.drop(1000)
    site.tell_workers(evaluate="crash_at_once")
    site.start()
    site.until(lambda found: found["queue"].get("parked") == 1)
    site.tell_workers()
    assert "step 1,000: evaluate, parked (job 1)" in site.ask("retry", "--all")
    site.until(lambda found: found["evaluations"] == 1)


def test_the_report_is_final_when_training_has_ended_and_everything_is_played(site: Site) -> None:
    site.drop(1000)
    (site.watch / "training.done").touch()
    said = site.finish()
    assert said.index("job.committed") < said.index("run.completed")
    found = site.status()
    assert found["ended"] == "training.done lies beside the checkpoints"
    assert found["final"] is not None
    assert "Final report." in site.layout.report.read_text(encoding="utf-8")
