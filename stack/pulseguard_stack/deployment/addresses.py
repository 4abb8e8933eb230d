"""Where the services listen: what docker-compose.yml makes of its variables."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pulseguard_stack.errors import SettingUnusable

BIND: Final = "PULSEGUARD_BIND"
DEFAULT_BIND: Final = "127.0.0.1"
# The variable and the default of each service's port.
PORTS: Final[Mapping[str, tuple[str, str]]] = {
    "grafana": ("PULSEGUARD_GRAFANA_PORT", "3000"),
    "registry": ("PULSEGUARD_REGISTRY_PORT", "8000"),
    "prometheus": ("PULSEGUARD_PROMETHEUS_PORT", "9090"),
    "alertmanager": ("PULSEGUARD_ALERTMANAGER_PORT", "9093"),
}

# Those that BIND opens; the others have no login.
OPENED: Final = frozenset({"grafana", "registry"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Addresses:
    """The address on which those listen that may be opened, and the port of each service."""

    bind: Address
    ports: Mapping[str, int]

    @property
    def only_here(self) -> bool:
        """Whether nobody but this host reaches any of them."""
        return self.bind.is_loopback

    def url(self, service: str, host_name: str) -> str:
        """As a browser reaches it; where it listens on every address, by this host's name."""
        bind = self._bind(service)
        host = host_name if bind.is_unspecified else _in_url(bind)
        return f"http://{host}:{self.ports[service]}"

    def from_here(self, service: str) -> str:
        """host:port as this host itself reaches it."""
        host = self._bind(service)
        if host.is_unspecified:
            host = ipaddress.ip_address("127.0.0.1" if host.version == 4 else "::1")
        return f"{_in_url(host)}:{self.ports[service]}"

    def _bind(self, service: str) -> Address:
        return self.bind if service in OPENED else ipaddress.ip_address(DEFAULT_BIND)


def read_addresses(environment: Mapping[str, str], env_file: Mapping[str, str]) -> Addresses:
    """What the environment says, then the file .env; SettingUnusable has a line for each value
    that does not hold."""
    given = _Given(environment, env_file)
    bind = _bind(given.value(BIND) or DEFAULT_BIND)
    ports = {
        service: _port(given.value(name) or default) for service, (name, default) in PORTS.items()
    }
    faults = [*_port_faults(given, ports)]
    if bind is None:
        faults.append(
            f"{given.named(BIND)} is no IP address; give 127.0.0.1 for this host alone, 0.0.0.0"
            " for all who reach it, or one of its own addresses"
        )
    if bind is None or faults:
        raise SettingUnusable("\n".join(faults))
    return Addresses(bind, {service: port for service, port in ports.items() if port})


@dataclass(frozen=True)
class _Given:
    """What was set, and where: an empty value is as none, as in docker-compose.yml."""

    environment: Mapping[str, str]
    env_file: Mapping[str, str]

    def value(self, name: str) -> str:
        return self.environment.get(name, self.env_file.get(name, ""))

    def named(self, name: str) -> str:
        where = "the environment" if name in self.environment else ".env"
        return f"{name}={self.value(name)} (in {where})"


def _bind(text: str) -> Address | None:
    is_in_brackets = re.fullmatch(r"\[.*:.*\]", text)
    try:
        found = ipaddress.ip_address(text[1:-1] if is_in_brackets else text)
    except ValueError:
        return None
    # Docker knows no zones.
    return None if "%" in text else found


def _port(text: str) -> int | None:
    port = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    return port if 0 < port <= 65535 else None


def _port_faults(given: _Given, ports: Mapping[str, int | None]) -> Iterator[str]:
    users: dict[int, str] = {}
    for service, port in ports.items():
        name, default = PORTS[service]
        if port is None:
            yield (
                f"{given.named(name)} is no port; give a number from 1 to 65535, or leave it out"
                f" for {default}"
            )
        elif port in users:
            yield f"{users[port]} and {name} are both {port}; give each a port of its own in .env"
        else:
            users[port] = name


def _in_url(host: Address) -> str:
    return str(host) if host.version == 4 else f"[{host}]"
