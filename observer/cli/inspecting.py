"""`observer inspect`: what a checkpoint or a ROM file is, without running a checkpoint's code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from env.cartridge import Cartridge
from env.known_roms import Hashes
from env.recognition import recognise
from observer.checkpointfile import read_file
from observer.cli.terminal import JsonOption, columns, show, warn
from observer.sb3zip import check_archive, describe, read_checkpoint, read_weights

ROM_SUFFIX: Final = ".nes"


def inspect(
    file: Annotated[Path, typer.Argument(help="A checkpoint's zip, or a ROM's .nes file.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what a checkpoint holds, without running any of it; or which game a ROM is."""
    if file.suffix.lower() == ROM_SUFFIX:
        _inspect_rom(file, as_json=as_json)
        return
    blob, _ = read_file(file)
    check_archive(blob)
    held = describe(read_checkpoint(blob), read_weights(blob))
    show(held if as_json else _inspection(held), as_json=as_json, title=file.name)


def _inspect_rom(file: Path, *, as_json: bool) -> None:
    cartridge = Cartridge.read(file)
    rom, hashes = recognise(cartridge), Hashes.of(cartridge)
    if not as_json:
        warn(rom.warning)
    told = {
        "game": rom.name,
        "sha256": rom.sha256,
        "sha1": hashes.content,
        "md5_with_header": hashes.file_md5,
        "program_bytes": len(cartridge.program),
        "graphics_bytes": len(cartridge.graphics),
    }
    show(told | {"warning": rom.warning} if as_json else told, as_json=as_json, title=file.name)


def _inspection(held: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint holds, a line for each tensor and each file."""
    return {
        **held,
        "timesteps": "not said" if held["timesteps"] is None else f"{held['timesteps']:,}",
        "system_info": "\n".join(line.removeprefix("- ") for line in held["system_info"]),
        "parameters": f"{held['parameters']:,}",
        "finite": "yes" if held["finite"] else "no: not a number, or infinite; the training has diverged",
        "weights": columns({name: "x".join(map(str, shape)) for name, shape in held["weights"].items()}),
        "members": columns({name: f"{size:,} bytes" for name, size in held["members"].items()}),
    }
