"""What the services of a deployment hold, looked at every few seconds until it is over."""

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import psycopg
from tests.containers.deployment import Deployment
from tests.containers.docker import Refused, docker

from bench.soak.judge import Points
from bench.soak.patience import served
from bench.soak.processes import Usage, usage

EVERY_SECONDS = 10.0
DISK_EVERY = 6
TROUBLES = (OSError, ValueError, AssertionError, Refused, subprocess.SubprocessError, psycopg.Error)
# Without the one that asks.
CONNECTIONS = """
SELECT count(*), count(*) FILTER (WHERE state = 'idle in transaction')
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
DATABASE_DISK = (
    "SELECT pg_database_size(current_database()), (SELECT sum(size) FROM pg_ls_waldir())"
)

Quantity = Literal[
    "memory", "descriptors", "threads", "connections", "waiting", "disk", "log", "load"
]


class Key(NamedTuple):
    """What was measured of whom."""

    subject: str
    quantity: Quantity


class Sampler:
    """Series by what they are of; a service that was started again is named in `restarted`."""

    def __init__(self, deployment: Deployment) -> None:
        self.series: dict[Key, Points] = defaultdict(list)
        self.restarted: set[str] = set()
        self.troubles: list[str] = []
        self._deployment = deployment
        services = deployment.services
        self._programs = served(lambda: {name: deployment.program(name) for name in services})
        self._prometheus = deployment.container("prometheus")
        self._database_url = deployment.database_url()
        self._turn = 0

    def sample(self) -> None:
        """Look once; what cannot be seen just now is a gap and a trouble."""
        # Of the whole machine: what else ran on it is seen there.
        self.add("machine", load=os.getloadavg()[0])
        for service in self._programs:
            with self._noting(service):
                self._add_usage(service)
        with self._noting("the database"):
            self._add_database()
        if self._turn % DISK_EVERY == 0:
            with self._noting("the disk of prometheus"):
                told = docker("exec", self._prometheus, "du", "-sk", "/prometheus")
                self.add("prometheus", disk=int(told.split()[0]) * 1024)
        self._turn += 1

    def add(self, subject: str, **values: float) -> None:
        """These, now."""
        at = time.monotonic()
        for quantity, value in values.items():
            self.series[Key(subject, quantity)].append((at, value))  # type: ignore[arg-type]

    def _add_usage(self, service: str) -> None:
        try:
            found: Usage = usage(self._programs[service])
        except ProcessLookupError:
            self.restarted.add(service)
            self._programs[service] = self._deployment.program(service)
            return
        self.add(service, **found._asdict())

    def _add_database(self) -> None:
        with psycopg.connect(self._database_url, connect_timeout=5) as connection:
            connections, waiting = _row(connection, CONNECTIONS)
            self.add("postgres", connections=connections, waiting=waiting)
            if self._turn % DISK_EVERY == 0:
                database, log = _row(connection, DATABASE_DISK)
                self.add("postgres", disk=database, log=log)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise PermissionError(
                f"{error.filename}: only root sees what the processes of containers hold;"
                " run it as root"
            ) from None
        except TROUBLES as error:
            self.troubles.append(f"{what}: {error}")


@contextmanager
def sampled(sampler: Sampler, seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Look at once, every so many seconds, and at last, in a thread of its own."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(seconds):
            sampler.sample()

    sampler.sample()
    thread = threading.Thread(target=look, name="sampler", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    sampler.sample()


def _row(connection: "psycopg.Connection[tuple[int, ...]]", query: str) -> tuple[int, ...]:
    found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return tuple(int(value) for value in found)
