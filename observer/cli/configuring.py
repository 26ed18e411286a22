"""`observer config`: check, show, schema."""

import json

import yaml
from rich.markup import escape

from observer import app
from observer import config as configuration
from observer.cli.terminal import ConfigOption, out, warn


def check(config: ConfigOption = None) -> None:
    """Name every problem of the configuration, of the ROM and of the emulator."""
    rom = app.check_setup(configuration.load(config))
    warn(rom.warning)
    out.print(f"the configuration can be used; the ROM is {escape(rom.name)}", soft_wrap=True)


def show(config: ConfigOption = None) -> None:
    """Print the whole configuration with the defaults filled in."""
    print(yaml.safe_dump(configuration.load(config).model_dump(mode="json"), sort_keys=False), end="")  # noqa: T201


def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    print(json.dumps(configuration.schema(), indent=2))  # noqa: T201 -- this is the answer
