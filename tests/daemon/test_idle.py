"""What a daemon costs that has nothing to do."""

import json
import re
import threading
from pathlib import Path

import pytest
from fakes.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MEASURED_SECONDS = 60.0


def cpu_nanoseconds(pid: int) -> int:
    """What all threads have run so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks)


def own_kilobytes(pid: int) -> int:
    found = re.search(r"^RssAnon:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])


def test_an_idle_daemon_takes_less_than_a_thousandth_of_a_core_and_no_more_memory(site: Site) -> None:
    told = json.loads(site.config.read_text(encoding="utf-8"))
    del told["watch"]["rescan_seconds"]  # as often as everybody's does
    site.config.write_text(json.dumps(told), encoding="utf-8")
    site.drop(1000, 2000, 3000)
    daemon = site.start()
    site.until(lambda found: found.get("renderings", {}).get("done") == 3)
    pause = threading.Event()
    pause.wait(15.0)  # until a rescan has found nothing new
    before, held = cpu_nanoseconds(daemon.pid), own_kilobytes(daemon.pid)
    pause.wait(MEASURED_SECONDS)
    share = (cpu_nanoseconds(daemon.pid) - before) / 1e9 / MEASURED_SECONDS
    assert share < 0.001, f"{share:.2%} of a core"
    assert own_kilobytes(daemon.pid) - held < 256
