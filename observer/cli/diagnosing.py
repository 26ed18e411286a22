"""The command that looks for what is wrong: doctor."""

from functools import partial

import typer
from rich.markup import escape

from observer import config as configuration
from observer import doctor as examination
from observer.adapters import jobfiles
from observer.cli.terminal import ConfigOption, JsonOption, out
from observer.core.diagnosis import Diagnosis, Finding, Level
from observer.core.errors import ExitCode

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


def doctor(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Try everything that the daemon needs, and play two short games twice; says what to do about what fails."""
    findings = []
    for finding in examination.diagnose(partial(configuration.load, config)):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    diagnosis = Diagnosis(findings=tuple(findings))
    if as_json:
        print(jobfiles.to_json(diagnosis), end="")  # noqa: T201 -- this is the answer
    raise typer.Exit(ExitCode.DONE if diagnosis.can_work else ExitCode.FAILED)


def _tell(finding: Finding) -> None:
    advice = f": {finding.advice}" if finding.advice else ""
    level = f"[{_COLOURS[finding.level]}]{finding.level:7}[/]"
    out.print(f"{level}  {escape(finding.what)}: {escape(finding.sentence + advice)}", soft_wrap=True)
