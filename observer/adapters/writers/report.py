"""report/index.html: the page people read; one file that needs no network and no other file but the clips.

Everything that came from outside is escaped by the template; the page's own policy lets nothing else run or load.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from observer.adapters.writers import Publication
from observer.adapters.writers.page import Page, make_page
from observer.files import write_whole

_TEMPLATES: Final = Path(__file__).parent / "templates"


def _source_hash(text: str) -> str:
    """How a page's content security policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, file in (("style", "report.css"), ("script", "report.js")):
        text = (_TEMPLATES / file).read_text(encoding="utf-8")
        environment.globals[name] = Markup(text)  # noqa: S704 -- our own files, nothing from outside
        environment.globals[f"{name}_hash"] = _source_hash(text)
    return environment


def render(page: Page) -> bytes:
    """The page as HTML; what is not text, such as a broken file name, shows as question marks."""
    return _environment().get_template("report.html.j2").render(page=page).encode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Keeps `report/index.html`."""

    path: Path
    #: the run's name, in the headline
    run: str

    @property
    def name(self) -> str:
        return "report"

    def stands(self) -> bool:
        return self.path.is_file()

    def write(self, publication: Publication) -> None:
        """See `Writer.write`."""
        output = str(self.path.absolute().parents[1])
        write_whole(self.path, render(make_page(publication, run=self.run, output=output)))
