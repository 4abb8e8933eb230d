"""One deployment for all of these tests, left to the next one as healthy as it was found."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import copy_of_checkout
from tests.containers.deployment import Deployment, eventually
from tests.containers.docker import check_docker

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before they are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need Docker: `make test` leaves them to `make test-stack`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("containers")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment, built and started once."""
    check_docker()
    deployment = Deployment(copy_of_checkout(tmp_path_factory.mktemp("host") / "pulseguard"))
    try:
        deployment.make("secrets")
        deployment.compose("build", seconds=900)
        deployment.up()
        yield deployment
    finally:
        deployment.remove()


@pytest.fixture
def deployment(running: Deployment) -> Iterator[Deployment]:
    """Healthy, with its five agents online and scraped, before and after each test."""
    wait_until_whole(running)
    yield running
    wait_until_whole(running)


def wait_until_whole(running: Deployment) -> None:
    """Every container is healthy, and every demo agent is online and scraped."""
    running.wait_until_healthy()
    eventually(lambda: len(running.query('up{job="agents",environment="demo"} == 1')) == 5)
    eventually(lambda: {agent["status"] for agent in running.agents().values()} == {"ONLINE"})
