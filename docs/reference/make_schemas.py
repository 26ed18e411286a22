"""The JSON Schemas of the files that people and programs read: `python docs/reference/make_schemas.py` writes them.

They come from the very types that the program reads and writes its files with.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from env.options import ENVIRONMENT_SCHEMA, EnvironmentOptions
from observer.adapters.jobfiles import SCHEMAS
from observer.adapters.trainingfiles import TRAINING_COLUMNS
from observer.adapters.writers.metrics_csv import COLUMNS
from observer.core.models import Episode, EvaluationResult

FOLDER: Final = Path(__file__).parent / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PROJECT: Final = "training-run-observer"

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
ANYTHING: Final[Schema] = {"type": "object"}

#: env/replay.py writes it by hand, key by key
REPLAY_HEADER: Final[Schema] = {
    "rom_sha256": SHA256,
    "scenario": ANYTHING,
    "seed": COUNT,
    "options": ANYTHING,
    "versions": ANYTHING,
    "metadata": ANYTHING,
    "record": ANYTHING,
    "checks": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "array", "prefixItems": [COUNT, {"type": "string", "pattern": "^[0-9a-f]{16}$"}]},
    },
    "frames": COUNT,
    "state_bytes": COUNT,
    "state_packed_bytes": COUNT,
}


def schemas() -> dict[str, Schema]:
    """File name -> schema."""
    made = {f"{name.split('/')[1]}.schema.json": _file(kind, name) for kind, name in SCHEMAS.items()}
    return made | {
        "environment.schema.json": _file(EnvironmentOptions, ENVIRONMENT_SCHEMA),
        "replay-header.schema.json": _object(f"{PROJECT}/replay-header/1", REPLAY_HEADER),
        "episodes-row.schema.json": _object(f"{PROJECT}/episodes-row/1", _episode()),
        "metrics-row.schema.json": _object(f"{PROJECT}/metrics-row/1", _row(COLUMNS)),
        "training-row.schema.json": _object(f"{PROJECT}/training-row/1", _row(TRAINING_COLUMNS)),
    }


def _file(kind: type, name: str) -> Schema:
    made = _tidy(TypeAdapter(kind).json_schema(mode="serialization"))
    own: Schema = {"schema": {"const": name}}
    if kind is EvaluationResult:
        own["plan_sha256"] = SHA256
    definitions = {"$defs": made["$defs"]} if "$defs" in made else {}
    return _object(name, {**own, **made["properties"]}) | definitions


def _object(name: str, properties: Mapping[str, Schema]) -> Schema:
    """Every key is always there, and no other."""
    return {
        "$schema": DIALECT,
        "$id": name,
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _episode() -> dict[str, Schema]:
    made = _tidy(TypeAdapter(Episode).json_schema(mode="serialization"))
    columns: dict[str, Schema] = made["properties"]
    return {**columns, "outcome": made["$defs"]["Outcome"]}


def _row(columns: Sequence[str]) -> dict[str, Schema]:
    """Of a table of games: the columns that are an episode's own have its types."""
    known = _episode() | {"timestamp": TIME, "episode": COUNT, "timestep": COUNT}
    return {column: known.get(column, TEXT) for column in columns}


def _tidy(node: Any) -> Any:  # noqa: ANN401 -- JSON values
    """Times as the files have them; no titles; objects with the keys they have and no others."""
    if isinstance(node, list):
        return [_tidy(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in {"title", "description", "default"}}
    if "properties" not in kept:
        return {key: _tidy(value) for key, value in kept.items()}
    made = {key: _time(value) if key.endswith("_at") else _tidy(value) for key, value in kept["properties"].items()}
    return {
        **{key: _tidy(value) for key, value in kept.items()},
        "properties": made,
        "required": list(made),
        "additionalProperties": False,
    }


def _time(node: Schema) -> Schema:
    return {"anyOf": [TIME, {"type": "null"}]} if {"type": "null"} in node.get("anyOf", ()) else TIME


def text_of(schema: Schema) -> str:
    """The text of a schema's file."""
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
