"""A service that dies or hangs is healthy again by itself, and nothing acknowledged is lost."""

import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.compose.compose_file import SERVICES
from tests.containers.deployment import RUN, Deployment, eventually
from tests.containers.docker import docker
from tests.containers.writing import written_all_the_time


@pytest.fixture
def clients(deployment: Deployment) -> Iterator[None]:
    """Somebody writes all the time, and nothing of it is lost."""
    with written_all_the_time(deployment):
        yield


@contextmanager
def nobody_expires(deployment: Deployment) -> Iterator[None]:
    """No agent of the demo is called offline meanwhile, unless it said goodbye itself, and none is
    another one after. In trouble some are at times: their model server stalls on purpose."""
    ids = {name: agent["id"] for name, agent in deployment.agents().items()}
    since = datetime.now(UTC).isoformat()
    yield
    # A registry that has only just come back may not answer at once.
    eventually(lambda: was_online(deployment, ids, since))


def was_online(deployment: Deployment, ids: Mapping[str, str], since: str) -> bool:
    """AssertionError with the agents that are others, or the changes that should not have been."""
    now = {name: agent["id"] for name, agent in deployment.agents().items()}
    assert now == ids
    for agent_id in ids.values():
        asked = {"kind": "status_changed", "since": since}
        told = deployment.ask(f"/agents/{agent_id}/events", **asked)["items"]
        changes = [(event["to"], event["detail"]["reason"]) for event in told]
        expired = [change for change in changes if change[0] in ("OFFLINE", "UNKNOWN")]
        assert [change for change in expired if change[1] != "stopped"] == []
    return True


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=lambda how: how.name)
@pytest.mark.parametrize("service", [name for name in RUN if "profiles" not in SERVICES[name]])
def test_a_service_that_dies_or_hangs_is_healthy_again_by_itself(
    deployment: Deployment, clients: None, service: str, how: signal.Signals
) -> None:
    with nobody_expires(deployment):
        heals(deployment, service, how)


def heals(deployment: Deployment, service: str, how: signal.Signals) -> None:
    """Once its program got this signal it is started anew and healthy, all in the time for it."""
    before = deployment.state(service)["StartedAt"]
    os.kill(deployment.program(service), how)
    eventually(
        lambda: deployment.state(service)["StartedAt"] != before and deployment.is_healthy(service)
    )


def test_an_agent_and_its_model_server_come_back_too(deployment: Deployment) -> None:
    ids = {name: agent["id"] for name, agent in deployment.agents().items()}
    for service in ("coder", "model-server"):
        for how in (signal.SIGKILL, signal.SIGSTOP):
            heals(deployment, service, how)

    eventually(lambda: deployment.agents()["coder"]["status"] == "ONLINE")
    assert {name: agent["id"] for name, agent in deployment.agents().items()} == ids


def test_services_are_restarted_in_any_order(deployment: Deployment, clients: None) -> None:
    order = list(deployment.services)
    random.shuffle(order)
    # Of any two each is the first once; none waits until the one before it is healthy.
    for each in (order, order[::-1]):
        with nobody_expires(deployment):
            for service in each:
                docker("restart", deployment.container(service))
            deployment.wait_until_healthy()


def test_a_silence_outlives_a_crash_of_alertmanager(deployment: Deployment) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    made = deployment.tell_alertmanager(
        "/silences",
        {
            "matchers": [{"name": "alertname", "value": "OfNobody", "isRegex": False}],
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": until.isoformat(),
            "createdBy": "somebody",
            "comment": "we are at it",
        },
    )["silenceID"]
    # It writes them every ten seconds.
    time.sleep(15)

    heals(deployment, "alertmanager", signal.SIGKILL)

    assert deployment.silences()[made]["status"]["state"] == "active"
