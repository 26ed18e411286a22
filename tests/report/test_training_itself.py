"""What the report says of the games that training played, in a real browser."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.evaluations import SampleRun, make_clips
from playwright.sync_api import Browser

from env import replay as replays
from env import segment
from env.stand_in import stand_in_rom
from observer.adapters.writers.report import Report
from observer.adapters.writers.trainingpage import training_view
from observer.core.models import Highlight
from observer.core.recorded import Film, Recorded


def film(output: Path, *, outcome: str = "loss", viruses: int = 1) -> Film:
    """The third game of the second segment of an environment that has played 102 games."""
    clip, *_ = make_clips(output / "training" / "clips", [7, 8, 9])
    clip = replace(clip, highlight=Highlight(seed=7, reason="baseline-0-1-2"))
    return Film(
        clip=clip, environment="baseline-0", episode=102, timestep=9000, outcome=outcome, viruses_cleared=viruses
    )


@pytest.mark.parametrize(
    ("outcome", "viruses", "words"),
    [
        ("loss", 0, "lost, 0 viruses cleared"),
        ("timeout", 1, "timed out, 1 virus cleared"),
        ("win", 4, "won, 4 viruses cleared"),
        ("", 2, "2 viruses cleared"),
    ],
)
def test_a_game_is_told_in_the_words_of_the_other_clips(tmp_path: Path, outcome: str, viruses: int, words: str) -> None:
    shown = training_view(Recorded(games=1, films=(film(tmp_path, outcome=outcome, viruses=viruses),)), output="x")
    assert shown is not None
    assert f": {words}, " in shown.films[0].caption


def test_the_caption_has_what_the_command_below_asks_for(sample: SampleRun, tmp_path: Path) -> None:
    shown = training_view(Recorded(games=1, films=(film(sample.output),)), output="x")
    assert shown is not None
    told = re.search(r"(\S+) episode (\d+), seed 7:", shown.films[0].caption)
    assert told is not None
    path = tmp_path / f"{told[1]}{segment.SUFFIX}"
    game = replays.read(stand_in_rom().parent / "games" / "two-players.replay")
    writer = segment.SegmentWriter(path)
    for seed in (5, 6, 7):
        writer.add(replace(game, seed=seed))
    writer.close()
    assert segment.game(path, int(told[2])).seed == 7


def test_the_command_has_the_folder_in_it_so_that_it_works_from_anywhere(sample: SampleRun, browser: Browser) -> None:
    path = sample.output / "report" / "index.html"
    recorded = Recorded(games=103, environments=1, films=(film(sample.output),))
    Report(path=path, run="baseline").write(replace(sample.publication(), recorded=recorded))
    page = browser.new_page()
    page.goto(path.as_uri())
    told = page.locator("code", has_text="NAME.segment").inner_text()
    page.close()
    assert told == f"observer render {sample.output}/training/NAME.segment --episode N"
