"""As much of JSON Schema as the project's own schemas use; anything else in a schema is an error."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
PASSED_OVER = {"$schema", "$id", "$defs", "required", "additionalProperties", "prefixItems"}


def problems(schema: Mapping[str, Any], value: Any, *, root: Mapping[str, Any] | None = None) -> list[str]:  # noqa: ANN401
    """Where a JSON value does not fit; empty where it does."""
    whole = schema if root is None else root
    found = []
    for keyword, wanted in schema.items():
        if keyword not in PASSED_OVER:
            found += [f"{keyword}: {problem}" for problem in CHECKS[keyword](wanted, value, schema, whole)]
    return found


def _ref(wanted: str, value: Any, _schema: Any, whole: Any) -> list[str]:  # noqa: ANN401
    return problems(whole["$defs"][wanted.removeprefix("#/$defs/")], value, root=whole)


def _any_of(wanted: Any, value: Any, _schema: Any, whole: Any) -> list[str]:  # noqa: ANN401
    tried = [problems(choice, value, root=whole) for choice in wanted]
    return [] if [] in tried else [problem for choice in tried for problem in choice]


def _type(wanted: str, value: Any, _schema: Any, _whole: Any) -> Iterator[str]:  # noqa: ANN401
    is_number_by_chance = isinstance(value, bool) and wanted != "boolean"
    if not isinstance(value, TYPES[wanted]) or is_number_by_chance:
        yield f"{value!r} is not a {wanted}"


def _properties(wanted: Any, value: Any, schema: Any, whole: Any) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(value, dict):
        return
    yield from (f"{key} is missing" for key in schema.get("required", ()) if key not in value)
    if schema.get("additionalProperties") is False:
        yield from (f"{key} is not known" for key in value if key not in wanted)
    for key in wanted.keys() & value.keys():
        yield from (f"{key}: {problem}" for problem in problems(wanted[key], value[key], root=whole))


def _items(wanted: Any, value: Any, _schema: Any, whole: Any) -> Iterator[str]:  # noqa: ANN401
    for entry in value if isinstance(value, list) else ():
        yield from problems(wanted, entry, root=whole)


def _format(wanted: str, value: Any, _schema: Any, _whole: Any) -> Iterator[str]:  # noqa: ANN401
    assert wanted == "date-time"
    if isinstance(value, str) and datetime.fromisoformat(value).tzinfo is None:
        yield f"{value!r} has no time zone"


CHECKS: Mapping[str, Any] = {
    "$ref": _ref,
    "anyOf": _any_of,
    "type": _type,
    "properties": _properties,
    "items": _items,
    "format": _format,
    "const": lambda wanted, value, *_: [] if value == wanted else [f"{value!r} is not {wanted!r}"],
    "enum": lambda wanted, value, *_: [] if value in wanted else [f"{value!r} is none of {wanted!r}"],
    "pattern": lambda wanted, value, *_: [] if re.search(wanted, value) else [f"{value!r}"],
    "minimum": lambda wanted, value, *_: [] if value >= wanted else [f"{value!r} is less than {wanted}"],
    "minItems": lambda wanted, value, *_: [] if len(value) >= wanted else ["too few"],
}
