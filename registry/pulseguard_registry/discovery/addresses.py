"""Which addresses Prometheus may be sent to: an agent must not aim the scraper at somebody else."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pulseguard_registry.settings import Network, Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[Address]]

_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?"
)

# RFC 6052 and RFC 8215: the last 32 bits are the IPv4 address. RFC 4291: so they are here.
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
# Those outside of the link-local networks: Alibaba Cloud, AWS over IPv6.
METADATA_SERVICES = frozenset(
    {ipaddress.ip_address("100.100.100.200"), ipaddress.ip_address("fd00:ec2::254")}
)


RESOLVE_SECONDS = 2.0
_MOST_ASKING = 8
_asking = threading.BoundedSemaphore(_MOST_ASKING)


class AddressRefused(ValueError):
    """The address is malformed or not allowed; the message says why and what to do."""


@dataclass(frozen=True)
class AddressPolicy:
    """Loopback only, or these networks and, for names, these suffixes; never link-local."""

    loopback_only: bool
    networks: tuple[Network, ...]
    host_suffixes: tuple[str, ...]

    @classmethod
    def from_settings(cls, settings: Settings) -> AddressPolicy:
        """Loopback only for as long as the registry itself is reached by nobody else."""
        return cls(
            settings.listens_on_loopback,
            tuple(settings.allowed_networks),
            tuple(settings.allowed_host_suffixes),
        )


def check_address(address: str, policy: AddressPolicy, resolve: Resolve) -> str:
    """The address itself, `host:port`; AddressRefused where it may not be scraped."""
    host, port = _split(address)
    if not 1 <= port <= 65535:
        raise AddressRefused(f"port {port} does not exist; use 1 to 65535")
    literal = _as_ip(host)
    if literal is not None:
        _check_ip(literal, policy)
    else:
        _check_host_name(host, policy, resolve)
    return address


def resolve_host(host: str) -> Sequence[Address]:
    """Every address of a name by the system's resolver; empty if it tells none in time.

    It knows no deadline, so it is asked in a thread that nobody waits for any longer, of which
    there are only so many: the threads of requests are never its own.
    """
    until = time.monotonic() + RESOLVE_SECONDS
    if not _asking.acquire(timeout=RESOLVE_SECONDS):
        return ()
    found: list[Address] = []
    thread = threading.Thread(target=_ask_resolver, args=(host, found), daemon=True)
    thread.start()
    thread.join(max(until - time.monotonic(), 0))
    return () if thread.is_alive() else found


def _ask_resolver(host: str, found: list[Address]) -> None:
    try:
        for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            found.append(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]))
    except (OSError, UnicodeError):
        found.clear()
    finally:
        _asking.release()


def _split(address: str) -> tuple[str, int]:
    host, separator, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        separator = separator if ":" in host and "%" not in host else ""
    elif ":" in host:
        separator = ""
    if not separator or not host or not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise AddressRefused("is not host:port; write it like 10.0.0.7:9464 or [fd00::7]:9464")
    return host, int(port)


def _as_ip(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_host_name(host: str, policy: AddressPolicy, resolve: Resolve) -> None:
    if not _HOST_NAME.fullmatch(host) or host.replace(".", "").isdigit():
        raise AddressRefused("is neither an IP address nor a host name, with a port")
    if (
        host != "localhost"
        and not policy.loopback_only
        and not _has_suffix(host, policy.host_suffixes)
    ):
        raise AddressRefused(
            f"the host name {host!r} is not allowed; register an IP address, or have an operator"
            " add its suffix to PULSEGUARD_ALLOWED_HOST_SUFFIXES"
        )
    addresses = resolve(host)
    if not addresses:
        raise AddressRefused(f"the host name {host!r} cannot be resolved; register an IP address")
    for found in addresses:
        _check_ip(found, policy)


def _has_suffix(host: str, suffixes: Iterable[str]) -> bool:
    name = host.rstrip(".").lower()
    return any(
        name == suffix.strip(".").lower() or name.endswith("." + suffix.strip(".").lower())
        for suffix in suffixes
    )


def _check_ip(address: Address, policy: AddressPolicy) -> None:
    carried = _carried_by(address)
    if carried is not None:
        _check_ip(carried, policy)
    # The mapped form is the IPv4 address itself; the others are also addresses of their own.
    if getattr(address, "ipv4_mapped", None) is None:
        _check_one(address, policy)


def _carried_by(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address at which a packet for this IPv6 address would arrive, if it holds one."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.teredo is not None:
        return address.teredo[1]
    if address in _COMPATIBLE and not (address.is_loopback or address.is_unspecified):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _check_one(address: Address, policy: AddressPolicy) -> None:
    if address.is_loopback:
        if policy.loopback_only:
            return
        raise AddressRefused(
            f"{address} is this machine only, and the registry serves others too; set"
            " PULSEGUARD_METRICS_HOST to an address that Prometheus can reach"
        )
    if policy.loopback_only:
        raise AddressRefused(
            f"{address} is not on this machine, and the registry listens on loopback only;"
            " register 127.0.0.1:port, or start the registry with --host"
        )
    if address in METADATA_SERVICES:
        raise AddressRefused(f"{address} is a cloud's metadata service; never scraped")
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise AddressRefused(f"{address} is link-local, multicast or unspecified; never scraped")
    if not any(address in network for network in policy.networks):
        raise AddressRefused(
            f"{address} is outside the allowed networks; an operator can add its network to"
            " PULSEGUARD_ALLOWED_NETWORKS"
        )
