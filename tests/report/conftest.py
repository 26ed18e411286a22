from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes.evaluations import SampleRun
from playwright.sync_api import Browser, Page

from observer.adapters.writers.report import Report


@pytest.fixture
def sample(tmp_path: Path) -> SampleRun:
    return SampleRun(tmp_path)


@dataclass
class Reader:
    """Somebody who opens a report, and what the browser complained about meanwhile."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, sample: SampleRun, *, run: str = "baseline") -> Page:
        path = sample.output / "report" / "index.html"
        Report(path=path, run=run).write(sample.publication())
        self.page.goto(path.as_uri())
        return self.page

    @property
    def outside_requests(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


@pytest.fixture
def reader(browser: Browser) -> Iterator[Reader]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield Reader(page)
    page.close()
