"""The films of a time-lapse in a real browser, as the report shows them."""

import shutil
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.evaluations import SampleRun
from playwright.sync_api import Browser

from observer.adapters.writers.report import Report
from observer.core.layout import JobFiles
from observer.core.timelapse import TimelapseRequest
from observer.stages.lapsing import lapse

#: plays a film to its end at sixteen times its speed, and tells what was seen
PLAY = """video => new Promise((resolve, reject) => {
    video.onerror = () => reject(video.error.message);
    video.onended = () => resolve({
        width: video.videoWidth, height: video.videoHeight, seconds: video.duration,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        sound: video.webkitAudioDecodedByteCount > 0,
    });
    video.playbackRate = 16;
    video.play();
})"""


def test_both_films_play_to_their_end_in_the_report(browser: Browser, three: TimelapseRequest, tmp_path: Path) -> None:
    sample = SampleRun(tmp_path)
    sample.add(0, skill=0.1)
    sample.add(20_000, skill=0.4)
    made = lapse(three, JobFiles(tmp_path / "job"), clock=FakeClock(), on_progress=lambda _: None)
    for name in (made.video, made.grid):
        shutil.copyfile(tmp_path / "job" / "clips" / name, tmp_path / name)
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    report = tmp_path / "report" / "index.html"
    Report(path=report, run="baseline").write(sample.publication(timelapse=made))
    page.goto(report.as_uri())
    for place, (width, height, seconds, sound) in enumerate(
        [(512, 640, made.video_seconds, True), (264, 196, made.grid_seconds, False)]
    ):
        played = page.locator(".lapse video").nth(place).evaluate(PLAY)
        assert (played["width"], played["height"], played["sound"]) == (width, height, sound)
        assert played["seconds"] == pytest.approx(seconds, abs=0.05)
        assert played["frames"] > 10
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
