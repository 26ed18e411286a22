"""`observer backfill` with workers that play no game: `python backfill.py DIR CONFIG EVERY [OUTPUT]`."""

import sys
from pathlib import Path

from fakes.daemon import WORKER

from observer.adapters import logs
from observer.adapters.backends.process import ProcessBackend
from observer.cli.backfilling import play, settings_for
from observer.config import load
from observer.core.errors import ObserverError


def main() -> int:
    folder, config, every, *output = sys.argv[1:]
    logs.configure("terminal")
    try:
        settings = settings_for(
            load(Path(config)),
            Path(folder),
            every=int(every),
            order="newest_first",
            output=Path(output[0]) if output else None,
        )
        return play(settings, backend=ProcessBackend(slots=2, command=WORKER, steps_behind=False))
    except ObserverError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
