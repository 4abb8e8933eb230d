"""A deployment over a month: its programs come and go with their clocks moved, its data stay."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from pulseguard_stack.deployment.making import make_secrets
from tests.end_to_end.processes import Started
from tests.prometheus.sinks import WebSink, web_sink
from tests.prometheus.sync_process import SyncProcess
from tests.registry.process import Answer
from tests.second_week.moved_clock import moved_command, python_path
from tests.second_week.moving import move_clocks
from tests.second_week.postgres import MovedPostgres
from tests.second_week.programs import (
    MovedRegistry,
    alertmanager_of,
    prometheus_of,
    start_agent,
    start_sync,
)
from tests.server_folder import server_folder
from tests.started_program import eventually, lasting_port

DAY = 86_400
# What docker-compose.yml gives the registry, by its file below secrets/.
GIVEN = {
    "registry/admin.key": "admin",
    "registry/prometheus.key": "prometheus",
    "registry/agents.key": "agent:production",
    "registry/demo.key": "agent:demo",
}
# By the name of the agent its environment, and its key below secrets/. One is enrolled.
AGENTS = {
    "clerk": ("production", "registry/agents.key"),
    "porter": ("demo", "demo-agents/demo.key"),
    "guest": ("production", "enrolment.key"),
}


class Month:
    """Data, secrets, who is told, and whatever runs now."""

    def __init__(self, folder: Path, web: WebSink) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        make_secrets(self.secrets, lambda _: None)
        self.web = web
        (folder / "webhook").write_text(f"{web.url}/page\n")
        self.seconds = 0
        self.postgres = MovedPostgres(folder)
        self._port = lasting_port()
        address = f"127.0.0.1:{self._port}"
        self.alertmanager = alertmanager_of(folder / "alertmanager", address)
        self.prometheus = prometheus_of(folder / "prometheus", address, self.alertmanager.address)
        for server in (self.alertmanager, self.prometheus):
            (server.folder / "secrets").symlink_to(self.secrets / "prometheus")
        self.sync = SyncProcess(self.prometheus.folder)
        self.sync.file.parent.mkdir()
        self.registry: MovedRegistry | None = None
        self.agents: dict[str, Started] = {}

    def start(self, day: int) -> None:
        """Start all but the agents, as on this day."""
        self.start_database(day)
        self.start_services()

    def start_database(self, day: int) -> None:
        """Start it alone; whatever is started next is as on this day, too."""
        self.seconds = day * DAY
        self.postgres.start(self.seconds)

    def start_services(self) -> None:
        """Start the registry, and what is around it."""
        self.registry = MovedRegistry(
            self.folder,
            self.postgres.url,
            self._port,
            self.seconds,
            pythonpath=python_path(),
            pepper_file=str(self.secrets / "registry" / "pepper"),
            given_keys=",".join(f"{who}={self.secrets / path}" for path, who in GIVEN.items()),
            alertmanager_url=self.alertmanager.url,
            prometheus_url=self.prometheus.url,
        )
        self.registry.wait_until_it_listens()
        eventually(self.registry.is_ready)
        for server in (self.alertmanager, self.prometheus):
            server.launcher = moved_command(self.seconds)
            server.start()
        start_sync(
            self.sync,
            self.seconds,
            self.registry.url,
            self.prometheus,
            self.alertmanager,
            PULSEGUARD_ALERT_WEBHOOK_FILE=str(self.folder / "webhook"),
            PULSEGUARD_NOTIFY_SEVERITY="info",
        )

    def start_agents(self) -> None:
        """Start all of them, on other ports than before."""
        assert self.registry
        for name, (environment, key) in AGENTS.items():
            self.agents[name] = start_agent(
                name,
                self.seconds,
                self.folder / f"{name}.log",
                PULSEGUARD_REGISTRY_URL=self.registry.url,
                PULSEGUARD_ENVIRONMENT=environment,
                PULSEGUARD_KEY_FILE=str(self.secrets / key),
                PULSEGUARD_KEY_FOLDER=str(self.folder / "own-keys"),
            )

    def take_down(self) -> None:
        """Have everything end by itself, as `docker compose down` does: agents say goodbye."""
        for agent in self.agents.values():
            agent.end_input()
            agent.close()
        self.agents.clear()
        self.sync.end(seconds=20)
        self.prometheus.stop()
        self.alertmanager.stop()
        if self.registry:
            assert self.registry.stop() == 0
            self.registry = None
        self.postgres.stop()

    def cut_the_power(self) -> None:
        """End everything where it is, the agents as well."""
        for agent in self.agents.values():
            agent.kill()
            agent.close()
        self.agents.clear()
        self.sync.kill()
        self.prometheus.kill()
        self.alertmanager.kill()
        if self.registry:
            self.registry.process.kill()
            self.registry.process.wait()
            self.registry = None
        # At once, without a word to anybody; its own processes are gone with it.
        self.postgres.stop(signal.SIGQUIT)

    def move(self, seconds: int) -> None:
        """Set the clock of everything that runs forward, as an operator sets a host's."""
        self.seconds += seconds
        move_clocks(self._processes(), self.seconds)

    def _processes(self) -> Iterator[psutil.Process]:
        """All that run. Once the first of PostgreSQL's is stopped, there are no more of them."""
        assert self.postgres.process
        assert self.registry
        assert self.sync.process
        postmaster = psutil.Process(self.postgres.process.pid)
        yield postmaster
        yield from postmaster.children(recursive=True)
        yield from map(psutil.Process, (self.registry.process.pid, self.sync.process.pid))
        yield from (psutil.Process(each.pid) for each in (self.prometheus, self.alertmanager))
        yield from (psutil.Process(agent.process.pid) for agent in self.agents.values())

    def key(self, path: str = "registry/admin.key") -> str:
        """What a file below secrets/ holds now."""
        return (self.secrets / path).read_text(encoding="utf-8").strip()

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> Answer:
        """What the registry answers to its admin, or to whoever has this key."""
        assert self.registry
        return self.registry.ask(method, f"/api/v1{path}", body, key or self.key())

    # Any: JSON.
    def write(self, path: str, body: object) -> Any:
        """What is answered to a POST that is taken."""
        answer = self.ask("POST", path, body)
        assert answer.status in (200, 201), answer.body
        return answer.body

    # Any: see above.
    def get(self, path: str, **query: str) -> Any:
        """What is answered, once there is an answer: a database may have to be waited for."""
        address = f"{path}?{urlencode(query)}"
        answer = eventually(partial(self._answered, address))
        assert answer
        assert answer.status == 200, answer.body
        return answer.body

    def _answered(self, address: str) -> Answer | None:
        answer = self.ask("GET", address)
        return None if answer.status == 503 else answer

    # Any: see above.
    def listed(self, path: str, **query: str) -> list[Any]:
        """All pages of a list."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, limit="100", **query, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": str(page["next_cursor"])}


@contextmanager
def running_month() -> Iterator[Month]:
    """A folder that PostgreSQL can reach, and somebody to be told; nothing is started."""
    with server_folder() as folder, web_sink() as web:
        month = Month(folder, web)
        try:
            yield month
        finally:
            month.cut_the_power()
