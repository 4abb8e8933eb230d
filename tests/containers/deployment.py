"""A deployment of docker-compose.yml of its own: a copy of the checkout, with its project."""

import json
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.compose.compose_file import LASTING, SERVICES
from tests.containers.docker import compose, docker, inspected
from tests.started_program import free_port

# Within which a fault has to be over without a hand.
HEALED_SECONDS: Final = 60
# Left out where somebody says so: of Grafana there is no image without the network.
RUN: Final = [name for name in LASTING if name != "grafana" or os.environ.get("GRAFANA") != "0"]
PORTS: Final = ("REGISTRY", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
DEMO_AGENTS: Final = frozenset(
    name for name, each in SERVICES.items() if "demo-agent" in each.get("command", ())
)


class Deployment:
    """The containers of one project, and what is asked of them."""

    def __init__(self, folder: Path, images: str | None = None) -> None:
        """`images`: the version of images that another one has built, and removes."""
        self.folder = folder
        self.project = f"pulseguard-test-{uuid.uuid4().hex[:8]}"
        self.ports = {name: free_port() for name in PORTS}
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": "demo",
            "DOCKER_BUILDKIT": "0",
            "PULSEGUARD_VERSION": images or self.project,
            **{f"PULSEGUARD_{name}_PORT": str(port) for name, port in self.ports.items()},
        }
        self.services = RUN
        self.registry_url = f"http://127.0.0.1:{self.ports['REGISTRY']}"
        self.prometheus_url = f"http://127.0.0.1:{self.ports['PROMETHEUS']}"
        self.alertmanager_url = f"http://127.0.0.1:{self.ports['ALERTMANAGER']}"

    # --- Compose --------------------------------------------------------------------------------
    def compose(self, *arguments: str, seconds: float = 120) -> str:
        """What Compose says about this project."""
        return compose(self.folder, self.environment, *arguments, seconds=seconds)

    def make(self, *arguments: str) -> str:
        """What make says in the copy."""
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def up(self) -> None:
        """Start all of it, as a user does, and wait until all is healthy."""
        self.compose("up", "-d", *self.services, seconds=300)
        self.wait_until_healthy(seconds=180)

    def remove(self) -> None:
        """Every container, network and volume of it, and the images that it built."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
        for name in ("registry", "sync", "demo"):
            docker("image", "rm", "--force", f"pulseguard-{name}:{self.project}")

    # --- containers -----------------------------------------------------------------------------
    def container(self, service: str) -> str:
        """The id of its container."""
        wanted = {"project": self.project, "service": service, "oneoff": "False"}
        filters = [f"--filter=label=com.docker.compose.{name}={wanted[name]}" for name in wanted]
        found = docker("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        assert len(found) == 1, (service, found)
        return found[0]

    def state(self, service: str) -> Mapping[str, Any]:
        """What Docker says about how it is."""
        state = inspected(self.container(service))["State"]
        assert isinstance(state, dict)
        return state

    def is_healthy(self, service: str) -> bool:
        """Whether it runs, and its health check says that it is well."""
        state = self.state(service)
        return bool(state["Running"]) and state.get("Health", {}).get("Status") == "healthy"

    def program(self, service: str) -> int:
        """The process that does its work, as this machine numbers it: not the one that watches."""
        watched = int(self.state(service)["Pid"])
        (program,) = (
            int(child)
            for child in Path(f"/proc/{watched}/task/{watched}/children").read_text().split()
            if _command(int(child)) not in _SHELLS
        )
        return program

    def wait_until_healthy(self, *services: str, seconds: float = HEALED_SECONDS) -> float:
        """How many seconds it took; AssertionError with those that are not."""
        began = time.monotonic()
        left = list(services or self.services)
        while left := [name for name in left if not self.is_healthy(name)]:
            assert time.monotonic() - began < seconds, f"after {seconds} s not healthy: {left}"
            time.sleep(0.5)
        return time.monotonic() - began

    def run_in(self, service: str, *command: str) -> str:
        """What a command says in its container."""
        return docker("exec", self.container(service), *command)

    def address(self, service: str, network: str) -> str:
        """Its address in one of the networks, which this machine reaches."""
        networks = inspected(self.container(service))["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_{network}"]["IPAddress"])

    # --- what it answers ------------------------------------------------------------------------
    def secret(self, path: str) -> str:
        """The text of a file of secrets/."""
        return (self.folder / "secrets" / path).read_text(encoding="utf-8").strip()

    def database_url(self) -> str:
        """Where this machine reaches the database."""
        url = self.secret("registry/database.url")
        return url.replace("@postgres:", f"@{self.address('postgres', 'database')}:")

    def ask(self, path: str, **filters: str) -> Any:
        """What the registry answers an admin."""
        return self.tell("GET", f"{path}?{urlencode(filters)}")

    def tell(self, method: str, path: str, body: object = None) -> Any:
        """What the registry answers an admin who sends this."""
        headers = {
            "Authorization": f"Bearer {self.secret('registry/admin.key')}",
            "Content-Type": "application/json",
        }
        return _json(f"{self.registry_url}/api/v1{path}", headers, method, body)

    def agents(self) -> Mapping[str, Mapping[str, Any]]:
        """The demo fleet by name."""
        found = self.ask("/agents", environment="demo", limit="100")["items"]
        return {agent["name"]: agent for agent in found}

    def query(self, expression: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """What Prometheus has now: labels and value."""
        url = f"{self.prometheus_url}/api/v1/query?{urlencode({'query': expression})}"
        result = _json(url)["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def firing(self) -> set[str]:
        """The names of the alerts that fire, but for those about agents outside of the demo."""
        wanted = 'ALERTS{alertstate="firing",environment=~"demo|"}'
        return {labels["alertname"] for labels, _ in self.query(wanted)}

    def told(self) -> set[str]:
        """The names of the alerts that Alertmanager was told of, and that are not over."""
        told = _json(f"{self.alertmanager_url}/api/v2/alerts?active=true")
        return {str(alert["labels"]["alertname"]) for alert in told}

    def tell_alertmanager(self, path: str, body: object) -> Any:
        """What Alertmanager answers who sends this."""
        headers = {"Content-Type": "application/json"}
        return _json(f"{self.alertmanager_url}/api/v2{path}", headers, "POST", body)

    def silences(self) -> Mapping[str, Mapping[str, Any]]:
        """Those of Alertmanager by their ids, with those that are over."""
        return {each["id"]: each for each in _json(f"{self.alertmanager_url}/api/v2/silences")}


_SHELLS = ("sh", "watched", "sleep", "timeout")


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "sh"


def _json(
    url: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: object = None,
) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def eventually(holds: Callable[[], object], seconds: float = HEALED_SECONDS) -> None:
    """Wait until it holds, whatever goes wrong on the way; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
            trouble = "it did not hold"
        except (OSError, ValueError, AssertionError, KeyError) as error:
            trouble = f"{type(error).__name__}: {error}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {trouble}"
        time.sleep(0.5)
