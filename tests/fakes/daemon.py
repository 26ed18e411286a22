"""The real daemon with workers that play no game: `python daemon.py CONFIG [--until-idle]`."""

import faulthandler
import sys
from functools import partial
from pathlib import Path

from observer import daemon
from observer.adapters import logs
from observer.adapters.backends.process import ProcessBackend
from observer.config import load
from observer.core.errors import ObserverError

WORKER = (sys.executable, str(Path(__file__).with_name("worker.py")))


def main() -> int:
    faulthandler.enable()  # SIGABRT tells where it stands
    logs.configure("terminal")
    try:
        config = load(Path(sys.argv[1]))
        # a test need not wait until a busy machine has nothing better to do
        backend = ProcessBackend(slots=config.workers.count, command=WORKER, steps_behind=False)
        again = partial(load, Path(sys.argv[1]))
        return daemon.run(config, until_idle="--until-idle" in sys.argv, read_again=again, backend=backend)
    except ObserverError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
