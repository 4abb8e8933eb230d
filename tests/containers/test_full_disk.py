"""A disk that is full costs what cannot be written, and nothing that was."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.checkout import copy_of_checkout
from tests.compose.compose_file import COMPOSE
from tests.containers.conftest import wait_until_whole
from tests.containers.deployment import Deployment, eventually
from tests.containers.docker import check_docker, docker
from tests.containers.test_faults import nobody_expires
from tests.containers.test_outages import NOTICED_SECONDS
from tests.containers.writing import written_all_the_time

VOLUMES = [name for name, options in COMPOSE["volumes"].items() if not options]
SMALL = {"type": "tmpfs", "device": "tmpfs", "o": "mode=1777,size=300m"}
# Where the volumes are seen by whoever fills them.
DISKS = "/disks"
OF_PROMETHEUS = "PrometheusNotStoring"
OF_THE_DATABASE = {"RegistryDatabaseDown", "RegistryRequestsFail"}


class SmallDisks:
    """The volumes of a deployment, each a small file system that somebody can fill."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        said = {"volumes": {name: {"driver_opts": SMALL} for name in VOLUMES}}
        (deployment.folder / "docker-compose.override.yml").write_text(yaml.safe_dump(said))
        for name in VOLUMES:
            labels = {"project": deployment.project, "volume": name}
            docker(
                *("volume", "create", *(f"--opt={key}={SMALL[key]}" for key in SMALL)),
                *(f"--label=com.docker.compose.{key}={labels[key]}" for key in labels),
                f"{deployment.project}_{name}",
            )

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Held by one container more: else they would be gone with one that ends."""
        mounts = [f"--volume={self._deployment.project}_{name}:{DISKS}/{name}" for name in VOLUMES]
        image = COMPOSE["services"]["postgres"]["image"]
        started = ["run", "--detach", "--rm", "--network=none", "--user=root", "--entrypoint=sleep"]
        self._keeper = docker(*started, *mounts, image, "7200").strip()
        try:
            yield
        finally:
            docker("kill", self._keeper)

    @contextmanager
    def full(self, *names: str) -> Iterator[None]:
        """No byte is left on these."""
        ballast = " ".join(f"{DISKS}/{name}/ballast" for name in names)
        self._sh(f"for each in {ballast}; do dd if=/dev/zero of=$each bs=4k; done; true")
        try:
            yield
        finally:
            self._sh(f"rm {ballast}")

    def _sh(self, command: str) -> None:
        docker("exec", self._keeper, "sh", "-c", command)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[tuple[Deployment, SmallDisks]]:
    """A deployment of its own, on disks of its own."""
    check_docker()
    deployment = Deployment(copy_of_checkout(tmp_path / "pulseguard"))
    disks = SmallDisks(deployment)
    try:
        deployment.make("secrets")
        deployment.compose("build", seconds=900)
        with disks.kept():
            deployment.up()
            wait_until_whole(deployment)
            yield deployment, disks
    finally:
        deployment.remove()


def test_a_disk_that_was_full_is_told_of_and_costs_nothing_that_was_acknowledged(
    disks: tuple[Deployment, SmallDisks],
) -> None:
    deployment, disk = disks
    with nobody_expires(deployment), written_all_the_time(deployment) as crowd:
        with disk.full("postgres"):
            # It writes on into what it has, for as long as that lasts.
            served = len(crowd.calls)
            eventually(lambda: any(call.status == 503 for call in crowd.calls[served:]), 180)
            eventually(lambda: OF_THE_DATABASE & deployment.told(), NOTICED_SECONDS)
        deployment.wait_until_healthy()
        wait_until_whole(deployment)
        eventually(lambda: not OF_THE_DATABASE & deployment.told(), NOTICED_SECONDS)

        # One disk has them all: then Prometheus sees nothing any more, the database neither.
        with disk.full(*VOLUMES):
            eventually(lambda: OF_PROMETHEUS in deployment.told(), NOTICED_SECONDS)
        deployment.wait_until_healthy()
        wait_until_whole(deployment)
        # It was started again, since the next start would throw away what it measures from now on.
        failed = "prometheus_tsdb_wal_writes_failed_total"
        eventually(lambda: [value for _, value in deployment.query(failed)] == [0])
        # Alertmanager, which has not heard of its end, drops it by itself some minutes later.
        eventually(lambda: OF_PROMETHEUS not in deployment.firing())
