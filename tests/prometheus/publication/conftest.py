"""A real Prometheus that reads a folder of rules, and a registry whose rules go there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pulseguard_prometheus.publication.rules_sync import RulesSync
from pulseguard_prometheus.publication.start import claimed_rules_sync
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_stack.programs import find_program
from tests.prometheus.publication.rules_registry import RulesRegistry, id_of
from tests.prometheus_server import PrometheusServer

CONFIGURATION = "{global: {evaluation_interval: 1s}, rule_files: [user-rules/*.yml]}"


def address(url: str) -> ServerAddress:
    parts = urlsplit(url)
    assert parts.hostname
    return ServerAddress(parts.scheme, parts.hostname, parts.port, "")


class Side:
    """What stands beside a Prometheus: its folder of rules, and the registry they come from."""

    def __init__(self, prometheus: PrometheusServer, registry: RulesRegistry) -> None:
        self.prometheus = prometheus
        # Where sync asks it.
        self.prometheus_url = prometheus.url
        self.registry = registry
        self.folder = prometheus.folder / "user-rules"
        self.promtool = find_program("promtool")
        # Added to the clock of each sync.
        self.later = 0.0

    @contextmanager
    def sync(self) -> Iterator[RulesSync]:
        """A sync that has claimed the folder; each `run_once` of it is a round."""
        claimed = claimed_rules_sync(
            address(self.registry.url),
            self.folder,
            self.promtool,
            address(self.prometheus_url),
            prometheus_name="eu/1",
            read_key=lambda: "secret",
            clock=lambda: self.later,
        )
        with claimed as sync:
            yield sync

    def file(self, name: str) -> Path:
        """Where the file of this group is."""
        return self.folder / f"{id_of(name)}.yml"

    def files(self) -> set[str]:
        """What Prometheus would read."""
        return {path.name for path in self.folder.glob("*.yml")}

    def value(self, name: str) -> str | None:
        """The expression that is loaded of a group with one rule."""
        group = self.prometheus.rule_groups().get(name)
        return group["rules"][0]["query"] if group else None


@pytest.fixture(scope="module")
def one_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), CONFIGURATION) as server:
        yield server


@pytest.fixture
def side(one_prometheus: PrometheusServer) -> Iterator[Side]:
    """With an empty folder; Prometheus may have rules of another test until a sync reloads it."""
    registry = RulesRegistry()
    registry.start()
    side = Side(one_prometheus, registry)
    with ExitStack() as stack:
        stack.callback(registry.stop)
        stack.callback(_clear, side.folder)
        yield side


def _clear(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.is_dir():
            path.unlink()
