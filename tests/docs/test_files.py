"""The schemas of the files are those of the program, and real files fit them."""

import csv
import io
import json
import re
import runpy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fakes import jobs
from fakes.evaluations import STARTED_AT, digest_of, make_plan, make_result
from fakes.json_schema import problems

from env import replay as replays
from env.recordings import Count, MetricsTable
from observer.adapters import jobfiles
from observer.adapters.trainingfiles import TrainingFiles
from observer.core.models import (
    Checkpoint,
    Clip,
    EvaluationResult,
    Failure,
    Highlight,
    Progress,
    RenderRequest,
    RenderResult,
)

REFERENCE = jobs.ROOT / "docs" / "reference"
WORDS = (REFERENCE / "files.md").read_text(encoding="utf-8")
MAKER = runpy.run_path(str(REFERENCE / "make_schemas.py"))
NAMES = sorted(MAKER["schemas"]())


def a_result() -> EvaluationResult:
    checkpoint = Checkpoint(digest=digest_of("zip"), step=1000, name="a.zip", size=5, seen_at=STARTED_AT)
    return make_result(checkpoint, make_plan(), skill=0.5, finished_at=STARTED_AT + 60)


def schema(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((REFERENCE / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return read


def keys_of(node: Any) -> set[str]:  # noqa: ANN401 -- JSON values
    """Every key that a schema names, at any depth."""
    if isinstance(node, list):
        return {key for entry in node for key in keys_of(entry)}
    if not isinstance(node, dict):
        return set()
    below = {key for value in node.values() for key in keys_of(value)}
    return below | (set(node["properties"]) if isinstance(node.get("properties"), dict) else set())


def test_the_schemas_in_the_repository_are_those_of_the_program() -> None:
    made = {name: MAKER["text_of"](one) for name, one in MAKER["schemas"]().items()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (REFERENCE / "schemas").iterdir()}
    assert kept == made, "run `python docs/reference/make_schemas.py`, and think about the version"


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_explained_in_words(name: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", WORDS, flags=re.MULTILINE | re.DOTALL)
    explained = set(re.findall(r"`([^`]+)`", prose))
    assert keys_of(schema(name.removesuffix(".schema.json"))) - explained - {"schema"} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_linked_and_has_a_version(name: str) -> None:
    assert f"(schemas/{name})" in WORDS
    assert re.fullmatch(r"training-run-observer/[a-z-]+/\d+", schema(name.removesuffix(".schema.json"))["$id"])


def test_results_and_requests_fit(tmp_path: Path) -> None:
    result = a_result()
    plan, checkpoint = result.plan, result.checkpoint
    highlights = (Highlight(seed=0, reason="best"),)
    clip = Clip(highlight=highlights[0], video="a.mp4", poster="a.png", frames=60, seconds=1.0, width=256, height=224)
    files = jobs.job(tmp_path / "job", jobs.demo_checkpoints()[0], plan)
    render = RenderRequest(checkpoint=checkpoint, plan=plan, rom="x", replays="y", highlights=highlights)
    written = {
        "result": jobfiles.to_json(result),
        "evaluation-request": files.request.read_text(encoding="utf-8"),
        "render-request": jobfiles.to_json(render),
        "render-result": jobfiles.to_json(RenderResult(clips=(clip,), started_at=0.0, finished_at=1.0)),
        "progress": jobfiles.to_json(Progress(done=1, total=2, frames=3, cpu_seconds=0.5)),
        "failure": jobfiles.to_json(Failure(word="setup", sentence="there is no ROM")),
        "environment": jobs.sidecar().read_text(encoding="utf-8"),
    }
    for name, text in written.items():
        assert problems(schema(name), json.loads(text)) == [], name


def test_a_result_with_another_key_or_without_one_does_not_fit() -> None:
    told = json.loads(jobfiles.to_json(a_result()))
    assert problems(schema("result"), {**told, "elo": 1})
    assert problems(schema("result"), {key: value for key, value in told.items() if key != "summary"})
    assert problems(schema("result"), {**told, "started_at": 0.5})


def typed(cell: str) -> object:
    """A cell of a table as JSON would have it."""
    if cell in {"True", "False"}:
        return cell == "True"
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def row_problems(name: str, table: str) -> list[str]:
    """What the first row of a table has that its schema has not, and the other way."""
    (row, *_) = csv.DictReader(io.StringIO(table))
    told = schema(name)
    assert list(row) == told["required"]
    texts = {key for key, column in told["properties"].items() if column["type"] == "string"}
    return problems(told, {key: cell if key in texts else typed(cell) for key, cell in row.items()})


def test_the_rows_of_episodes_fit() -> None:
    assert row_problems("episodes-row", jobfiles.episodes_csv(a_result().episodes)) == []


def test_the_rows_of_a_recorded_training_fit(tmp_path: Path) -> None:
    recorded = MetricsTable(tmp_path / "recordings", run="baseline", env=0)
    recorded.add(asdict(a_result().episodes[0]), count_here=Count(episode=3, timestep=400))
    recorded.close()
    files = TrainingFiles(source=tmp_path / "recordings", target=tmp_path / "training", closed=tmp_path / "closed")
    files.take_in()
    files.merge(tmp_path / "training.csv")
    assert row_problems("training-row", (tmp_path / "training.csv").read_text(encoding="utf-8")) == []


def test_the_header_of_a_replay_fits() -> None:
    replay = replays.Replay(rom_sha256=digest_of("rom"), scenario={}, seed=1, inputs=bytes(4), checks=((2, "0" * 16),))
    blob = replays.to_bytes(replay)
    length = int.from_bytes(blob[10:14], "little")
    assert problems(schema("replay-header"), json.loads(blob[14 : 14 + length])) == []
