"""What one process does for the whole agent: it serves /metrics and speaks with the registry."""

import errno
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pulseguard.description import Description
from pulseguard.ending import Ending, seconds_until
from pulseguard.errors import ConfigurationError
from pulseguard.forking import IMPORTING
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.identity import Heard, compute_agent_id
from pulseguard.key_file import read_secret_file
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.whole import Whole
from pulseguard.reporting.snapshots import Timeline, Waiting
from pulseguard.scraping.answer import PATH, Answering
from pulseguard.scraping.collection import Collection
from pulseguard.scraping.server import ScrapeServer, bind
from pulseguard.settings import Settings, variable

if TYPE_CHECKING:
    from pulseguard.reporting.client import RegistryClient
    from pulseguard.reporting.reporter import Reporter

# Who scraped within this time will probably come again.
_SCRAPED_LATELY_SECONDS: Final = 60.0
# A leader that was killed gives its port back within the first; who starts may not wait so long.
_SECONDS_FOR_THE_PORT: Final = 1.0
_SECONDS_FOR_THE_PORT_AT_START: Final = 0.03
# Lines that tell where /metrics is: of no interest once it is closed.
_NO_REGISTRY: Final = "no registry known"
_PORT_TAKEN: Final = "port taken"
_NOT_THE_USERS: Final = (
    "this user may not listen there, most often because only root may below 1024"
)


class Presence:
    """The agent as others see it. No part that fails keeps the others from working."""

    def __init__(
        self,
        description: Description,
        settings: Settings,
        instance: str,
        recorder: Recorder,
        whole: Whole,
        collection: Collection,
        guard: Guard,
        journal: OncePerMinute,
    ) -> None:
        self._description = description
        self._settings = settings
        self._instance = instance
        self._recorder = recorder
        self._whole = whole
        self._collection = collection
        self._guard = guard
        self._journal = journal
        self._server: ScrapeServer | None = None
        self._reporter: Reporter | None = None
        self.port: int | None = None

    @property
    def agent_id(self) -> str | None:
        """The registry's id of this agent, once it is registered."""
        return self._reporter.agent_id if self._reporter else None

    @property
    def heard(self) -> Heard | None:
        """As whom the registry has heard this one last; None where it has not."""
        return self._reporter.heard if self._reporter else None

    def open_metrics(
        self, wanted: int | None, starting: bool, is_ending: Callable[[], bool]
    ) -> None:
        """Serve /metrics; on the port `wanted`, where an earlier leader of the group had it.

        Who `is_ending` waits for that no longer.
        """
        host = self._settings.metrics_host
        respond = Answering(
            self._collection.read, self._whole, self._metrics_token(), self._identify
        )
        port = self._settings.metrics_port if wanted is None else wanted
        patience = _SECONDS_FOR_THE_PORT_AT_START if starting else _SECONDS_FOR_THE_PORT
        deadline = time.monotonic() + (0 if wanted is None else patience)
        try:
            server, was_taken = bind(
                host,
                port,
                respond,
                self._guard,
                lambda: time.monotonic() >= deadline or is_ending(),
            )
        except (OSError, UnicodeError) as error:
            raise _wrong_address(host, port, error) or error from error
        server.start()
        self._server, self.port = server, server.port
        if was_taken:
            self._journal.write(
                _PORT_TAKEN,
                f"port {port} is taken: /metrics of {self._description.name} listens on "
                f"{server.port}; choose one with PULSEGUARD_METRICS_PORT",
            )

    def start_reporting(
        self,
        timeline: Timeline,
        waiting: Waiting,
        remember: Callable[[], None],
        heard: Heard | None = None,
    ) -> None:
        """Report from now on, where a registry is known: as `heard`, else registered anew."""
        settings = self._settings
        if settings.registry_url is None:
            page = f"http://{self.address}{PATH}"
            where = "nowhere to be seen" if self.port is None else f"on {page} only"
            self._journal.write(
                _NO_REGISTRY,
                f"no registry is known: {self._description.name} is {where}; set "
                "PULSEGUARD_REGISTRY_URL and PULSEGUARD_KEY_FILE to register it",
            )
            return
        # Here: without a registry nobody needs a client.
        with IMPORTING:
            from pulseguard.reporting.client import RegistryClient
            from pulseguard.reporting.keys import Keys, own_key_path
            from pulseguard.reporting.reporter import Reporter

        url, folder = settings.registry_url, settings.key_folder
        keys = Keys(
            self._read_key,
            lambda: own_key_path(folder, url, self._identify()),
            functools.partial(self._guard.failed, "read the own key"),
            variable("key_folder"),
        )
        client = RegistryClient(url, keys)
        self._reporter = Reporter(
            client,
            functools.partial(self._registration, client),
            self._recorder,
            self._whole,
            timeline,
            waiting,
            self._guard,
            self._journal,
            remember,
            heard,
            heartbeat_seconds=settings.heartbeat_seconds,
            snapshot_seconds=settings.snapshot_seconds,
        )
        self._reporter.start()

    @property
    def address(self) -> str | None:
        """host:port of /metrics as others reach it; None where nothing has listened."""
        return metrics_address(self._settings, self.port)

    def finish(self, ending: Ending, goodbye: bool) -> None:
        """Last snapshot and, if so, goodbye; then wait for a last scrape, if one is due."""
        until = ending.waits_until
        if self._reporter is not None:
            self._guard.attempt("say goodbye", None, self._reporter.stop, until, goodbye)
        if self._server is not None and self._is_scraped():
            self._server.wait_until_served(self._recorder.series.changes, seconds_until(until))
        self._close_metrics(ending)

    def hand_over(self, ending: Ending) -> None:
        """Fall silent: another process of the agent goes on."""
        self._close_metrics(ending)
        if self._reporter is not None:
            until = ending.waits_until
            self._guard.attempt("stop reporting", None, self._reporter.hand_over, until)

    def let_go(self) -> None:
        """Close what a forked child has inherited, and must not keep."""
        if self._server is not None:
            self._server.let_go()
        if self._reporter is not None:
            self._reporter.let_go()

    def _close_metrics(self, ending: Ending) -> None:
        self._journal.withdraw((_NO_REGISTRY, _PORT_TAKEN))
        if self._server is not None:
            left = seconds_until(ending.closes_until)
            self._guard.attempt("close /metrics", None, self._server.close, left)
            self._server = None

    def _is_scraped(self) -> bool:
        at = self._collection.read_at
        return at is not None and time.monotonic() - at < _SCRAPED_LATELY_SECONDS

    def _identify(self) -> str:
        return compute_agent_id(self._settings.environment, self._description.name, self._instance)

    def _registration(self, client: "RegistryClient") -> dict[str, object]:
        return self._description.registration(
            instance=self._instance,
            environment=self._settings.environment,
            team=self._settings.team,
            metrics_address=self._reachable_address(client),
        )

    def _reachable_address(self, client: "RegistryClient") -> str | None:
        host = self._settings.metrics_host
        is_wildcard = host in ("", "0.0.0.0", "::")
        if self.port is None or self._settings.metrics_advertise or not is_wildcard:
            return self.address
        local = self._guard.attempt("find the own address", None, client.local_address)
        return _written(local, self.port) if local else None

    def _read_key(self) -> str | None:
        if self._settings.key or self._settings.key_file is None:
            return self._settings.key
        return read_secret_file(variable("key_file"), self._settings.key_file)

    def _metrics_token(self) -> str | None:
        path = self._settings.metrics_token_file
        if self._settings.metrics_token or path is None:
            return self._settings.metrics_token
        return read_secret_file(variable("metrics_token_file"), path)


def metrics_address(settings: Settings, port: int | None) -> str | None:
    """host:port of /metrics as others reach it; None without a port."""
    if settings.metrics_advertise:
        return settings.metrics_advertise
    return None if port is None else _written(settings.metrics_host, port)


def _wrong_address(host: str, port: int, error: Exception) -> ConfigurationError | None:
    """The setting for which nothing can listen there; None where it is not for a setting."""
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        mend = f"{_NOT_THE_USERS}; give one from 1024 to 65535, or 0 for any free one"
        return ConfigurationError(variable("metrics_port"), port, mend)
    # Below zero are the errors of looking up a name.
    is_no_name = isinstance(error, UnicodeError) or (number is not None and number < 0)
    if is_no_name or number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        mend = "this machine has no such address; give one of its own, or 0.0.0.0 for all of them"
        return ConfigurationError(variable("metrics_host"), host, mend)
    return None


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
