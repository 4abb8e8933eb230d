"""What `make urls` says: where the services are, and how to get in."""

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pulseguard_stack.deployment.addresses import BIND, Addresses, read_addresses
from pulseguard_stack.deployment.env_file import read_env_file
from pulseguard_stack.deployment.secret_files import ADMIN_KEY

# Each with what is behind its address, and what for.
_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "grafana": ("", "the dashboards"),
    "registry": ("/docs", "the fleet, alert rules and keys: the API with its documentation"),
    "prometheus": ("", "measurements, targets, what fires"),
    "alertmanager": ("", "what is notified to whom, silences"),
}
_SOME: Final = "Grafana and registry"
_OPEN: Final = "to whoever reaches this host, past a firewall like ufw"
_NO_TLS: Final = (
    "They speak no TLS, so that passwords and keys can be read on the way: put a reverse proxy with"
    " TLS in front."
)


def urls(env_file: Path, environment: Mapping[str, str], secrets: Path) -> str:
    """The whole text, with no secret in it; SettingUnusable where an address does not hold."""
    addresses = read_addresses(environment, read_env_file(env_file))
    host_name = socket.gethostname()
    parts = (
        _pages(addresses, host_name),
        _ways_in(secrets, addresses.url("registry", host_name)),
        _tunnel(addresses, host_name),
        _reach(addresses),
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _pages(addresses: Addresses, host_name: str) -> Iterator[str]:
    shown = {name: addresses.url(name, host_name) + path for name, (path, _) in _PAGES.items()}
    width = max(map(len, shown.values()))
    for name, url in shown.items():
        yield f"{name.capitalize():14}{url:{width + 2}}{_PAGES[name][1]}"


def _ways_in(secrets: Path, registry_url: str) -> Iterator[str]:
    if not _are_there(secrets):
        yield f"There are no passwords and keys in {secrets}/ yet: run `make secrets`."
        return
    yield f"Grafana's user is admin, the password in {secrets}/grafana/admin.password."
    yield f"The registry's admin key is in {secrets}/{ADMIN_KEY}."
    yield f"Each agent gets a copy of {secrets}/registry/agents.key, and two variables:"
    yield f"  PULSEGUARD_REGISTRY_URL={registry_url}"
    yield "  PULSEGUARD_KEY_FILE=<path of the copy>"


def _tunnel(addresses: Addresses, host_name: str) -> Iterator[str]:
    forwards = " ".join(
        f"-L {addresses.ports[name]}:{addresses.from_here(name)}" for name in _PAGES
    )
    yield "All four on your own machine, at the same ports of 127.0.0.1 there (user: yours here):"
    yield f"  ssh -N {forwards} user@{host_name}"


def _reach(addresses: Addresses) -> Iterator[str]:
    if addresses.only_here:
        yield f"Only this host reaches them; {BIND}=0.0.0.0 in .env opens {_SOME} {_OPEN}."
    else:
        yield f"Attention: {BIND}={addresses.bind} opens {_SOME} {_OPEN}."
    yield "Prometheus and Alertmanager, which have no login, stay on this host."
    yield _NO_TLS


def _are_there(secrets: Path) -> bool:
    try:
        return (secrets / ADMIN_KEY).exists()
    except PermissionError:
        # They are another user's, who alone may look.
        return True
