"""The configuration read again while the daemon runs; a wrong new one changes nothing and is said."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog

from observer.config import Config
from observer.core.errors import ConfigError, ObserverError

log = structlog.get_logger()

#: what is set up once, when the program starts
NEEDS_RESTART: Final = ("service",)


class Reloading:
    """Holds the configuration that counts, and why a newer one does not."""

    def __init__(
        self, config: Config, *, read_again: Callable[[], Config], apply: Sequence[Callable[[Config], object]]
    ) -> None:
        """`apply` hands a configuration on; the first of them refuses what cannot be used."""
        self._config = config
        self._read_again = read_again
        self._apply = tuple(apply)
        #: why the configuration that was read last does not count; empty: it does
        self.problem = ""

    def reload(self) -> None:
        """Read it and go on by it, or say what is wrong and go on as before."""
        try:
            config = self._read_again()
            for apply in self._apply:
                apply(config)
        except ObserverError as error:
            self._refuse(error.problems if isinstance(error, ConfigError) else [str(error)])
        else:
            self._accept(config)

    def _refuse(self, problems: Sequence[str]) -> None:
        said = "; ".join(problems)
        self.problem = f"the changed configuration is not used, the one before counts: {said}"
        log.error("configuration.refused", problems=said, counts="the one before")

    def _accept(self, config: Config) -> None:
        changed = changed_keys(self._config, config)
        self._config, self.problem = config, ""
        log.info("configuration.applied", changed=", ".join(changed) or "nothing")
        waiting = [key for key in changed if key.split(".")[0] in NEEDS_RESTART]
        if waiting:
            log.warning("configuration.delayed", keys=", ".join(waiting), until="the daemon is started anew")


def changed_keys(before: Config, after: Config) -> list[str]:
    """The keys whose values differ, such as `queue.order` or `runs`."""
    old, new = dict(_leaves(before.model_dump(), "")), dict(_leaves(after.model_dump(), ""))
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
