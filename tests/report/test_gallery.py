"""The games that can be watched, in a real browser."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from fakes.evaluations import SampleRun, make_clips, make_plan
from playwright.sync_api import Page


class Reader(Protocol):
    page: Page
    complaints: list[str]

    def open(self, sample: SampleRun, *, run: str = "baseline") -> Page: ...


def _unfold(page: Page) -> None:
    page.locator(".gallery summary").click()
    page.locator(".cells button").first.wait_for()


@pytest.fixture
def filled(sample: SampleRun) -> SampleRun:
    for step in (1000, 2000):
        sample.add(step, skill=0.5)
    newest = sample.evaluations[-1]
    clips = make_clips(sample.output / newest.directory / "clips", [3, 5, 9])
    sample.evaluations[-1] = replace(newest, clips=clips)
    return sample


def test_every_game_of_a_checkpoint_is_there_those_with_a_clip_first(filled: SampleRun, reader: Reader) -> None:
    page = reader.open(filled)
    _unfold(page)
    named = page.locator(".cells button").all_text_contents()
    assert named == ["\u25b6 3", "\u25b6 5", "\u25b6 9", *(str(seed) for seed in range(20) if seed not in {3, 5, 9})]
    assert reader.complaints == []


def test_a_game_says_how_it_ended_and_the_command_that_makes_its_clip(filled: SampleRun, reader: Reader) -> None:
    page = reader.open(filled)
    _unfold(page)
    page.locator(".cells button", has_text="17").click()
    folder = filled.output / filled.evaluations[-1].directory
    assert page.locator(".told code").inner_text() == f"observer render {folder}/replays/17.replay"
    game = filled.result(filled.evaluations[-1]).episodes[17]
    ending = {"win": "won", "loss": "lost", "timeout": "timed out"}[game.outcome]
    assert page.locator(".told").inner_text().startswith(f"Seed 17 at step 2,000: {ending}, ")


def test_a_clip_that_is_there_is_linked(filled: SampleRun, reader: Reader) -> None:
    page = reader.open(filled)
    _unfold(page)
    page.locator(".cells button", has_text="5").first.click()
    address = page.locator(".told a").evaluate("link => link.href")
    assert Path(address.removeprefix("file://")).is_file()


def test_another_checkpoint_and_only_the_games_won_can_be_chosen(filled: SampleRun, reader: Reader) -> None:
    page = reader.open(filled)
    _unfold(page)
    page.select_option(".gallery select[name=row]", label="1,000")
    page.select_option(".gallery select[name=outcome]", label="won")
    games = filled.result(filled.evaluations[0]).episodes
    won = [str(game.seed) for game in games if game.outcome == "win"]
    assert page.locator(".cells button").all_text_contents() == won


def test_a_hundred_checkpoints_with_a_hundred_games_take_little_of_the_page(sample: SampleRun, reader: Reader) -> None:
    for number in range(100):
        sample.add(1000 * (number + 1), skill=0.5, plan=make_plan(episodes=100))
    page = reader.open(sample)
    _unfold(page)
    assert page.locator(".cells button").count() == 100
    gallery = page.locator(".gallery script").evaluate("script => script.textContent.length")
    assert gallery < 120_000
    assert (sample.output / "report" / "index.html").stat().st_size < 1_000_000
