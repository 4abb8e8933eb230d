"""The simulated agents beside a deployment: started, retired, and compared with its database."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from tests.compose.compose_file import REPOSITORY
from tests.containers.deployment import Deployment, eventually
from tests.containers.docker import docker

from bench.soak.agents import ENVIRONMENT, Told
from bench.soak.patience import served

UP_SECONDS = 120
END_SECONDS = 60
STORED = """
SELECT agent_id::text, count(*) FROM ai_metrics JOIN agents ON agents.id = agent_id
 WHERE environment = %s GROUP BY 1
"""
SILENT = """
SELECT count(*) FROM agent_events JOIN agents ON agents.id = agent_id
 WHERE environment = %s AND became = 'OFFLINE'
"""


class Fleet:
    """Those that run, in a process of their own."""

    def __init__(self, deployment: Deployment, agents: int) -> None:
        self.agents = agents
        self._deployment = deployment
        sent = {"name": "simulated agents", "role": "agent", "environment": ENVIRONMENT}
        key = served(lambda: deployment.tell("POST", "/keys", sent))["key"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.soak.agents"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            start_new_session=True,  # Ctrl-C is for who asks it for its ledger
        )
        told = Told(deployment.registry_url, key, agents, gateway(deployment))
        assert self._process.stdin
        self._process.stdin.write(told.as_line())
        self._process.stdin.flush()
        heard = self._heard()
        # How many samples each of them shows, and who they are.
        self.samples: int = heard["samples"]
        self.ids: Sequence[str] = heard["ids"]

    def wait_until_watched(self) -> None:
        """Until every one is online and was scraped."""
        eventually(lambda: len(self._up()) == self.agents, UP_SECONDS)
        eventually(lambda: self._online() == self.agents, UP_SECONDS)

    def stop(self) -> Mapping[str, Any]:
        """Its ledger; it beats no more."""
        assert self._process.stdin
        self._process.stdin.close()
        ledger = self._heard()
        self._process.wait(END_SECONDS)
        return ledger

    def kill(self) -> None:
        """Where it was not stopped."""
        with self._process:  # closes what it is told and heard by
            self._process.kill()

    def _up(self) -> list[object]:
        return list(self._deployment.query(f'up{{environment="{ENVIRONMENT}"}} == 1'))

    def _online(self) -> int:
        counted = 'count(pulseguard_registry_agent_status{status="ONLINE",environment="%s"} == 1)'
        return sum(int(value) for _, value in self._deployment.query(counted % ENVIRONMENT))

    def _heard(self) -> Mapping[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the simulated agents have ended: what they said is above"
        heard: Mapping[str, Any] = json.loads(line)
        return heard


@contextmanager
def simulated_fleet(deployment: Deployment, agents: int) -> Iterator[Fleet]:
    """So many agents, all of them online and scraped."""
    fleet = Fleet(deployment, agents)
    try:
        fleet.wait_until_watched()
        yield fleet
    finally:
        fleet.kill()


def retire_agents(deployment: Deployment) -> None:
    """Leave the deployment to others: nobody misses them."""
    for target in deployment.ask("/discovery/targets"):
        labels = target["labels"]
        if labels["environment"] == ENVIRONMENT:
            deployment.tell("DELETE", f"/agents/{labels['agent_id']}")
    deployment.tell("POST", "/discovery/release")


def gateway(deployment: Deployment) -> str:
    """The address of this machine in the network of the agents."""
    found = json.loads(docker("network", "inspect", f"{deployment.project}_agents"))
    return str(found[0]["IPAM"]["Config"][0]["Gateway"])


def lost_snapshots(database_url: str, acknowledged: Mapping[str, int]) -> int:
    """How many were acknowledged and are not stored."""
    with psycopg.connect(database_url) as connection:
        stored: dict[str, int] = dict(connection.execute(STORED, [ENVIRONMENT]).fetchall())
    return sum(max(count - stored.get(each, 0), 0) for each, count in acknowledged.items())


def times_offline(database_url: str) -> int:
    """How often one of them, which never fell silent, was called offline."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(SILENT, [ENVIRONMENT]).fetchone()
    return int(found[0]) if found else 0
