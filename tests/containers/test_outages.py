"""What is away for a while is told, and is made good when it is back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.containers.deployment import DEMO_AGENTS, Deployment, eventually
from tests.containers.docker import docker
from tests.containers.test_faults import nobody_expires
from tests.containers.writing import written_all_the_time

# Within which the monitor itself has to be told of.
NOTICED_SECONDS = 120


@contextmanager
def stopped(deployment: Deployment, service: str) -> Iterator[None]:
    """A service that somebody has stopped, and starts again."""
    deployment.compose("stop", service)
    try:
        yield
    finally:
        deployment.compose("start", service)


@pytest.mark.parametrize(
    ("service", "seconds", "alert"),
    [("postgres", 60, "RegistryDatabaseDown"), ("registry", 300, "RegistryDown")],
)
def test_an_outage_is_noticed_and_expires_nobody(
    deployment: Deployment, service: str, seconds: int, alert: str
) -> None:
    targets = set(up(deployment))
    with written_all_the_time(deployment), nobody_expires(deployment):
        began = time.monotonic()
        with stopped(deployment, service):
            eventually(lambda: alert in deployment.firing(), NOTICED_SECONDS)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
            # The agents are watched all the time.
            assert set(up(deployment)) == targets
        deployment.wait_until_healthy()
        eventually(lambda: alert not in deployment.firing(), NOTICED_SECONDS)
    assert "AgentDown" not in deployment.firing()


def up(deployment: Deployment) -> list[str]:
    """The agents that are scraped."""
    return [
        labels["agent"]
        for labels, _ in deployment.query('up{job="agents",environment="demo"} == 1')
    ]


def test_agents_that_are_cut_off_the_registry_go_on_and_come_back(deployment: Deployment) -> None:
    ids = {name: agent["id"] for name, agent in deployment.agents().items()}
    network = f"{deployment.project}_agents"
    calls = 'sum(gen_ai_client_operation_duration_seconds_count{environment="demo"})'
    ((_, before),) = deployment.query(calls)

    docker("network", "disconnect", network, deployment.container("registry"))
    try:
        eventually(lambda: "RegistryAgentsSilent" in deployment.firing(), NOTICED_SECONDS)
        # So many at once are held back for two more periods before they are called so.
        eventually(lambda: statuses(deployment) == {"OFFLINE"}, 240)
        # Their work and their measurements go on.
        assert len(up(deployment)) == len(DEMO_AGENTS)
        eventually(lambda: deployment.query(calls)[0][1] > before)
    finally:
        docker(
            "network", "connect", "--alias", "registry", network, deployment.container("registry")
        )

    eventually(lambda: statuses(deployment) == {"ONLINE"})
    eventually(lambda: "RegistryAgentsSilent" not in deployment.firing(), NOTICED_SECONDS)
    assert {name: agent["id"] for name, agent in deployment.agents().items()} == ids


def statuses(deployment: Deployment) -> set[str]:
    return {agent["status"] for agent in deployment.agents().values()}
