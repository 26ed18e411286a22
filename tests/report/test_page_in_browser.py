from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

import pytest
from fakes.evaluations import STARTED_AT, SampleRun, make_clips, make_plan
from playwright.sync_api import Page

from observer.core.models import ParkedFile

HOSTILE = '"\'><img src=x onerror="window.broken=1"></title><script>window.broken=1</script>{{ 7*7 }}\u202e.zip'


class Reader(Protocol):
    page: Page
    complaints: list[str]

    def open(self, sample: SampleRun, *, run: str = "baseline") -> Page: ...

    @property
    def outside_requests(self) -> list[str]: ...


def add_clips(sample: SampleRun) -> None:
    """Give the newest evaluation its three clips."""
    evaluation = sample.evaluations[-1]
    clips = make_clips(sample.output / evaluation.directory / "clips", [3, 5, 9])
    sample.evaluations[-1] = replace(evaluation, clips=clips)


def fill(sample: SampleRun, checkpoints: int) -> None:
    for number in range(checkpoints):
        sample.add(1_000_000_000 * (number + 1) // checkpoints, skill=(number + 1) / (checkpoints + 1))


def plays(page: Page, selector: str) -> bool:
    """Whether the first such video gets on from where it is."""
    page.wait_for_function(
        "selector => { const v = document.querySelector(selector); return v.readyState >= 2 && v.currentTime > 0.1 }",
        arg=selector,
        timeout=60_000,
    )
    return True


@pytest.mark.parametrize("checkpoints", [0, 1, 2, 60])
def test_a_page_of_any_size_opens_offline_without_a_complaint(
    sample: SampleRun, reader: Reader, checkpoints: int
) -> None:
    fill(sample, checkpoints)
    page = reader.open(sample)
    assert page.locator("tbody tr").count() == checkpoints
    assert page.locator("figure.card svg circle.dot").count() == 2 * checkpoints
    assert reader.complaints == []
    assert reader.outside_requests == []


def test_what_was_dropped_is_said_with_how_to_have_it_again(sample: SampleRun, reader: Reader) -> None:
    fill(sample, 2)
    add_clips(sample)
    newest = sample.evaluations[-1]
    sample.evaluations[-1] = replace(newest, clips=newest.clips[:1], dropped=newest.clips[1:])
    page = reader.open(sample)
    page.locator("tbody details").click()
    told = page.locator("tbody details").inner_text()
    assert "median (seed 5), worst (seed 9)" in told
    assert "observer render 1000000000 --seed 5" in told
    assert reader.complaints == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_of_the_page(sample: SampleRun, reader: Reader, width: int) -> None:
    sample.parked.append(ParkedFile(path="p" * 300, word="damaged", sentence="s" * 300, seen_at=STARTED_AT))
    fill(sample, 9)
    sample.add(2_000_000_000, name="n" * 250, plan=make_plan(level=20))
    add_clips(sample)
    reader.page.set_viewport_size({"width": width, "height": 800})
    page = reader.open(sample, run="r" * 200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_headline_says_how_the_newest_checkpoint_does(sample: SampleRun, reader: Reader) -> None:
    for step, skill in ((1000, 0.1), (2000, 0.5), (3000, 0.95)):
        evaluation = sample.add(step, skill=skill, plan=make_plan(episodes=100))
    wins = sample.result(evaluation).summary.wins
    page = reader.open(sample)
    headline = page.locator(".headline").inner_text()
    assert f"{wins}%" in headline
    assert f"{wins} of 100 games" in headline
    assert "3,000" in headline
    assert headline.count("clearly better") == 2
    assert page.title() == f"{wins}% won · baseline"


def test_a_clip_of_the_newest_checkpoint_plays_in_the_page(sample: SampleRun, reader: Reader) -> None:
    sample.add(1000)
    add_clips(sample)
    page = reader.open(sample)
    assert page.locator(".clips video").count() == 3
    page.evaluate("document.querySelector('.clips video').play()")
    assert plays(page, ".clips video")
    assert reader.complaints == []


def test_a_small_picture_plays_in_front_of_the_page_and_escape_puts_it_away(sample: SampleRun, reader: Reader) -> None:
    sample.add(1000)
    add_clips(sample)
    page = reader.open(sample)
    page.locator("a.clip").nth(1).click()
    assert plays(page, "dialog video")
    assert "median game at step 1,000" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => !document.querySelector('dialog').open && !document.querySelector('dialog video').src"
    )
    assert reader.complaints == []


def test_everything_the_page_points_to_is_there(sample: SampleRun, reader: Reader) -> None:
    sample.add(1000)
    add_clips(sample)
    page = reader.open(sample)
    script = "[...document.querySelectorAll('a, img, video')].flatMap(e => [e.href, e.src, e.poster]).filter(Boolean)"
    addresses: list[str] = page.evaluate(script)
    assert len([address for address in addresses if address.endswith(".mp4")]) == 6
    assert all(Path(unquote(urlparse(address).path)).exists() for address in addresses)


def test_hostile_names_are_shown_and_do_nothing(sample: SampleRun, reader: Reader) -> None:
    sample.add(1000, name=HOSTILE)
    sample.parked.append(ParkedFile(path=HOSTILE, word="hostile", sentence=HOSTILE, seen_at=STARTED_AT))
    page = reader.open(sample, run=HOSTILE)
    assert page.evaluate("window.broken") is None
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("th small.name").get_attribute("title") == HOSTILE
    assert HOSTILE in page.locator("table.wide").inner_text()
    assert reader.complaints == []


def test_even_markup_that_slipped_through_could_not_reach_the_network(sample: SampleRun, reader: Reader) -> None:
    page = reader.open(sample)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/x.png\">')")
    page.wait_for_function("() => document.querySelector('body > img').complete")
    assert any("Content Security Policy" in complaint for complaint in reader.complaints)


def test_a_file_name_that_is_no_text_does_not_break_the_page(sample: SampleRun, reader: Reader) -> None:
    sample.parked.append(ParkedFile(path="odd-\udcff.zip", word="not_a_zip", sentence="no", seen_at=STARTED_AT))
    assert "odd-?.zip" in reader.open(sample).locator("table.wide").inner_text()


def test_scenarios_stand_apart_in_their_order_and_are_chosen_from_a_list(sample: SampleRun, reader: Reader) -> None:
    for step in (1000, 2000):
        for level in (5, 0):  # the one that is asked for last is looked at first
            sample.add(step, plan=make_plan(level=level))
    page = reader.open(sample)
    titles = ["One player, level 0, medium speed", "One player, level 5, medium speed"]
    assert page.locator("nav a").all_inner_texts() == titles
    assert page.locator("section > h2").first.inner_text() == f"{titles[0]} 1p-level0-med"
    for number, title in enumerate(titles):
        section = page.get_by_role("region", name=title, exact=True)
        assert section.locator("tbody tr").count() == 2
        assert section.locator("figure.card").count() == 2
        assert "first" in section.locator("tbody tr").last.inner_text(), "compared within its scenario alone"
        page.locator("nav a").nth(number).click()
        page.wait_for_function("id => location.hash === '#' + id", arg=section.get_attribute("id"))
    assert reader.complaints == []


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(sample: SampleRun, reader: Reader, scheme: Any) -> None:  # noqa: ANN401 -- a literal of playwright's
    reader.page.emulate_media(color_scheme=scheme)
    page = reader.open(sample)
    script = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    colours = {name: page.evaluate(script, f"--{name}") for name in ("card", "paper", "ink", "soft", "up", "down")}
    for name in ("ink", "soft", "up", "down"):
        assert _contrast(colours[name], colours["card"]) >= 4.5, name
        assert _contrast(colours[name], colours["paper"]) >= 4.5, name


def test_people_who_do_not_see_the_curves_are_told_where_they_go(sample: SampleRun, reader: Reader) -> None:
    sample.add(100_000, skill=0.0)
    sample.add(200_000, skill=1.0)
    page = reader.open(sample)
    said = page.locator("figure.card svg").first.get_attribute("aria-label")
    assert said == "Games won: from 0% at step 100k to 100% at step 200k, 2 checkpoints"
    assert page.locator("th[scope=col]").count() == 11
    assert page.locator("th[scope=row]").count() == 2
