"""What is wrong with a configuration file, in words for whoever wrote it. Pure; knows no section by name."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

#: pydantic speaks of Python's types; here of what stands in the file
_WORDS: Final = {
    "extra_forbidden": "this key is not known",
    "tuple_type": "this is a list: write `- ` before each entry, or [...] around them",
    "model_type": "this is a section: its keys stand below it",
}


def problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Every problem with its place in the file, such as `queue.max_failures: ...`.

    A list with a wrong entry is called too short besides, which helps nobody: only the innermost is said.

    Args:
        error: what validating the file gave.
        model: of the whole file; a key that is not known is held against its keys.
    """
    entries, known = error.errors(), list(_keys(model, ()))
    places = [entry["loc"] for entry in entries]
    return [
        _problem(entry, known)
        for entry in entries
        if not any(len(place) > len(entry["loc"]) and place[: len(entry["loc"])] == entry["loc"] for place in places)
    ]


def _problem(entry: Mapping[str, Any], known: Sequence[tuple[str, ...]]) -> str:
    message = _WORDS.get(entry["type"], str(entry["msg"]).removeprefix("Value error, "))
    if entry["type"] == "extra_forbidden":
        message += _hint(entry["loc"], known)
    where = ".".join(str(part) for part in entry["loc"])
    given = "" if isinstance(entry["input"], dict | list | BaseModel) else f" (given: {entry['input']!r})"
    return f"{where}: {message}{given}" if where else message


def _hint(place: tuple[str | int, ...], known: Sequence[tuple[str, ...]]) -> str:
    """The key that was meant: of the same section if one is spelt like it, else of any."""
    wrong, section = str(place[-1]), [part for part in place[:-1] if isinstance(part, str)]
    here = [key[-1] for key in known if [*key[:-1]] == section]
    near = [(*section, name) for name in difflib.get_close_matches(wrong, here, n=1)]
    near += sorted((key for key in known if key[-1] == wrong), key=lambda key: [*key[: len(section)]] != section)
    return f"; did you mean `{'.'.join(near[0])}`?" if near else ""


def _keys(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every key of the file, with those of the sections and lists below it."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _keys(kind, (*above, name))
