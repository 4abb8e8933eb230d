"""Discovery while the database fails in eight ways: Prometheus never loses a target."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest

from pulseguard_prometheus.configuration import render_configuration, shipped_configuration
from pulseguard_registry.embedded import DATA_FOLDER, EmbeddedPostgres
from pulseguard_registry.errors import DatabaseUnavailable
from tests.prometheus.fakes import fake_agent
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import PrometheusServer, eventually, free_port
from tests.registry.pacing import paced
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.proxy import Door, Mode
from tests.registry.running import registration
from tests.server_folder import server_folder

TARGETS = "/api/v1/discovery/targets"
STATE = "/api/v1/discovery/state"
FLEET = 8
POLLS_A_SECOND = 5
# How long a fault lasts after it was noticed.
LASTS_SECONDS = 15.0 if os.environ.get("PULSEGUARD_TEST_LONG") == "1" else 0.3
# Three seconds are promised; the rest is this machine's, which may be busy.
NOTICED_SECONDS = 3.5


class Postgres:
    """A PostgreSQL of this test's own, behind a door, with what may befall it."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / DATA_FOLDER
        self._server = EmbeddedPostgres(folder)
        self.socket_url = self._server.start()
        socket_folder = Path(parse_qs(urlsplit(self.socket_url).query)["host"][0])
        self.door = Door(socket_folder / ".s.PGSQL.5432", "open")
        self.url = f"postgresql://postgres@127.0.0.1:{self.door.port}/postgres"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stopped as an operator does, without waiting for those who are connected."""
        processes = self._processes()
        processes[0].send_signal(signal.SIGINT)
        psutil.wait_procs(processes, 5)
        yield
        self._start()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Killed: it has to recover."""
        processes = self._processes()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, 5)
        yield
        self._start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of it stopped by a signal."""
        for process in (processes := self._processes()):
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    @contextmanager
    def behind(self, mode: Mode) -> Iterator[None]:
        """A network that does this to what is said."""
        self.door.set(mode)
        yield
        self.door.set("shut")
        self.door.set("open")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """A server that takes no writes, as a replica does."""
        self._execute("ALTER SYSTEM SET default_transaction_read_only = on")
        self._execute("SELECT pg_reload_conf()")
        yield
        self._execute("ALTER SYSTEM RESET default_transaction_read_only")
        self._execute("SELECT pg_reload_conf()")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody changes the schema and does not end."""
        with psycopg.connect(self.socket_url) as connection:
            connection.execute("LOCK TABLE agents, versions IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    def close(self) -> None:
        """Stop it for good."""
        self.door.set("shut")
        self._server.stop()

    def _start(self) -> None:
        def is_running() -> bool:
            # What was killed may take a moment to give its memory back.
            with suppress(DatabaseUnavailable):
                self._server.ensure_running()
                return True
            return False

        eventually(is_running)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.socket_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _processes(self) -> list[psutil.Process]:
        number = int((self._data / "postmaster.pid").read_text().split("\n")[0])
        postmaster = psutil.Process(number)
        return [postmaster, *postmaster.children(recursive=True)]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with server_folder() as folder:
        one = Postgres(folder)
        yield one
        one.close()


class Watched:
    """A registry, and what a real Prometheus makes of it by way of sync."""

    def __init__(
        self, registry: RegistryProcess, sync: SyncProcess, prometheus: PrometheusServer
    ) -> None:
        self._registry = registry
        self._sync = sync
        self._prometheus = prometheus
        self._key = registry.admin_key()

    def is_whole(self) -> bool:
        """Whether all of them have the whole fleet."""
        return self.status() == 200 and self._scraped() == FLEET and len(self._file()) == FLEET

    def status(self) -> int:
        """Of the target list, which is whole wherever it is answered."""
        answer = self._registry.get(TARGETS, self._key)
        assert answer.status in (200, 503)
        assert answer.status == 503 or len(answer.body) == FLEET
        assert answer.seconds < 3
        return answer.status

    def keeps_its_targets(self) -> bool:
        """Whether Prometheus and the file have the whole fleet, whatever the registry says."""
        assert (self._scraped(), len(self._file())) == (FLEET, FLEET)
        return True

    def keeps_its_targets_for(self, seconds: float) -> None:
        """Look at both for so long."""
        until = time.monotonic() + seconds
        eventually(lambda: self.keeps_its_targets() and time.monotonic() > until)

    def doubts(self) -> bool:
        """Whether the state says that it is in doubt."""
        return bool(self._registry.get(STATE, self._key).body["in_doubt"])

    def _scraped(self) -> int:
        return len(self._prometheus.targets("agents"))

    def _file(self) -> list[object]:
        found = self._sync.targets()
        return found if isinstance(found, list) else []


@pytest.fixture
def watched(postgres: Postgres, tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        agent = stack.enter_context(fake_agent("honest_total 1\n"))
        registry = stack.enter_context(registry_process(tmp_path, postgres.url))
        eventually(registry.is_ready)
        for number in range(FLEET):
            said = registration(f"agent-{number}", metrics_address=agent.address)
            assert registry.post("/api/v1/agents", said, registry.admin_key()).status == 201
        eventually(lambda: len(registry.get(TARGETS, registry.admin_key()).body) == FLEET)
        sync = SyncProcess(tmp_path)
        stack.callback(sync.kill)
        sync.key_file.write_text(registry.admin_key())
        sync.start(registry.url, f"--key-file={sync.key_file}")
        eventually(sync.targets)
        text = render_configuration(
            shipped_configuration(),
            scrape_interval_seconds=1,
            registry_address=registry.url.removeprefix("http://"),
            alertmanager_address=f"127.0.0.1:{free_port()}",
            prometheus_address=f"127.0.0.1:{free_port()}",
        )
        prometheus = stack.enter_context(PrometheusServer(tmp_path, text))
        one = Watched(registry, sync, prometheus)
        eventually(one.is_whole)
        yield one


def test_no_fault_of_the_database_costs_prometheus_a_target(
    postgres: Postgres, watched: Watched
) -> None:
    for name, fault in {
        "stopped": postgres.stopped(),
        "killed": postgres.killed(),
        "frozen": postgres.frozen(),
        "a black hole": postgres.behind("black hole"),
        "slow": postgres.behind("slow"),
        "cut in the middle": postgres.behind("reset"),
        "read-only": postgres.read_only(),
        "locked": postgres.locked(),
    }.items():
        with paced(watched.status, POLLS_A_SECOND):
            with fault:
                began = time.monotonic()
                eventually(lambda: watched.keeps_its_targets() and watched.status() == 503)
                noticed = time.monotonic() - began
                assert noticed < NOTICED_SECONDS, name
                eventually(watched.doubts)
                watched.keeps_its_targets_for(LASTS_SECONDS)
            eventually(lambda: watched.keeps_its_targets() and watched.status() == 200)
    assert watched.is_whole()
