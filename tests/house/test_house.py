"""Rules of the house that linters cannot see."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES = 350
#: folders that lie only on some developer's machine, and hosts that serve packages
FOREIGN = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/|pypi\.org|pythonhosted\.org|download\.pytorch\.org")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a checkout: which files belong to it is not known")
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    return sorted(path for package in ("observer", "env") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("module", ["observer.cli", "observer.daemon"])
def test_the_daemon_and_the_commands_never_import_torch(module: str) -> None:
    heavy = "torch", "stable_baselines3", "sb3_contrib", "cv2", "av", "matplotlib", "pandas"
    program = f"import sys, {module}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_module_is_longer_than_one_can_read() -> None:
    long = {
        path.relative_to(ROOT): lines for path in modules() if (lines := path.read_bytes().count(b"\n")) > MODULE_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in modules()
        if path.name != "__init__.py" and not path.read_text("utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_no_file_names_a_machine_of_ours_or_a_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in FOREIGN.finditer(text)]
    assert found == []


def test_no_cartridge_but_our_own_is_tracked() -> None:
    ours = {ROOT / "env" / "rom", ROOT / "tests" / "data" / "rom"}
    cartridges = [path for path in tracked() if path.read_bytes()[:4] == b"NES\x1a"]
    assert {path.parent for path in cartridges} <= ours
    assert all((path.parent / "build.py").exists() or path.with_suffix(".s").exists() for path in cartridges)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines if line.strip())}


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [need for needs in project["project"]["optional-dependencies"].values() for need in needs]
    needed = [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras]
    names = {normal(re.split(r"[^\w.-]", need)[0]) for need in needed}
    assert names - set(pinned()) == set()


def test_a_pin_is_one_version_of_a_public_release() -> None:
    for name, version in pinned().items():
        assert re.fullmatch(r"\d+(\.\w+)*", version), f"{name}=={version}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (made,) = folder.glob("*.whl")
    return zipfile.Path(made)


def test_the_wheel_has_both_packages_and_all_that_they_read(wheel: zipfile.Path) -> None:
    shipped = set(wheel.root.namelist())
    read = [path for package in ("observer", "env") for path in (ROOT / package).rglob("*") if path.is_file()]
    needed = {
        str(path.relative_to(ROOT))
        for path in read
        if "__pycache__" not in path.parts and path.suffix in {".py", ".nes", ".replay", ".j2", ".css", ".js"}
    }
    assert {"env/drmario.py", "observer/cli/__init__.py"} <= needed
    assert needed - shipped == set()
    assert {f"observer/units/{path.name}" for path in (ROOT / "systemd").iterdir()} <= shipped


def test_the_wheel_holds_nothing_else(wheel: zipfile.Path) -> None:
    tops = {name.split("/")[0] for name in wheel.root.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"observer", "env"}
