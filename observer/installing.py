"""The observer as a systemd service: which folders of this machine the unit must open, and the files that say so.

Owns finding paths and writing unit files. Refuses to start, stop or enable anything: that is said, for a person to do.
"""

import os
import pwd
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import observer
from observer.adapters.confinement import python
from observer.app import check_setup
from observer.config import Config
from observer.core.errors import SetupError
from observer.core.unitfile import ServicePaths, service_text
from observer.files import write_whole

SERVICE: Final = "observer.service"
SLICE: Final = "observer.slice"
SYSTEM_FOLDER: Final = Path("/etc/systemd/system")
#: the unit hides what is in them
_HIDDEN: Final = tuple(map(Path, ("/home", "/root", "/run/user", "/srv", "/mnt", "/media")))
#: emptied at every boot, and not what a service sees under the name
_FLEETING: Final = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/run")))  # noqa: S108 -- named to refuse them


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What `install-service` is about to write."""

    paths: ServicePaths
    #: file -> text
    files: Mapping[Path, str]


def plan_service(config: Config, file: Path, *, for_user: bool, cpu_percent: int | None) -> Service:
    """The unit for a configuration; nothing is written.

    Args:
        config: the whole configuration.
        file: where it was read from.
        for_user: for the manager of the user who asks, not for the machine's.
        cpu_percent: of one core at most; None: no limit.

    Raises:
        SetupError: a folder is missing, or lies where a service cannot use it; every problem is listed.
    """
    check_setup(config)
    outputs = [run.output for run in config.runs]
    user = None if for_user else _owner(outputs)
    reads = _reads(config, file)
    problems = [*_missing(outputs, reads), *(() if for_user else _fleeting([*outputs, *reads]))]
    if problems:
        raise SetupError("\n".join(problems))
    paths = ServicePaths(
        user=user,
        command=_command(file),
        folder=file.parent,
        shown=() if for_user else _outermost(_hidden([*reads, *python.readable(_modules(config))])),
        shown_writable=() if for_user else _outermost(_hidden(outputs)),
        writable=outputs,
        cpu_percent=cpu_percent,
    )
    folder = _user_folder() if for_user else SYSTEM_FOLDER
    texts = {SERVICE: service_text(_template(SERVICE), paths), SLICE: _template(SLICE)}
    return Service(paths=paths, files={folder / name: text for name, text in texts.items()})


def write_service(service: Service) -> None:
    """Write the files; units of the same names are replaced.

    Raises:
        SetupError: they cannot be written.
    """
    for path, text in service.files.items():
        try:
            write_whole(path, text)
        except OSError as error:
            raise SetupError(
                f"{path}: {error.strerror}; call it with sudo, or with --user for yourself alone"
            ) from error
        path.chmod(0o644)


def _template(name: str) -> str:
    """A unit as it comes along: in the package, or in the checkout that the package is used from."""
    package = Path(observer.__file__).parent
    for folder in (package / "units", package.parent / "systemd"):
        if (folder / name).exists():
            return (folder / name).read_text(encoding="utf-8")
    raise SetupError(f"the package was installed without its {name}: install it again")


def _command(file: Path) -> Sequence[str]:
    script = Path(sys.executable).with_name("observer")
    program = (str(script),) if script.exists() else (sys.executable, "-m", "observer.cli")
    return (*program, "run", "--config", str(file))


def _user_folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home, "systemd", "user")


def _owner(outputs: Iterable[Path]) -> str:
    """Whom the output belongs to: who can write there without further rights."""
    owners = {path.stat().st_uid for path in outputs if path.exists()}
    if len(owners) > 1:
        raise SetupError("the output folders belong to several users: give all of them to the one that shall run it")
    user = owners.pop() if owners else os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _reads(config: Config, file: Path) -> list[Path]:
    """A file that may be replaced, or a folder that may be made anew, is seen through the folder that it is in."""
    seen = [path for run in config.runs for path in (run.watch, run.training_log) if path is not None]
    return [_around(path) for path in (file, config.environment.rom_path, *seen)]


def _around(path: Path) -> Path:
    """The folder, unless that would open a whole home or more."""
    return path if path.parent == Path.home() or path.parent in {*_HIDDEN, *_homes()} else path.parent


def _homes() -> Iterator[Path]:
    """Folders that are somebody's whole home, or hold homes."""
    yield Path("/")
    yield from (Path(entry.pw_dir) for entry in pwd.getpwall())


def _modules(config: Config) -> Iterable[str]:
    return ("observer", "env", *config.policy.classes.values())


def _missing(outputs: Iterable[Path], reads: Iterable[Path]) -> Iterator[str]:
    for path in outputs:
        if not path.is_dir():
            yield f"the output folder {path} does not exist yet: make it first, as the user that shall run the service"
    for path in reads:
        if not path.exists():
            yield f"{path} does not exist: make it first, or mend the configuration"


def _fleeting(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        if any(path.is_relative_to(folder) for folder in _FLEETING):
            yield f"{path}: a service has a /tmp of its own, and a boot empties it: move it elsewhere"


def _hidden(paths: Iterable[Path]) -> Iterator[Path]:
    """Those that the unit hides, under the name they are used by and under their own."""
    for path in paths:
        for named in (path, path.resolve()):
            if path.exists() and any(named.is_relative_to(folder) for folder in _HIDDEN):
                yield named


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Without those that lie in another one."""
    found = set(paths)
    return sorted(path for path in found if not found & {*path.parents})
