"""A service that dies or hangs is healthy again by itself, and nothing acknowledged is lost."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.compose.compose_file import SERVICES
from tests.containers.deployment import HEALED_SECONDS, RUN, Deployment, eventually
from tests.containers.writing import written_all_the_time


@pytest.fixture
def clients(deployment: Deployment) -> Iterator[None]:
    """Somebody writes all the time, and nothing of it is lost."""
    with written_all_the_time(deployment):
        yield


@contextmanager
def nobody_expires(deployment: Deployment) -> Iterator[None]:
    """No agent of the demo is told to be offline meanwhile, and none is another one after."""
    before = deployment.agents()
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    yield
    eventually(lambda: deployment.agents().keys() == before.keys())
    after = deployment.agents()
    assert {name: agent["id"] for name, agent in after.items()} == {
        name: agent["id"] for name, agent in before.items()
    }
    for agent in after.values():
        events = deployment.ask(f"/agents/{agent['id']}/events", since=since)["items"]
        assert [event for event in events if event.get("status") == "OFFLINE"] == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=lambda how: how.name)
@pytest.mark.parametrize("service", [name for name in RUN if "profiles" not in SERVICES[name]])
def test_a_service_that_dies_or_hangs_is_healthy_again_by_itself(
    deployment: Deployment, clients: None, service: str, how: signal.Signals
) -> None:
    program = deployment.program(service)
    with nobody_expires(deployment):
        os.kill(program, how)
        eventually(lambda: not deployment.is_healthy(service) or gone(program))
        eventually(lambda: gone(program) and deployment.is_healthy(service), HEALED_SECONDS)


def gone(program: int) -> bool:
    try:
        os.kill(program, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_agent_and_its_model_server_come_back_too(deployment: Deployment) -> None:
    ids = {name: agent["id"] for name, agent in deployment.agents().items()}
    for service in ("coder", "model-server"):
        for how in (signal.SIGKILL, signal.SIGSTOP):
            program = deployment.program(service)
            os.kill(program, how)
            eventually(lambda: gone(program) and deployment.is_healthy(service))  # noqa: B023

    eventually(lambda: deployment.agents()["coder"]["status"] == "ONLINE")
    assert {name: agent["id"] for name, agent in deployment.agents().items()} == ids


def test_services_are_restarted_in_any_order(deployment: Deployment, clients: None) -> None:
    order = list(deployment.services)
    random.shuffle(order)
    with nobody_expires(deployment):
        deployment.compose("restart", *order, seconds=300)
        took = deployment.wait_until_healthy(seconds=2 * HEALED_SECONDS)
    assert took < HEALED_SECONDS, (order, took)
