"""What a container can do, and whom it reaches."""

import pytest

from tests.compose.compose_file import SERVICES
from tests.compose.test_compose_file import DOCKERFILE
from tests.containers.deployment import DEMO_AGENTS, RUN, Deployment
from tests.containers.docker import Refused, image_size, inspected

MEGABYTE = 1_000_000
BASE = DOCKERFILE.split("ARG PYTHON_IMAGE=")[1].split("\n")[0]
REACHES = (
    "import socket, sys\n"
    "with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3):\n"
    "    pass"
)


def reaches(deployment: Deployment, service: str, host: str, port: int) -> bool:
    """Whether a program in the container of this service gets a connection."""
    try:
        deployment.run_in(service, "python3", "-c", REACHES, host, str(port))
    except Refused:
        return False
    return True


def test_an_agent_reaches_the_registry_and_nothing_else_of_the_stack(
    deployment: Deployment,
) -> None:
    ports = {"postgres": 5432, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}

    assert reaches(deployment, "coder", "registry", 8000)
    for service, port in ports.items():
        assert not reaches(deployment, "coder", service, port)
        if service not in deployment.services:
            continue
        # Nor by any of its addresses, whatever it is called.
        networks = inspected(deployment.container(service))["NetworkSettings"]["Networks"]
        for network in networks.values():
            assert not reaches(deployment, "coder", network["IPAddress"], port)
    assert not reaches(deployment, "coder", "198.51.100.1", 443)


@pytest.mark.parametrize("service", RUN)
def test_a_container_has_no_rights_and_writes_nowhere_but_to_its_volumes(
    deployment: Deployment, service: str
) -> None:
    status = deployment.run_in(service, "cat", "/proc/1/status")
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert found["Uid"].split()[0] != "0"
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    with pytest.raises(Refused):
        deployment.run_in(service, "touch", "/etc/written")
    limits = inspected(deployment.container(service))["HostConfig"]
    assert limits["Memory"] > 0
    assert limits["NanoCpus"] > 0
    assert limits["PidsLimit"] > 0


def test_the_ports_are_this_machines_alone(deployment: Deployment) -> None:
    for service in deployment.services:
        bindings = inspected(deployment.container(service))["HostConfig"]["PortBindings"] or {}
        assert bool(bindings) == bool(SERVICES[service].get("ports"))
        for bound in bindings.values():
            assert {each["HostIp"] for each in bound} == {"127.0.0.1"}


def test_the_images_are_small_and_have_no_compiler(deployment: Deployment) -> None:
    tools = int(deployment.run_in("sync", "du", "-cb", *_TOOLS).splitlines()[-1].split()[0])
    base = image_size(BASE)
    image = "pulseguard-{}:" + deployment.project

    assert image_size(image.format("registry")) - base < 90 * MEGABYTE
    assert image_size(image.format("sync")) - base - tools < 90 * MEGABYTE
    for service in ("registry", "sync", *DEMO_AGENTS):
        for tool in ("gcc", "cc", "ld", "pip"):
            with pytest.raises(Refused):
                deployment.run_in(
                    service, "sh", "-c", f"PATH=/opt/pulseguard/bin command -v {tool}"
                )


_TOOLS = ("/usr/local/bin/promtool", "/usr/local/bin/amtool")


def test_no_secret_is_seen_in_what_docker_tells(deployment: Deployment) -> None:
    secrets = {
        path.read_text(encoding="utf-8").strip()
        for path in (deployment.folder / "secrets").rglob("*.*")
        if path.is_file() and not path.name.startswith(".")
    }

    assert len(secrets) > 6
    for service in deployment.services:
        told = str(inspected(deployment.container(service)))
        assert not any(secret in told for secret in secrets)
