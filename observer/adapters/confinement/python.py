"""What a Python program, an emulator and their libraries read of a machine: programs, libraries, a few tables.

Nothing of anybody's home, but where Python itself, or a module that was named, lies there.
"""

import importlib.util
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

#: `/proc` without what is private to processes outside of the confinement, which Landlock itself holds back
_MACHINE: Final = ("/proc", "/sys/devices/system", "/usr", "/lib", "/lib64", "/bin")
_TABLES: Final = (
    *("ld.so.cache", "ld.so.preload", "localtime", "timezone", "alternatives", "passwd", "group"),
    *("nsswitch.conf", "hosts", "host.conf", "gai.conf"),
)
_PROGRAMS: Final = ("/usr", "/lib", "/lib64", "/bin")
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")


def readable(modules: Iterable[str]) -> Iterator[Path]:
    """The machine's libraries and tables, Python's own folders, and those of top-level modules by name."""
    yield from map(Path, _MACHINE)
    yield from (Path("/etc", name) for name in _TABLES)
    yield from map(Path, (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix))
    yield from map(Path, sysconfig.get_paths().values())
    if site.ENABLE_USER_SITE:
        yield Path(site.getusersitepackages())
    for module in modules:
        yield from _places(module)


def executable(*programs: str) -> Iterator[Path]:
    """The machine's programs and their loader, and these, wherever they lie."""
    yield from map(Path, _PROGRAMS)
    yield from (Path(found).resolve() for program in programs if (found := shutil.which(program)))


def devices() -> Iterator[Path]:
    """Those without anything behind them."""
    yield from (Path("/dev", name) for name in _DEVICES)


def importable() -> Iterator[Path]:
    """Every folder that Python looks for modules in, except one that holds the user's whole home."""
    folders = (Path(entry or ".").resolve() for entry in sys.path)
    yield from (folder for folder in folders if not Path.home().is_relative_to(folder))


def _places(module: str) -> Iterator[Path]:
    try:
        found = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return
    if found is None:
        return
    if found.submodule_search_locations is not None:
        yield from map(Path, found.submodule_search_locations)
    elif found.origin is not None:
        yield Path(found.origin)
