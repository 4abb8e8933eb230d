"""The life of an agent's exporter: /metrics, the registry's thread, the slot on this host."""

import functools
import threading
import time
from pathlib import Path
from typing import Final

from pulseguard.catalog import (
    LABEL_AGENT_VERSION,
    LABEL_CONFIG_HASH,
    LABEL_EXPORTER_VERSION,
    LABEL_FRAMEWORK,
    LABEL_SEMCONV,
)
from pulseguard.cost import Pricing
from pulseguard.description import Description, host_name
from pulseguard.exposition import AgentCollector
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.labels import MAX_LENGTH
from pulseguard.prices import Price, read_prices
from pulseguard.recorder import Recorder
from pulseguard.registry_client import RegistryClient, read_key_file
from pulseguard.reporter import Reporter
from pulseguard.scrape_answer import PATH, answer
from pulseguard.scrape_server import ScrapeServer, bind
from pulseguard.settings import Settings
from pulseguard.slots import Slot, default_folder, take_slot
from pulseguard.snapshots import Timeline, Waiting, utc_now
from pulseguard.totals import read_totals
from pulseguard.version import installed_version

# The conventions whose names the catalogue uses.
_SEMCONV: Final = "1.41.1"
# Who scraped within this time will probably come again.
_SCRAPED_LATELY_SECONDS: Final = 60.0


class Exporter:
    """Starts and stops as often as wished; what is recorded in between is not lost."""

    def __init__(
        self,
        description: Description,
        settings: Settings,
        recorder: Recorder,
        guard: Guard,
        journal: OncePerMinute,
        slots: Path | None = None,
    ) -> None:
        self._description = description
        self._settings = settings
        self._recorder = recorder
        self._guard = guard
        self._journal = journal
        self._slots = slots or default_folder()
        self._lifecycle = threading.Lock()
        self._running = False
        self._slot: Slot | None = None
        self._server: ScrapeServer | None = None
        self._reporter: Reporter | None = None
        self._waiting = Waiting()
        self._timeline = Timeline(read_totals(recorder), utc_now(), time.monotonic())
        self._collector = AgentCollector(
            recorder, guard, settings.series_limit, self._info(), Pricing(self._own_prices())
        )
        self.instance = settings.instance or ""

    @property
    def agent_id(self) -> str | None:
        """The registry's id of this agent, once it is registered."""
        return self._reporter.agent_id if self._reporter else None

    @property
    def metrics_address(self) -> str | None:
        """host:port of /metrics as others reach it; None while nothing listens."""
        if self._settings.metrics_advertise:
            return self._settings.metrics_advertise
        if self._server is None:
            return None
        return _written(self._settings.metrics_host, self._server.port)

    def start(self) -> bool:
        """Whether it was started now; no part that fails keeps the others from starting."""
        with self._lifecycle:
            if self._running:
                return False
            self._running = True
            self._recorder.drain(False)
            self._guard.attempt("take a slot", None, self._take_instance)
            self._guard.attempt("open /metrics", None, self._open_metrics)
            self._guard.attempt("start reporting", None, self._start_reporting)
            return True

    def stop(self, timeout_seconds: float) -> bool:
        """Whether it was stopped now: last snapshot, goodbye, and a last scrape if one is due."""
        with self._lifecycle:
            if not self._running:
                return False
            deadline = time.monotonic() + timeout_seconds
            self._running = False
            self._recorder.drain(True)
            if self._reporter is not None:
                self._guard.attempt("say goodbye", None, self._reporter.stop, deadline)
            if self._server is not None and self._is_scraped():
                left = max(deadline - time.monotonic(), 0)
                self._server.wait_until_served(self._recorder.series.changes, left)
            self._close()
            return True

    def _close(self) -> None:
        if self._server is not None:
            self._guard.attempt("close /metrics", None, self._server.close)
            self._server = None
        if self._slot is not None:
            self._guard.attempt("release the slot", None, self._slot.release)
            self._slot = None

    def _take_instance(self) -> None:
        if self._settings.instance:
            return
        number = 0
        try:
            environment, name = self._settings.environment, self._description.name
            self._slot = take_slot(environment, name, self._slots)
            number = self._slot.number
        except OSError as error:
            self._journal.write(
                "no slot",
                f"no slot can be locked in {self._slots} ({error}): this agent calls itself slot 0;"
                " give several on one host an instance each (PULSEGUARD_INSTANCE)",
            )
        suffix = f"-{number}"
        self.instance = host_name()[: MAX_LENGTH - len(suffix)] + suffix

    def _open_metrics(self) -> None:
        host, port = self._settings.metrics_host, self._settings.metrics_port
        respond = functools.partial(answer, collector=self._collector)
        self._server, was_taken = bind(host, port, respond, self._guard)
        self._server.start()
        if was_taken:
            self._journal.write(
                "port taken",
                f"port {port} is taken: /metrics of {self._description.name} listens on "
                f"{self._server.port}; choose one with PULSEGUARD_METRICS_PORT",
            )

    def _start_reporting(self) -> None:
        settings = self._settings
        if settings.registry_url is None:
            self._journal.write(
                "no registry",
                f"no registry is known: {self._description.name} is on "
                f"http://{self.metrics_address}{PATH} only; set PULSEGUARD_REGISTRY_URL and "
                "PULSEGUARD_KEY_FILE to register it",
            )
            return
        client = RegistryClient(settings.registry_url, self._read_key)
        self._reporter = Reporter(
            client,
            functools.partial(self._registration, client),
            self._recorder,
            self._timeline,
            self._waiting,
            self._guard,
            self._journal,
            heartbeat_seconds=settings.heartbeat_seconds,
            snapshot_seconds=settings.snapshot_seconds,
        )
        self._reporter.start()

    def _registration(self, client: RegistryClient) -> dict[str, object]:
        return self._description.registration(
            instance=self.instance,
            environment=self._settings.environment,
            team=self._settings.team,
            metrics_address=self._reachable_address(client),
        )

    def _reachable_address(self, client: RegistryClient) -> str | None:
        host = self._settings.metrics_host
        is_wildcard = host in ("", "0.0.0.0", "::")
        if self._server is None or self._settings.metrics_advertise or not is_wildcard:
            return self.metrics_address
        local = self._guard.attempt("find the own address", None, client.local_address)
        return _written(local, self._server.port) if local else None

    def _read_key(self) -> str | None:
        if self._settings.key or self._settings.key_file is None:
            return self._settings.key
        return read_key_file(self._settings.key_file)

    def _own_prices(self) -> dict[str, Price]:
        path = self._settings.prices_file
        if path is None:
            return {}
        return self._guard.attempt("read the prices", {}, read_prices, path)

    def _is_scraped(self) -> bool:
        at = self._collector.collected_at
        return at is not None and time.monotonic() - at < _SCRAPED_LATELY_SECONDS

    def _info(self) -> dict[str, str]:
        return {
            LABEL_AGENT_VERSION: self._description.version,
            LABEL_FRAMEWORK: self._description.framework,
            LABEL_EXPORTER_VERSION: installed_version(),
            LABEL_CONFIG_HASH: self._description.config_hash,
            LABEL_SEMCONV: _SEMCONV,
        }


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
