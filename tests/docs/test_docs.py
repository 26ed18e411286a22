"""The documentation speaks of the program as it is: commands, keys, words, links and examples."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
from typer.core import TyperGroup

from observer.cli import cli
from observer.config import parse, schema
from observer.playconfig import Section

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "env").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        yield from ((page, block) for kind, block in FENCED.findall(text_of(page)) if kind == language)


def commands(group: Any, before: str = "") -> dict[str, Any]:  # noqa: ANN401 -- typer's own classes
    """`config check` and the like -> the command."""
    if not isinstance(group, TyperGroup):
        return {before.strip(): group}
    return {
        name: found for key, one in group.commands.items() for name, found in commands(one, f"{before} {key}").items()
    }


COMMANDS = commands(typer.main.get_command(cli))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_documented_with_its_options(name: str) -> None:
    section, _, rest = name.partition(" ")
    found = re.search(
        rf"^## observer {section}\b.*?(?=^## )", text_of(REFERENCE / "commands.md"), re.MULTILINE | re.DOTALL
    )
    assert found, f"there is no section `observer {section}`"
    assert not rest or f"`{rest}`" in found[0]
    own = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}
    for option in own - {"--config", "--help"}:
        assert option in found[0], option


def test_every_key_of_the_configuration_is_documented() -> None:
    page = text_of(REFERENCE / "configuration.md")
    for section, model in schema()["$defs"].items():
        for key in model["properties"]:
            assert f"`{key}`" in page, f"{section}.{key}"
    for key in schema()["properties"]:
        assert f"\n## {key}\n" in page


def test_every_default_in_the_documentation_is_the_programs() -> None:
    page = text_of(REFERENCE / "configuration.md")
    for row in re.finditer(r"^\| `(\w+)` \| `(.*?)` \|", page, re.MULTILINE):
        key, default = row.groups()
        headings = re.findall(r"^##+ ([\w.]+)$", page[: row.start()], re.MULTILINE)
        name, *deeper = headings[-1].split(".")
        body = f"{{{key}: {default}}}"
        for part in reversed(deeper):
            body = f"{{{part}: {body}}}"
        body = f"[{body}]" if name == "runs" else body
        stated = getattr(parse(f"{name}: {body}", source="page", folder=ROOT), name)
        unstated = getattr(parse("", source="page", folder=ROOT), name)
        assert isinstance(stated, Section | tuple)
        assert stated == unstated, f"{name}.{key}: {default}"


def test_every_word_that_a_checkpoint_is_refused_with_is_documented() -> None:
    page = text_of(REFERENCE / "commands.md")
    raised = re.compile(r"(?:Checkpoint(?:Corrupt|Incomplete|Vanished)\(|_park\(\w+,)\s*\"(\w+)\"")
    words = {word for path in (ROOT / "observer").rglob("*.py") for word in raised.findall(text_of(path))}
    assert len(words) > 30
    assert {"bad_environment", "result_invalid"} <= words
    assert {word for word in words if f"`{word}`" not in page} == set()


def anchors(page: Path) -> set[str]:
    """The anchors that a reader of Markdown makes of headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_speaks_of_the_project_alone(page: Path) -> None:
    assert not re.search(r"\.\./shared|probes/|facts/", text_of(page))


def test_yaml_in_the_documentation_is_a_configuration() -> None:
    found = list(blocks("yaml"))
    assert found
    for page, block in found:
        parse(block, source=str(page), folder=ROOT)


def test_commands_in_the_documentation_exist() -> None:
    script = set(re.findall(r"^    ([\w |-]+)\)", text_of(ROOT / "run"), re.MULTILINE))
    known = {word.strip() for words in script for word in words.split("|")}
    for page, block in blocks("console"):
        for line in block.splitlines():
            program, *words = line.removeprefix("$ ").split("#")[0].split() or [""]
            if program == "./run":
                assert words[0] in known, f"{page}: {line}"
                program, words = words[0], words[1:]
            if program == "observer":
                assert any(" ".join(words).startswith(name) for name in [*COMMANDS, "--"]), f"{page}: {line}"
