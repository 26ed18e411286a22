"""The configuration's file as text, and the text as a mapping of sections; what cannot be read is said with its place."""

from pathlib import Path
from typing import Any

import yaml

from observer.core.errors import ConfigError


def text_of(path: Path) -> str:
    """The text of a configuration's file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(str(path), ["there is no such file: check the path, or leave it out for the defaults"]) from (
            error
        )
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [f"not a text in UTF-8 ({error.reason} at byte {error.start})"]) from error
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from error


def mapping_of(text: str, source: str) -> dict[str, Any]:
    """The sections in a YAML text; those at their defaults are left out.

    Raises:
        ConfigError: it is no YAML, or no mapping of sections.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(source, [f"line {line}: {error.problem or 'not YAML'}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError(source, [f"not YAML ({error})"]) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(source, ["not a mapping of sections such as `runs:` and `queue:`"])
    # a section whose every key is commented out is null in YAML: it is at its defaults
    return {str(key): value for key, value in data.items() if value is not None}
