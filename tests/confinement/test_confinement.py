"""What a process has left after it confined itself; each case is a process of its own, since nothing comes back."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from observer.adapters import confinement
from observer.adapters.confinement import python

ROOT = Path(__file__).parents[2]
NOBODY = 65534
HEAD = """
import os, socket, sys, tempfile
from pathlib import Path
from observer.adapters import confinement
from observer.adapters.confinement import Needs, landlock, network, python
here = Path(sys.argv[1])
def refused(act):
    try: act()
    except OSError as error: return type(error).__name__
    return ""
def needs(*reads, writes=()):
    readable = [*python.readable(("observer",)), *reads]
    return Needs(reads=readable, executes=python.executable(), writes=writes, devices=python.devices())
"""
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")

needs_landlock = pytest.mark.skipif(not confinement.support().abi, reason=confinement.support().problem)


def confined(script: str, folder: Path, *, program: str = sys.executable, user: int | None = None) -> str:
    """What a script prints in a process of its own."""
    folder.chmod(0o777)
    command = [program, "-c", HEAD + script, str(folder)]
    done = subprocess.run(
        command,
        cwd="/",
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        user=user,
        group=user,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_landlock
def test_only_what_was_named_can_be_read_and_written(tmp_path: Path) -> None:
    for name in ("read", "write", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    script = """
confinement.confine(needs(here / "read", here / "not there", writes=[here / "write"]))
(here / "write" / "new").write_text((here / "read" / "file").read_text())
(here / "write" / "new").rename(here / "write" / "renamed")
(here / "write" / "file").unlink()
print(refused((here / "hidden" / "file").read_text), refused(lambda: (here / "read" / "file").write_text("")))
print(refused(lambda: (here / "write" / "renamed").chmod(0o777)))
"""
    assert confined(script, tmp_path).split() == ["PermissionError"] * 3
    assert (tmp_path / "write" / "renamed").read_text() == "read"
    assert (tmp_path / "read" / "file").read_text() == "read"


@needs_landlock
def test_a_child_is_confined_like_its_parent(tmp_path: Path) -> None:
    script = """
import subprocess
confinement.confine(needs())
told = subprocess.run(["/bin/sh", "-c", 'echo x > "$0"/file', str(here)], cwd="/", capture_output=True)
print(told.returncode != 0, flush=True)
os.execv("/bin/ls", ["ls", "-d", str(here)])
"""
    assert confined(script, tmp_path).split() == ["True", str(tmp_path)]
    assert not (tmp_path / "file").exists()


def test_servers_and_clients_meet_on_loopback_and_nothing_leads_out(tmp_path: Path) -> None:
    script = """
made = confinement.confine(needs())
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
    server.accept()[0].send(b"met")
    print(client.recv(3).decode(), made.network)
print(refused(lambda: socket.create_connection(("192.0.2.1", 80), timeout=5)) != "")
"""
    met, how, away = confined(script, tmp_path).split()
    if how != "loopback":
        pytest.skip("this machine gives no network namespace")
    assert (met, away) == ("met", "True")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(SYSTEM_PYTHON is None, reason="there is no Python here that everybody may run")
@pytest.mark.skipif(
    not all(folder.stat().st_mode & 0o001 for folder in (ROOT, *ROOT.parents)),
    reason="this project lies where only its owner may look",
)
@needs_landlock
def test_somebody_without_rights_is_confined_as_well(tmp_path: Path) -> None:
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o005 != 0o005:  # pytest's own, up to where everybody's files are
            folder.chmod(0o755)
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o644)
    script = """
sys.path.append("/")
made = confinement.confine(needs())
print(os.getuid(), os.getgid(), refused((here / "file").read_text), made.network, made.filters_calls)
print(Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0])
"""
    assert SYSTEM_PYTHON is not None
    user, group, read, network, _, capabilities = confined(script, tmp_path, program=SYSTEM_PYTHON, user=NOBODY).split()
    assert (user, group, read) == (str(NOBODY), str(NOBODY), "PermissionError")
    assert int(capabilities, 16) == 0
    assert network in {"loopback", "ports"}


@needs_landlock
def test_where_no_namespace_is_given_only_short_lived_ports_can_be_called(tmp_path: Path) -> None:
    if confinement.support().abi < 4:
        pytest.skip("this kernel's Landlock knows no ports")
    script = """
with socket.create_server(("127.0.0.1", 0)) as outer:
    landlock.restrict_ports(network.short_lived_ports(), abi=confinement.support().abi)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    print(refused(lambda: socket.create_connection(("127.0.0.1", 80))))
    print(refused(lambda: socket.create_server(("127.0.0.1", 8123))))
"""
    assert confined(script, tmp_path).split() == ["PermissionError"] * 2


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of ioctl is x86's")
def test_a_namespace_that_comes_without_its_rights_is_not_entered(tmp_path: Path) -> None:
    """As on systems that give user namespaces and deny what one does in them: loopback would stay down."""
    script = """
from observer.adapters.confinement import kernel, syscalls
import ctypes, struct
do = syscalls._do
raising = [do(0x20, 24), do(0x15, 0x8914, if_not=1), do(0x06, 0x50000 | 1)]
program = b"".join([do(0x20, 0), do(0x15, 16, if_not=3), *raising, do(0x06, 0x7FFF0000)])
held = ctypes.create_string_buffer(program, len(program))
kernel.prctl(38, 1)
kernel.prctl(22, 2, struct.pack("@HP", len(program) // 8, ctypes.addressof(held)))
print(network.leave())
confinement.confine(needs())
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print("met")
"""
    assert confined(script, tmp_path).split() == ["False", "met"]


def test_threads_that_run_already_would_stay_free_so_they_are_refused(tmp_path: Path) -> None:
    script = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
try: confinement.confine(needs())
except RuntimeError as error: print(error, flush=True)
os._exit(0)
"""
    assert confined(script, tmp_path) == "2 threads run already, and only this one would be confined"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of landlock_create_ruleset is x86's")
@pytest.mark.parametrize(
    ("number", "words"), [(1, "a system-call filter forbids Landlock"), (38, "this kernel has no")]
)
def test_a_kernel_without_landlock_is_told_from_one_that_filters_it(number: int, words: str, tmp_path: Path) -> None:
    """A filter answers with the error that such a kernel gives; all else is confined as usual."""
    script = f"""
from observer.adapters.confinement import kernel, syscalls
import ctypes, struct
do = syscalls._do
program = b"".join([do(0x20, 0), do(0x15, 444, if_not=1), do(0x06, 0x50000 | {number}), do(0x06, 0x7FFF0000)])
held = ctypes.create_string_buffer(program, len(program))
kernel.prctl(38, 1)
kernel.prctl(22, 2, struct.pack("@HP", 4, ctypes.addressof(held)))
print(confinement.support().problem)
print(confinement.confine(needs()))
"""
    problem, made = confined(script, tmp_path).splitlines()
    assert problem.startswith(words)
    assert made.startswith("no landlock, network ")


def test_a_home_is_not_opened_for_what_lies_somewhere_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "training"), *sys.path])
    assert tmp_path / "training" in set(python.importable())
    assert tmp_path not in set(python.importable())
    assert tmp_path.parent not in set(python.importable())


def test_a_module_of_the_operators_may_be_read_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").write_text("")
    (tmp_path / "single.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = set(python.readable(("training.networks.Wide", "single.Net", "no_such_module.X")))
    assert {tmp_path / "training", tmp_path / "single.py"} <= found
    assert tmp_path not in found
