"""The stack around one agent: registry with its own PostgreSQL, sync, Prometheus, model server."""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pulseguard_prometheus.configuration import (
    render_configuration,
    render_rules,
    shipped_configuration,
    shipped_rules,
)
from pulseguard_stack.model_server.ledger import Entry, entry_from_json
from tests.end_to_end import numbers
from tests.end_to_end.numbers import COUNTERS, Numbers
from tests.end_to_end.past_costs import put_past_costs
from tests.end_to_end.processes import COMMAND, Arguments, Started, started
from tests.prometheus_server import PrometheusServer, eventually, free_port
from tests.server_folder import server_folder

AGENT = "tests.end_to_end.agent_under_test"
REPOSITORY = Path(__file__).parents[2]
LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
PYTHON = COMMAND.with_name("python")
SCRAPE_SECONDS = 1.0
# For each alert. More than Prometheus takes to let go of a target: it looks at a list every 5 s.
PENDING_SECONDS = 60 if LONG else 10
# As short as the tests need, so that silence and snapshots are seen within seconds.
OFFLINE_AFTER_SECONDS = "3"
HEARTBEAT_SECONDS = "0.5"
SNAPSHOT_SECONDS = "2"


class Stack:
    """All parts but the agent, running; what they say about the agent.

    `is_telling`: sync tells the registry of the scrapes, and both think of seconds, not of 45.
    `agent_comes_first`: it is a target when Prometheus starts, which takes 10 s to notice another;
    it has made `calls_before` model calls by then, so that every series is there from the start.
    `past_costs`: Prometheus knows what a team spent since yesterday and before.
    """

    def __init__(
        self,
        folder: Path,
        parts: ExitStack,
        *,
        is_telling: bool = False,
        agent_comes_first: bool = False,
        calls_before: int = 0,
        past_costs: bool = False,
    ) -> None:
        self.folder = folder
        self._parts = parts
        self._is_telling = is_telling
        self.registry_port = free_port()
        self.registry = self._start_registry()
        eventually(self.is_ready)
        self.admin = (folder / "data" / "secrets" / "admin.key").read_text().strip()
        self.agent_key_file = self._key_file("agent", environment="production")
        self.model_server, self.model_server_url = self._start_model_server()
        self.prometheus = self._prometheus()
        self.sync = self._start_sync()
        if agent_comes_first:
            self.agent_process = self.start_agent()
            eventually(self._is_listed)
        if calls_before:
            self.make_calls(calls_before, seed=0)
        if past_costs:
            put_past_costs(self.prometheus.folder / "data")
        parts.enter_context(self.prometheus)

    def start_agent(self, **environment: str) -> Started:
        """The agent under test, ended with the stack."""
        return self.start_module(AGENT, self.model_server_url, **environment)

    def start_module(self, module: str, *arguments: str, **environment: str) -> Started:
        """A program with agents in it, which finds the registry; ended with the stack."""
        command: Arguments = [PYTHON, "-m", module, *arguments]
        settings = {
            "PULSEGUARD_REGISTRY_URL": self.registry_url,
            "PULSEGUARD_KEY_FILE": str(self.agent_key_file),
            "PULSEGUARD_HEARTBEAT_SECONDS": HEARTBEAT_SECONDS,
            "PULSEGUARD_SNAPSHOT_SECONDS": SNAPSHOT_SECONDS,
            "PULSEGUARD_METRICS_PORT": "0",
            "PYTHONPATH": str(REPOSITORY),
            # The slots of this stack's agents are nobody else's.
            "TMPDIR": str(self.folder),
        }
        log = self.folder / "agent.log"
        return self._parts.enter_context(started(command, log, **settings | environment))

    def make_calls(self, number: int, seed: int) -> float:
        """Have the agent make so many model calls; returns how long its client prepared each, in
        ms."""
        self.agent_process.ask(f"calls {number} {seed}")
        done, preparing_ms = self.agent_process.line().split()
        assert done == "done"
        return float(preparing_ms)

    @property
    def registry_url(self) -> str:
        """Where the registry answers."""
        return f"http://127.0.0.1:{self.registry_port}"

    def stop_registry(self) -> None:
        """Stop it, with its database."""
        self.registry.close()

    def start_registry(self) -> None:
        """Start it again, at the same address and on the same data."""
        self.registry = self._start_registry()
        eventually(self.is_ready)

    def is_ready(self) -> bool:
        """Whether the registry can do its work."""
        try:
            return bool(self.api("/api/v1/health/ready"))
        except OSError:
            return False

    def api(  # Any: decoded JSON
        self, path: str, body: object = None, *, method: str | None = None, **query: str
    ) -> Any:
        """Ask the registry as admin; without a method it is GET, with a body POST."""
        address = f"{self.registry_url}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {getattr(self, 'admin', '')}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def agent(self) -> dict[str, Any]:
        """The one agent of the inventory; fails while there is none."""
        (only,) = self.api("/api/v1/agents")["items"]
        return dict(only)

    def snapshots(self) -> list[dict[str, Any]]:
        """All stored snapshots of the agent."""
        path = f"/api/v1/agents/{self.agent()['id']}/ai-metrics"
        page = self.api(path, limit="1000", **{"from": "2000-01-01T00:00:00Z"})
        assert page["next_to"] is None
        return list(page["items"])

    def is_up(self) -> bool:
        """Whether Prometheus reaches the agent."""
        targets = self.prometheus.targets("agents")
        return [target["health"] for target in targets] == ["up"]

    def ledger(self) -> list[Entry]:
        """What was served, once nothing is under way any more."""
        eventually(lambda: self._ledger_page(0)["open"] == 0)
        entries: list[Entry] = []
        while page := self._ledger_page(entries[-1].sequence if entries else 0)["entries"]:
            entries += [entry_from_json(row) for row in page]
        return entries

    def numbers_on_the_metrics_page(self) -> Numbers:
        """What the agent's own /metrics says."""
        with urllib.request.urlopen(f"http://{self.agent()['metrics_address']}/metrics") as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = [sample for family in families for sample in family.samples]
        sums: dict[str, dict[str, float]] = {}
        for what, (selector, label) in COUNTERS.items():
            name, _, matcher = selector.partition("{")
            amounts = sums.setdefault(what, {})
            for sample in samples:
                if sample.name == name and numbers.matches(sample.labels, matcher):
                    told_apart = sample.labels[label] if label else ""
                    amounts[told_apart] = amounts.get(told_apart, 0) + sample.value
        return numbers.of_counters(sums)

    def counters_in_prometheus(self) -> dict[str, dict[str, float]]:
        """The counters as Prometheus has them now."""
        sums: dict[str, dict[str, float]] = {}
        for what, (selector, label) in COUNTERS.items():
            found = self.prometheus.query(f"sum by ({label or 'job'}) ({selector})")
            sums[what] = {each.labels[label] if label else "": each.value for each in found}
        return sums

    def _start_registry(self) -> Started:
        command = [*self._pulseguard(), "registry", "serve", "--port", str(self.registry_port)]
        settings = {
            "PYTHONPATH": str(REPOSITORY),
            "PULSEGUARD_DATA_DIR": str(self.folder / "data"),
            "PULSEGUARD_OFFLINE_AFTER_SECONDS": OFFLINE_AFTER_SECONDS,
        }
        log = self.folder / "registry.log"
        return self._parts.enter_context(started(command, log, **settings))

    def _start_model_server(self) -> tuple[Started, str]:
        timing = ["--first-token-median", "0.03", "--token-median", "0.003", "--seed", "7"]
        command: Arguments = [COMMAND, "simulated-model-server", "--port", "0", *timing]
        faults = ["--retry-after-ms", "20", "--cache-minimum", "256", "--stall-seconds", "30"]
        log = self.folder / "model-server.log"
        server = self._parts.enter_context(started([*command, *faults], log))
        found = re.search(r"(http://\S+)/v1", server.line())
        assert found
        return server, found[1]

    def _start_sync(self) -> Started:
        key = self.prometheus.folder / "secrets" / "prometheus.key"
        key.parent.mkdir()
        shutil.copy(self._key_file("prometheus"), key)
        command = [*self._pulseguard(), "sync", "--registry-url", self.registry_url]
        files: Arguments = ["--targets-file", self._targets_file, "--key-file", key]
        told: Arguments = ["--prometheus-url", self.prometheus.url] if self._is_telling else []
        settings = {"PYTHONPATH": str(REPOSITORY), "PULSEGUARD_SYNC_INTERVAL_SECONDS": "0.2"}
        log = self.folder / "sync.log"
        return self._parts.enter_context(started([*command, *files, *told], log, **settings))

    @property
    def _targets_file(self) -> Path:
        return self.prometheus.folder / "targets" / "agents.json"

    def _is_listed(self) -> bool:
        return self._targets_file.exists() and json.loads(self._targets_file.read_text()) != []

    def _pulseguard(self) -> Arguments:
        return [PYTHON, "-m", "tests.end_to_end.hurried"] if self._is_telling else [COMMAND]

    def _prometheus(self) -> PrometheusServer:
        port = free_port()
        folder = self.folder / "prometheus"
        (folder / "rules").mkdir(parents=True)
        for name, text in shipped_rules().items():
            rules = render_rules(text, pending_seconds=PENDING_SECONDS)
            (folder / "rules" / name).write_text(rules, encoding="utf-8")
        configuration = render_configuration(
            shipped_configuration(),
            scrape_interval_seconds=SCRAPE_SECONDS,
            registry_address=f"127.0.0.1:{self.registry_port}",
            alertmanager_address="127.0.0.1:9",
            prometheus_address=f"127.0.0.1:{port}",
        )
        return PrometheusServer(folder, configuration, port=port)

    def _key_file(self, role: str, **bound: str) -> Path:
        made = self.api("/api/v1/keys", {"name": role, "role": role, **bound})
        path = self.folder / f"{role}.key"
        path.write_text(made["key"], encoding="utf-8")
        path.chmod(0o600)
        return path

    def _ledger_page(self, after: int) -> Any:  # Any: decoded JSON
        address = f"{self.model_server_url}/ledger?after={after}&limit=10000"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def running_stack(
    *,
    is_telling: bool = False,
    agent_comes_first: bool = False,
    calls_before: int = 0,
    past_costs: bool = False,
) -> Iterator[Stack]:
    """All parts, in a folder that the embedded PostgreSQL can reach; see `Stack`."""
    with server_folder() as folder, ExitStack() as parts:
        yield Stack(
            folder,
            parts,
            is_telling=is_telling,
            agent_comes_first=agent_comes_first,
            calls_before=calls_before,
            past_costs=past_costs,
        )


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Everything but the agent."""
    with running_stack() as one:
        yield one


@pytest.fixture(scope="module")
def stack_with_agent() -> Iterator[Stack]:
    """Everything, with an agent that is scraped: as each test that has it leaves it to the next."""
    with running_stack(agent_comes_first=True) as one:
        eventually(one.is_up)
        yield one
