"""Whether JSON fits a schema of the project's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


def _names_its_time_zone(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


FORMATS = FormatChecker(())
FORMATS.checks("date-time", ValueError)(_names_its_time_zone)


def problems(schema: Mapping[str, Any], value: object) -> list[str]:
    """Where a JSON value does not fit; empty where it does.

    Raises:
        SchemaError: the schema itself is none.
    """
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(value)
    return [f"{problem.json_path}: {problem.message}" for problem in found]
