"""A machine without the encoder, or without the library: told apart from everything that a retry would mend."""

import subprocess
import sys
from pathlib import Path

import pytest
from fakes import jobs

from observer.adapters import jobfiles
from observer.adapters.video.formats import telling
from observer.core.errors import EncoderMissing, ExitCode
from observer.core.layout import JobFiles
from observer.core.models import Failure, Highlight, RenderRequest

_WITHOUT = """
import sys
sys.modules["av"] = None
from pathlib import Path
from observer.worker import work
raise SystemExit(work(Path(sys.argv[1])))
"""


def test_an_encoder_that_the_library_lacks_is_named() -> None:
    import av

    with pytest.raises(EncoderMissing, match="libx999"), telling("clip.mp4"):
        av.CodecContext.create("libx999", "w")


def test_a_worker_without_the_library_says_so_in_a_word_of_its_own(tmp_path: Path) -> None:
    files = JobFiles(tmp_path)
    request = RenderRequest(
        rom=str(jobs.ROOT / "env" / "rom" / "none.nes"),
        replays=str(tmp_path),
        highlights=(Highlight(seed=1, reason="x"),),
    )
    jobfiles.write(files.request, request)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, str(tmp_path)], capture_output=True, timeout=150, check=False
    )
    assert done.returncode == ExitCode.TRY_AGAIN
    said = jobfiles.read(Failure, files.failure)
    assert said.word == "encoder"
    assert "av is not installed" in said.sentence
