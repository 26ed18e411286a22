"""A checkpoint's whole way in one process, cut at one of its changes on disk: `python travel.py FOLDER RULE CHANGE...`.

A change is a system call and its number, `fsync:7`. For each a daemon works in a folder of its own while strace's rule
meddles with that call; then a daemon that nobody meddles with goes on there. A JSON line each tells how both ended and
what lies there afterwards. Without changes: what there are.
"""

import json
import os
import re
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import structlog
from fakes.backend import FakeBackend
from fakes.clock import FakeClock
from fakes.injection import CHANGES, Injection
from fakes.zips import zip_of

from observer import app
from observer.adapters.store import Store
from observer.adapters.systemd import Notifier
from observer.config import parse
from observer.core.errors import ObserverError
from observer.core.models import Digest, JobKind
from observer.daemon import Daemon
from observer.producers import Message

DONE, REFUSED, DEFECT, NEVER_DONE = 0, 1, 2, 3
#: more than the longest wait after a failure
TURN_SECONDS = 301.0
TURNS = 40
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def travel(folder: Path) -> int:
    """A daemon works off what lies in FOLDER/checkpoints; how that ended."""
    text = json.dumps(
        {"runs": [{"watch": "checkpoints", "output": "out"}], "evaluation": {"episodes": 2, "references": []}}
    )
    config = parse(text, source="config.yaml", folder=folder)
    clock, backend = FakeClock(), FakeBackend()
    try:
        with app.open_run(config, config.runs[0], clock=clock, backend=backend, rom_sha256=Digest("0" * 64)) as run:
            daemon = Daemon([run], backend=backend, clock=clock, notifier=Notifier())
            for _ in range(TURNS):
                daemon.tick({Message.SCAN_DUE, Message.SWEEP_DUE})
                if daemon.is_idle:
                    return DONE
                if backend.running:
                    work(backend)
                clock.advance(TURN_SECONDS)
            return NEVER_DONE
    except ObserverError:
        return REFUSED


def work(backend: FakeBackend) -> None:
    try:
        backend.work()
    except OSError:  # as the worker's own main has it
        backend.end(1)


def in_a_process(folder: Path, *rules: str, log: Path = Path(os.devnull)) -> int:
    """`travel` in a child that is held on to before it begins; its exit code, or what ended it as a negative number."""
    begin, told = os.pipe()
    child = os.fork()
    if not child:
        code = DEFECT
        try:
            os.read(begin, 1)
            code = travel(folder)
        except BaseException:  # noqa: BLE001 -- it is told below
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(begin)
    if rules:
        with Injection(child, *rules, log=log):
            os.write(told, b"!")
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    else:
        os.write(told, b"!")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(told)
    return code


def begin(folder: Path) -> None:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "m_1000_steps.zip").write_bytes(zip_of(1000))


def found(folder: Path) -> dict[str, Any]:
    """What is to be the same in the end, whatever happened on the way."""
    output = folder / "out"
    files = [path for path in sorted(output.glob("checkpoints/**/*")) if path.is_file()]
    evidence = {str(path.relative_to(output)): content(path) for path in files}
    evidence["metrics.csv"] = content(output / "metrics.csv")
    litter = [path for path in output.rglob(".*") if path.name != ".work"]
    litter += [path for name in ("jobs", "snapshots", "asked") for path in (output / ".work" / name).glob("*")]
    return {
        "evidence": evidence,
        "report": (output / "report" / "index.html").exists(),
        "jobs": jobs_of(folder),
        "litter": sorted(str(path.relative_to(output)) for path in litter),
    }


def content(path: Path) -> str:
    """A file in words, without the times, which are those of this very run."""
    return _TIME.sub("TIME", path.read_text(encoding="utf-8")) if path.is_file() else "nothing"


def jobs_of(folder: Path) -> list[tuple[str, str, int]]:
    """Kind, state, and how many games or clips were committed."""
    with Store(folder / "out" / "observer.db", read_only=True) as store:
        (evaluation,) = store.evaluations()
        counts = {
            JobKind.EVALUATE: store._session.number("SELECT COUNT(*) FROM episode"),
            JobKind.RENDER: len(evaluation.clips),
        }
        return [(job.kind.value, job.state.value, counts[job.kind]) for job in store.jobs()]


def changes(folder: Path) -> Counter[str]:
    """How many changes on disk the whole way takes, by the system call: it is by call that strace counts."""
    begin(folder)
    log = folder / "calls"
    code = in_a_process(folder, f"{CHANGES}:delay_enter=0", log=log)
    assert code == DONE
    return Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(encoding="utf-8"), re.MULTILINE))


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder, rule = Path(sys.argv[1]), sys.argv[2]
    if not sys.argv[3:]:
        print(json.dumps({"changes": changes(folder), **found(folder)}))  # noqa: T201
    for change in sys.argv[3:]:
        place = folder / change.replace(":", "-")
        call, _, number = change.partition(":")
        begin(place)
        first = in_a_process(place, f"{call}:{rule.format(n=number)}")
        second = in_a_process(place)
        print(json.dumps({"first": first, "second": second, **found(place)}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
