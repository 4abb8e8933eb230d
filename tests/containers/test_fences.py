"""What a container can do, and whom it reaches."""

import re
from pathlib import Path

import pytest

from tests.compose.compose_file import SERVICES, mounts
from tests.compose.test_compose_file import DOCKERFILE
from tests.containers.deployment import DEMO_AGENTS, RUN, Deployment
from tests.containers.docker import Refused, docker, image_size, inspected
from tests.containers.outside import ADDRESS, PORT, somebody_outside

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
    with somebody_outside():
        # Receivers of alerts are outside too.
        assert reaches(deployment, "sync", ADDRESS, PORT)
        assert not reaches(deployment, "coder", ADDRESS, PORT)


@pytest.mark.parametrize("service", RUN)
def test_a_container_has_no_rights_and_writes_nowhere_but_to_its_volumes(
    deployment: Deployment, service: str
) -> None:
    status = deployment.run_in(service, "cat", "/proc/1/status")
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert found["Uid"].split()[0] != "0"
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    assert writable(deployment, service) == {
        "/tmp",
        *(resolved(deployment, service, at) for _, at, is_read in mounts(service) if not is_read),
    }
    limits = inspected(deployment.container(service))["HostConfig"]
    assert limits["Memory"] > 0
    assert limits["NanoCpus"] > 0
    assert limits["PidsLimit"] > 0


def writable(deployment: Deployment, service: str) -> set[str]:
    """Where there can be written, but for what the kernel shows as files, and devices."""
    lines = deployment.run_in(service, "cat", "/proc/mounts").splitlines()
    found = {at: options.split(",") for _, at, _, options, *_ in map(str.split, lines)}
    assert "/" in found
    kernel = re.compile("/(proc|sys|dev)(/|$)")
    return {at for at in found if "rw" in found[at] and not kernel.match(at)}


def resolved(deployment: Deployment, service: str, path: str) -> str:
    """A path in its container without links."""
    return deployment.run_in(service, "readlink", "-f", path).strip()


def test_the_ports_are_this_machines_alone(deployment: Deployment) -> None:
    for service in deployment.services:
        bindings = inspected(deployment.container(service))["HostConfig"]["PortBindings"] or {}
        assert bool(bindings) == bool(SERVICES[service].get("ports"))
        for bound in bindings.values():
            assert {each["HostIp"] for each in bound} == {"127.0.0.1"}


def test_the_images_are_small_and_have_no_compiler(deployment: Deployment) -> None:
    promtool = int(deployment.run_in("sync", "du", "-b", _TOOLS[0]).split()[0])
    base = image_size(BASE)
    image = "pulseguard-{}:" + deployment.project

    assert image_size(image.format("registry")) - base < 90 * MEGABYTE
    assert image_size(image.format("sync")) - base - promtool < 90 * MEGABYTE
    of_base = set(docker("run", "--rm", BASE, "sh", "-c", PROGRAMS).split())
    for service in ("registry", "sync", *DEMO_AGENTS):
        programs = set(deployment.run_in(service, "sh", "-c", PROGRAMS).split())
        added = {program for program in programs - of_base if program not in _MOUNTED}
        ours = {program for program in added if program.startswith("/opt/pulseguard/bin/")}
        assert "/opt/pulseguard/bin/pulseguard" in ours
        assert added - ours == (set(_TOOLS) if service == "sync" else set())
        assert [each for each in programs if COMPILER.fullmatch(Path(each).name)] == []
        assert [each for each in added if INSTALLER.fullmatch(Path(each).name)] == []


# All that a shell would find, and what lies where programs do.
PROGRAMS = (
    'find -L $(echo "$PATH" | tr : " ") /usr/bin /usr/local/bin'
    " -maxdepth 1 -type f 2>/dev/null || true"
)
COMPILER = re.compile(
    r"(.+-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|ld|as|make|cmake|rustc|cargo|go)(-[\d.]+)?"
)
INSTALLER = re.compile(r"(pip|uv|poetry|conda)[\d.]*")
_TOOLS = ("/usr/local/bin/promtool", "/usr/local/bin/amtool")
_MOUNTED = ("/usr/local/bin/watched", "/usr/local/bin/answers")


def test_no_secret_is_seen_in_what_docker_tells_and_in_what_processes_were_given(
    deployment: Deployment,
) -> None:
    folder = deployment.folder / "secrets"
    secrets = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8").strip()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert {"registry/pepper", "postgres/postgres.password"} <= secrets.keys()

    for service in deployment.services:
        given = {
            "docker inspect": str(inspected(deployment.container(service))),
            "cmdline": of_processes(deployment, service, "cmdline"),
            "environ": of_processes(deployment, service, "environ"),
        }
        assert "watched" in given["cmdline"]
        assert "ALIVE=" in given["environ"]
        seen = {
            (where, name)
            for where, text in given.items()
            for name, secret in secrets.items()
            if secret in text
        }
        assert seen <= {("environ", name) for name in _READ_BY_ITS_ENTRYPOINT.get(service, ())}


# The images' own entrypoints put the file's content into the environment of the one program.
_READ_BY_ITS_ENTRYPOINT = {
    "postgres": ("postgres/postgres.password",),
    "grafana": ("grafana/admin.password", "grafana/secret.key"),
}


def of_processes(deployment: Deployment, service: str, file: str) -> str:
    """A file of /proc of each process in its container, as root sees it."""
    listed = docker("top", deployment.container(service), "-eo", "pid").split()[1:]
    return "\n".join(_read(Path("/proc", pid, file)) for pid in listed)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace").replace("\0", "\n")
    except OSError:
        return ""  # it has ended
