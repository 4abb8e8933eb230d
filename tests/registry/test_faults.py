"""Kill -9 and standstill under load, of PostgreSQL and of the registry: nothing said is lost."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from tests.registry.crowd import UNLIMITED, Call, Crowd
from tests.registry.durable_postgres import DurablePostgres, durable_postgres
from tests.registry.ledger import stored
from tests.registry.process import RegistryProcess
from tests.registry.running import eventually, registration

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
KILLS = 3 if LONG else 1
FROZEN_SECONDS = 15 if LONG else 4
AGENTS = "/api/v1/agents"
# AnyIO has 40 for the routes that are plain functions.
MORE_THAN_THREADS = 60
LIVENESS = "/api/v1/health"
TARGETS = "/api/v1/discovery/targets"
DOUBTED_AFTER_SECONDS = 3
ALIVE_SECONDS = 0.1


# What it asks of two cores leaves nothing to whoever runs beside it.
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def server() -> Iterator[DurablePostgres]:
    """PostgreSQL for the module's tests."""
    with durable_postgres() as one:
        yield one


@pytest.fixture
def registries(server: DurablePostgres, tmp_path: Path) -> Iterator[list[RegistryProcess]]:
    """Two that share the database, the pepper and the keys."""
    started: list[RegistryProcess] = []
    try:
        for name in ("one", "other"):
            started.append(
                RegistryProcess(tmp_path, server.url, name=name, rate_limit_per_second=UNLIMITED)
            )
            started[-1].wait_until_it_listens()
            eventually(started[-1].is_ready, 20)
        yield started
    finally:
        for registry in started:
            registry.stop()


def start_again(registries: list[RegistryProcess], index: int, database_url: str) -> None:
    """Start the one that has ended on its address, and wait until it serves."""
    ended = registries[index]
    name, port = ended.log_path.stem, urlsplit(ended.url).port or 0
    registries[index] = RegistryProcess(
        ended.data_dir.parent, database_url, port, name, rate_limit_per_second=UNLIMITED
    )
    registries[index].wait_until_it_listens()
    eventually(registries[index].is_ready, 20)


def registered(registry: RegistryProcess, *names: str) -> list[uuid.UUID]:
    """Register agents of these names; returns their ids."""
    headers = {"Authorization": f"Bearer {registry.admin_key()}"}
    answers = (
        httpx2.post(registry.url + AGENTS, json=registration(name), headers=headers)
        for name in names
    )
    return [uuid.UUID(answer.json()["id"]) for answer in answers]


def crowd(registries: list[RegistryProcess], beating: int) -> Crowd:
    """Agents that beat, and a client that registers more."""
    clients = Crowd([registry.url for registry in registries], registries[0].admin_key())
    for agent_id in registered(registries[0], *(f"agent-{number}" for number in range(beating))):
        clients.beat(agent_id)
    clients.register()
    return clients


def configured(database_url: str) -> dict[uuid.UUID, int]:
    """The number in the configuration of each agent that has one."""
    with psycopg.connect(database_url) as connection:
        query = "SELECT id, (config->>'number')::int FROM agents WHERE config ? 'number'"
        return dict(connection.execute(query).fetchall())


def test_no_acknowledged_write_is_lost_whoever_is_killed(
    server: DurablePostgres, registries: list[RegistryProcess]
) -> None:
    clients = crowd(registries, beating=6)
    clients.beat_in_bulk(registered(registries[0], *(f"of-many-{number}" for number in range(3))))
    (changed,) = registered(registries[0], "changed")
    clients.configure(changed)
    clients.retire_and_restore()
    clients.make_and_revoke_keys()
    clients.tell_alerts()
    with clients:
        for _ in range(KILLS):
            clients.wait_for_writes()
            server.kill()
            server.start_again()

            clients.wait_for_writes()
            registries[0].process.kill()
            registries[0].process.wait()
            clients.wait_for_writes()
            start_again(registries, 0, server.url)

        for index in range(len(registries)):  # a rolling restart
            assert registries[index].stop() == 0
            start_again(registries, index, server.url)
        clients.wait_for_writes()

    assert clients.acknowledged - stored(server.url) == set()
    told = {fact[1] for fact in clients.acknowledged if isinstance(fact, tuple)}
    assert {"revoked", "restored", "resolved"} <= told
    # What was not acknowledged any more may be stored all the same.
    assert configured(server.url)[changed] >= clients.configured[changed] > 0
    # Broken connections (0) are those of the killed; whoever lives says 503.
    assert {call.status for call in clients.calls} <= {0, 200, 201, 503}
    assert max(call.seconds for call in clients.calls) < 5


def test_a_postgresql_that_stands_still_holds_up_nobody_and_is_used_again_at_once(
    server: DurablePostgres, registries: list[RegistryProcess]
) -> None:
    clients = crowd(registries, beating=2)
    for path in (LIVENESS, AGENTS, TARGETS):
        clients.read(path)
    with clients:
        began = time.monotonic()
        clients.wait_for_writes(100)
        with server.frozen():
            frozen = time.monotonic()
            for registry in registries:
                crowd_in(registry)
            time.sleep(FROZEN_SECONDS)
            thawed = time.monotonic()
        eventually(lambda: clients.is_served_since(thawed), 10)
        normal = time.monotonic()
        clients.wait_for_writes(100)

    assert normal - thawed < 2
    assert {call.status for call in clients.calls} <= {200, 201, 503}
    assert max(call.seconds for call in clients.calls) < 5
    # What was confirmed last before it stood still counts for so long, and no longer.
    doubted = clients.calls_to(TARGETS, frozen + DOUBTED_AFTER_SECONDS, thawed)
    assert {call.status for call in doubted if call.ended < thawed} == {503}
    alive = clients.calls_to(LIVENESS, frozen, thawed)
    # In the short run the machine is shared: what the same clients cost it is no fault of ours.
    usual = 0 if LONG else p99(clients.calls_to(LIVENESS, began, frozen))
    assert p99(alive) <= usual + ALIVE_SECONDS
    # Not one waits behind those who wait for the database.
    assert max(call.seconds for call in alive) < 1


def crowd_in(registry: RegistryProcess) -> None:
    """Ask for more at once than there are threads to answer, and go on meanwhile."""
    key = registry.admin_key()
    for _ in range(MORE_THAN_THREADS):
        threading.Thread(target=registry.get, args=(AGENTS, key), daemon=True).start()


def p99(calls: list[Call]) -> float:
    """Seconds within which 99 of 100 calls were answered."""
    seconds = sorted(call.seconds for call in calls)
    return seconds[int(len(seconds) * 0.99)]
