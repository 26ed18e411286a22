"""A parent that dies before its child is on the leash: a moment of a millisecond, made a second long."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from fakes import injection, jobs

ECHO_ROM = jobs.ROOT / "tests" / "data" / "rom" / "echo.nes"
WORKER = """
import sys, threading
from pathlib import Path
from observer.adapters.backends.process import ProcessBackend
backend = ProcessBackend(slots=1, command=["sh", "-c", "exec sleep 60"], steps_behind=False)
backend.start(Path(sys.argv[1]))
threading.Event().wait()
"""
EMULATOR = """
import sys, threading
from pathlib import Path
from env.process import MednafenProcess
MednafenProcess(Path(sys.argv[2]).read_bytes(), port=9, recording=None).launch()
threading.Event().wait()
"""


@pytest.mark.parametrize("program", [WORKER, EMULATOR], ids=["worker", "emulator"])
def test_a_child_does_not_run_on_when_its_parent_is_dead_before_the_leash_is_on(
    injects: None, tmp_path: Path, program: str
) -> None:
    slowly = injection.under(["prctl:delay_enter=1000000"], log=tmp_path / "calls")
    command = [*slowly, sys.executable, "-c", program, str(tmp_path), str(ECHO_ROM)]
    children: set[int] = set()
    with subprocess.Popen(command, cwd=jobs.ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}) as tracer:
        try:
            while not (children := {pid for pid in jobs.descendants(tracer.pid) if jobs.name_of(pid) == "setpriv"}):
                assert tracer.poll() is None
                threading.Event().wait(0.01)
            (parent,) = jobs.descendants(tracer.pid) - children
            os.kill(parent, signal.SIGKILL)
            tracer.wait(timeout=60)  # it ends with the last process that it follows
        finally:
            tracer.kill()
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
