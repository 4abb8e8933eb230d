"""What is away for a while is told, and is made good when it is back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

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
    container = deployment.container(service)
    docker("stop", container)
    try:
        yield
    finally:
        # Compose v2 would start what it needs as well.
        docker("start", container)


def seen_to_fire(deployment: Deployment, *alerts: str) -> datetime:
    """When they were, within the time in which has to be told of what has just happened."""
    eventually(lambda: deployment.firing().issuperset(alerts), NOTICED_SECONDS)
    return datetime.now(UTC)


def statuses_told(deployment: Deployment, alert: str, since: datetime, until: datetime) -> set[str]:
    """What the registry's history has of an alert that began between these moments."""
    filters = {"alertname": alert, "since": since.isoformat(), "until": until.isoformat()}
    return {entry["status"] for entry in deployment.ask("/alerts", **filters)["items"]}


@pytest.mark.parametrize(
    ("service", "seconds", "alert"),
    [("postgres", 60, "RegistryDatabaseDown"), ("registry", 300, "RegistryDown")],
)
def test_an_outage_is_noticed_and_expires_nobody(
    deployment: Deployment, service: str, seconds: int, alert: str
) -> None:
    targets = set(up(deployment))
    with written_all_the_time(deployment), nobody_expires(deployment):
        began = datetime.now(UTC)
        with stopped(deployment, service):
            seen = seen_to_fire(deployment, alert)
            time.sleep(max(0.0, seconds - (datetime.now(UTC) - began).total_seconds()))
            # The agents are watched all the time.
            assert set(up(deployment)) == targets
        deployment.wait_until_healthy()
        eventually(lambda: alert not in deployment.firing(), NOTICED_SECONDS)
        # Nobody could be told of it when it began.
        eventually(lambda: statuses_told(deployment, alert, began, seen) == {"firing", "resolved"})
    assert "AgentDown" not in deployment.firing()


def test_what_begins_while_alertmanager_is_away_is_told_when_it_is_back(
    deployment: Deployment,
) -> None:
    with written_all_the_time(deployment), nobody_expires(deployment):
        began = datetime.now(UTC)
        with stopped(deployment, "sync"):
            with stopped(deployment, "alertmanager"):
                seen = seen_to_fire(deployment, "SyncSilent", "AlertmanagerDown")
            # Prometheus repeats what fires every minute.
            eventually(
                lambda: statuses_told(deployment, "SyncSilent", began, seen) == {"firing"}, 90
            )
        deployment.wait_until_healthy()
        eventually(
            lambda: deployment.firing().isdisjoint({"AlertmanagerDown", "SyncSilent"}),
            NOTICED_SECONDS,
        )


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
