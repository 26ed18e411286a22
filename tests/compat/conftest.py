"""Another Debian's Mednafen, run from a root of its own in place of the installed one."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

RELEASE = "trixie"
PACKAGES = "mednafen"
#: Its home lies below the folder for temporary files, which is therefore the same inside and outside.
WRAPPER = """#!/bin/sh
exec /usr/bin/unshare -m /bin/sh -c '
    /bin/mkdir -p "{root}{temporary}" && /bin/mount --bind "{temporary}" "{root}{temporary}" &&
    exec /usr/sbin/chroot "{root}" /usr/games/mednafen "$@"' mednafen "$@"
"""


def built_root() -> Path:
    """The root of the release: made once, in a minute and half a gigabyte, and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "training-run-observer"
    root = cache / RELEASE
    if not root.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f"{RELEASE}-", dir=cache))
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(made)
            words = (done.stdout + done.stderr).strip().splitlines()[-1:]
            pytest.skip(f"debootstrap could not make a {RELEASE}: {' '.join(words)}")
        made.rename(root)
    return root


@pytest.fixture(scope="session")
def other_mednafen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds another release's `mednafen`, to be put before the rest of PATH."""
    if os.geteuid() != 0:
        pytest.skip("another Debian is made and entered by root alone")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed: run `apt install debootstrap`")
    folder = tmp_path_factory.mktemp("other")
    program = folder / "mednafen"
    program.write_text(WRAPPER.format(root=built_root(), temporary=tempfile.gettempdir()), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture
def in_its_place(other_mednafen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, the other one is what this project starts."""
    monkeypatch.setenv("PATH", f"{other_mednafen}{os.pathsep}{os.environ['PATH']}")
