"""The real daemon with workers that play no game: `python daemon.py CONFIG [--until-idle]`."""

import sys
from pathlib import Path

from observer import daemon
from observer.adapters import logs
from observer.config import load
from observer.core.errors import ObserverError

WORKER = (sys.executable, str(Path(__file__).with_name("worker.py")))


def main() -> int:
    logs.configure("terminal")
    try:
        return daemon.run(load(Path(sys.argv[1])), until_idle="--until-idle" in sys.argv, worker_command=WORKER)
    except ObserverError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
