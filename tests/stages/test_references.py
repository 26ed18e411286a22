"""Reference players: they play a plan's games in a worker, and stay apart from checkpoints."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes import jobs
from fakes.clock import FakeClock
from fakes.evaluations import digest_of, make_plan

from env.cartridge import Cartridge
from env.options import EnvironmentOptions, OpponentName, Scenario
from env.replay import read as read_replay
from env.stand_in import stand_in_rom
from observer.adapters import jobfiles
from observer.adapters.writers import charts
from observer.core.layout import JobFiles, RunLayout
from observer.core.models import Digest, Estimate, EvaluationPlan, EvaluationRequest
from observer.core.plan import canonical_json
from observer.core.reference import Player, as_checkpoint, played_by
from observer.stages.evaluation import evaluate


def plan() -> EvaluationPlan:
    rom = Digest(Cartridge.read(stand_in_rom()).sha256)
    return replace(make_plan(episodes=2), rom_sha256=rom, frame_limit=3_000, lanes=2)


def request(player: Player, games: EvaluationPlan | None = None, *, opponent: Path | None = None) -> EvaluationRequest:
    asked = EvaluationRequest(
        checkpoint=as_checkpoint(player),
        snapshot="",
        plan=games or plan(),
        rom=str(stand_in_rom()),
        start_states=None,
        opponent=None if opponent is None else str(opponent),
    )
    return played_by(player, asked)


def versus(opponent: OpponentName, **sets: Any) -> EvaluationPlan:  # noqa: ANN401 -- of EnvironmentOptions
    options = EnvironmentOptions(scenario=Scenario(mode="2p"), opponent=opponent, **sets)
    return replace(plan(), environment=options, frame_limit=300)


def inputs_of(asked: EvaluationRequest, folder: Path) -> list[bytes]:
    """What both players pressed in each game: the agent's pad, then the other's, frame by frame."""
    folder.mkdir()
    evaluate(asked, JobFiles(folder), clock=FakeClock(), on_progress=lambda _told: None, confinement="none")
    return [read_replay(folder / "replays" / f"{seed}.replay").inputs for seed in asked.plan.seeds]


def test_the_scripted_player_wins_the_very_games_that_checkpoints_play(tmp_path: Path) -> None:
    wanted = request("scripted")
    assert (wanted.plan.seeds, wanted.plan.scenario) == (plan().seeds, plan().scenario)
    result = evaluate(wanted, JobFiles(tmp_path), clock=FakeClock(), on_progress=lambda _told: None, confinement="none")
    assert result.summary.wins == 2
    assert result.checkpoint.name == "scripted player"
    assert read_replay(tmp_path / "replays" / "0.replay").record["outcome"] == "win"
    assert jobfiles.summary_of(canonical_json(jobfiles.plain(result.summary))) == result.summary


def test_the_random_player_draws_by_the_games_seed_among_the_plans_own_actions(tmp_path: Path) -> None:
    wanted = request("random")
    assert wanted.plan == plan()
    short = replace(wanted, plan=replace(wanted.plan, frame_limit=200))
    one, two = inputs_of(short, tmp_path / "one"), inputs_of(short, tmp_path / "two")
    assert one == two
    assert one[0] != one[1]


def test_the_other_side_is_the_one_that_checkpoints_meet(tmp_path: Path) -> None:
    """The scripted player has actions of its own, its opponent has those of the plan."""
    games = versus("random", actions="pad")
    scripted = inputs_of(request("scripted", games), tmp_path / "scripted")
    drawn = inputs_of(request("random", games), tmp_path / "random")
    for one, two in zip(scripted, drawn, strict=True):
        common = min(len(one), len(two))
        assert one[1:common:2] == two[1:common:2]
        assert one[0:common:2] != two[0:common:2]


def test_the_scripted_player_meets_a_checkpoint_that_sees_and_does_something_else(tmp_path: Path) -> None:
    opponent = jobs.demo_checkpoints()[-1]
    games = versus("checkpoint", observation="relative", actions="placement")
    digest = Digest(hashlib.sha256(opponent.read_bytes()).hexdigest())
    asked = request("scripted", replace(games, opponent_sha256=digest), opponent=opponent)
    assert all(any(pressed[1::2]) for pressed in inputs_of(asked, tmp_path / "job"))


def test_no_reference_player_is_taken_for_a_checkpoint() -> None:
    digests = {as_checkpoint(player).digest for player in ("random", "scripted")}
    assert len(digests) == 2
    layout = RunLayout(Path("run"))
    place = layout.reference(f"{digest_of('plan')}/scripted")
    assert place.relative_to(layout.output).parts == ("references", digest_of("plan")[:8], "scripted")


def test_a_level_is_drawn_where_its_value_is_and_said_in_words() -> None:
    half = Estimate(value=0.5, low=0.25, high=0.75, n=20)
    point = charts.Point(x=100, y=half, title="step 100")
    level = charts.Level(name="random player", y=half, words="50%")
    chart = charts.curve([point], title="won", axis=charts.value_axis(1.0), word=str, levels=[level])
    (drawn,) = chart.levels
    assert (drawn.y, drawn.low, drawn.high) == (chart.marks[0].y, chart.marks[0].low, chart.marks[0].high)
    assert (drawn.name, drawn.words) == ("random player", "50%")
