"""The unit under a user's own manager: fewer walls around it, the worker's own ones all the same."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import booted
from fakes.booted import Booted
from fakes.service import INSIDE, OBSERVER, UNIT, USER, Service

from observer.adapters import jobfiles
from observer.core.models import EvaluationResult

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RUNTIME = "/run/user/1"
MANAGER = f"""[Service]
Type=notify
User={USER}
RuntimeDirectory=user/1
Environment=XDG_RUNTIME_DIR={RUNTIME} XDG_CONFIG_HOME={RUNTIME}/config HOME={RUNTIME}
ExecStart=/lib/systemd/systemd --user
Delegate=yes
Slice=user.slice
KillMode=mixed
"""


class UserService(Service):
    """The same, by the user's manager."""

    def run(self, *command: str) -> str:
        """A command of the user's."""
        environment = [f"XDG_RUNTIME_DIR={RUNTIME}", f"XDG_CONFIG_HOME={RUNTIME}/config", f"HOME={RUNTIME}"]
        become = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "env", *environment]
        return self.machine.run(*become, *command).stdout.strip()

    def show(self, name: str) -> str:
        return self.run("systemctl", "--user", "show", "--value", "--property", name, UNIT)


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserService]:
    if reason := booted.obstacle():
        pytest.skip(reason)
    if not Path("/usr/lib/systemd/user/default.target").exists():
        pytest.skip("this systemd has no managers for users")
    site = tmp_path_factory.mktemp("site")
    units = {"manager.service": MANAGER}
    with Booted(tmp_path_factory.mktemp("boot"), units, binds={site: INSIDE}) as machine:
        for program in (OBSERVER, Path(sys.base_prefix)):  # which may lie in somebody's home
            machine.run("chmod", "a+x", *map(str, program.parents))
        service = UserService(machine, site)
        service.begin_anew()
        machine.ctl("start", "manager.service")
        yield service


def test_a_checkpoint_is_evaluated_and_its_worker_is_confined(service: UserService) -> None:
    config = str(INSIDE / "config.yaml")
    said = service.run(str(OBSERVER), "install-service", "--config", config, "--user", "--cpu-quota", "200", "--apply")
    assert "systemctl --user daemon-reload" in said
    service.run("systemctl", "--user", "daemon-reload")
    verify = f"systemd-analyze verify --user --man=no {RUNTIME}/config/systemd/user/{UNIT} 2>&1"
    assert service.run("sh", "-c", verify) == ""
    service.drop()
    service.run("systemctl", "--user", "start", UNIT)
    assert service.show("ActiveState") == "active"
    service.until(lambda: "1 done" in service.show("StatusText"))
    (path,) = service.layout.output.glob("checkpoints/*/*/result.json")
    provenance = jobfiles.read(EvaluationResult, path).provenance
    assert provenance.confinement.endswith("network loopback, calls filtered")
    service.run("systemctl", "--user", "stop", UNIT)
    assert service.show("Result") == "success"
