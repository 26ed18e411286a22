"""Every game that can be watched: what the report's own script needs to list them, and to name the command for each.

Pure. A game takes some six bytes of the page, so that a hundred checkpoints with a hundred games take sixty kilobytes.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from observer.adapters.writers import Published, figures
from observer.core.models import Outcome

#: a letter a game
LETTERS: Final = {Outcome.WIN: "w", Outcome.LOSS: "l", Outcome.DRAW: "d", Outcome.TIMEOUT: "t"}


def gallery(entries: Sequence[Published]) -> Mapping[str, object]:
    """The games of checkpoints that played the same plan, the newest checkpoint first."""
    return {"seeds": list(entries[0].plan.seeds), "rows": [_row(entry) for entry in reversed(entries)]}


def _row(entry: Published) -> Mapping[str, object]:
    evaluation = entry.evaluation
    clips: dict[int, list[tuple[str, str]]] = {}
    for clip in evaluation.clips:
        address = quote(str(PurePosixPath("..") / evaluation.directory / "clips" / clip.video))
        clips.setdefault(clip.highlight.seed, []).append((clip.highlight.reason.replace("_", " "), address))
    return {
        "step": figures.long_steps(evaluation.checkpoint.step),
        "folder": str(evaluation.directory),
        "outcomes": "".join(LETTERS[outcome] for outcome in entry.outcomes),
        "frames": list(entry.frames),
        "clips": {str(seed): found for seed, found in clips.items()},
    }
