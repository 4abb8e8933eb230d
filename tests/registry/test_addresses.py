"""Which addresses may be scraped once the registry serves more than its own machine."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Sequence

import pytest

from pulseguard_registry.discovery import addresses
from pulseguard_registry.discovery.addresses import (
    Address,
    AddressPolicy,
    AddressRefused,
    check_address,
    resolve_host,
)
from pulseguard_registry.settings import Settings

OPEN = AddressPolicy.from_settings(
    Settings(host="0.0.0.0", allowed_host_suffixes=("corp.example",))
)
NAMES = {
    "bot.corp.example": ["10.1.2.3"],
    "corp.example": ["10.1.2.4"],
    "evilcorp.example": ["10.1.2.5"],
    "inside.corp.example": ["127.0.0.1"],
    "metadata.corp.example": ["10.0.0.1", "169.254.169.254"],
    "bot.other.example": ["10.1.2.6"],
}


def resolve(host: str) -> Sequence[Address]:
    """A resolver that knows a few names."""
    return [ipaddress.ip_address(address) for address in NAMES.get(host, ())]


def test_a_resolver_that_does_not_answer_holds_up_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(addresses, "RESOLVE_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30) and [])
    began = time.monotonic()

    for _ in range(20):
        with pytest.raises(AddressRefused, match=r"bot\.corp\.example.*cannot be resolved"):
            check_address("bot.corp.example:9464", OPEN, resolve_host)

    assert time.monotonic() - began < 10
    waiting = [thread for thread in threading.enumerate() if "_ask_resolver" in thread.name]
    assert 0 < len(waiting) <= 8
    answered.set()
    for thread in waiting:
        thread.join(10)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.7:9464", "172.16.0.1:1", "192.168.1.1:65535", "[fd00::7]:9464"),
        *("bot.corp.example:9464", "corp.example:80", "BOT.corp.example:80".lower()),
    ],
)
def test_private_addresses_and_allowed_names_may_be_scraped(address: str) -> None:
    assert check_address(address, OPEN, resolve) == address


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("8.8.8.8:80", "PULSEGUARD_ALLOWED_NETWORKS"),
        ("[2001:4860:4860::8888]:80", "PULSEGUARD_ALLOWED_NETWORKS"),
        ("169.254.169.254:80", "link-local"),
        ("[fe80::1]:80", "link-local"),
        ("[::ffff:169.254.169.254]:80", "link-local"),
        ("100.100.100.200:80", "metadata"),
        ("[fd00:ec2::254]:80", "metadata"),
        ("0.0.0.0:80", "unspecified"),
        ("224.0.0.1:80", "multicast"),
        ("127.0.0.1:80", "this machine only"),
        ("[::1]:80", "this machine only"),
        ("localhost:80", "resolved"),
        ("[127.0.0.1]:80", "host:port"),
        ("[localhost]:80", "host:port"),
        ('[::1%a b"c]:80', "host:port"),
        ("bot.other.example:80", "PULSEGUARD_ALLOWED_HOST_SUFFIXES"),
        ("evilcorp.example:80", "PULSEGUARD_ALLOWED_HOST_SUFFIXES"),
        ("inside.corp.example:80", "this machine only"),
        ("metadata.corp.example:80", "link-local"),
        ("gone.corp.example:80", "resolved"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(address: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        check_address(address, OPEN, resolve)


def test_a_network_that_an_operator_allows_may_be_scraped_but_never_link_local() -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"),)
    policy = AddressPolicy(loopback_only=False, networks=everything, host_suffixes=())

    assert check_address("8.8.8.8:80", policy, resolve)
    with pytest.raises(AddressRefused):
        check_address("169.254.169.254:80", policy, resolve)


CARRYING = ("::ffff:{}", "64:ff9b::{}", "64:ff9b:1::{}", "::{}")
SIX_TO_FOUR = {"169.254.169.254": "2002:a9fe:a9fe::1", "127.0.0.1": "2002:7f00:1::"}
NEVER = ("169.254.169.254", "100.100.100.200", "127.0.0.1", "224.0.0.1", "0.0.0.0")


@pytest.mark.parametrize(
    "address",
    [
        *(form.format(inside) for form in CARRYING for inside in NEVER),
        *SIX_TO_FOUR.values(),
        "2001:0:a9fe:a9fe::5601:5601",  # Teredo, whose client is 169.254.169.254
    ],
)
def test_what_is_never_scraped_is_not_scraped_inside_an_ipv6_address(address: str) -> None:
    everything = tuple(map(ipaddress.ip_network, ("0.0.0.0/0", "::/0")))
    policy = AddressPolicy(loopback_only=False, networks=everything, host_suffixes=())

    with pytest.raises(AddressRefused, match=r"never scraped|this machine only"):
        check_address(f"[{address}]:80", policy, resolve)


def test_an_address_of_ipv6_that_carries_one_of_ipv4_needs_both_to_be_allowed() -> None:
    def may(address: str, *networks: str) -> bool:
        allowed = tuple(map(ipaddress.ip_network, networks))
        policy = AddressPolicy(loopback_only=False, networks=allowed, host_suffixes=())
        try:
            return bool(check_address(f"[{address}]:80", policy, resolve))
        except AddressRefused:
            return False

    assert may("64:ff9b::10.0.0.7", "64:ff9b::/96", "10.0.0.0/8")
    assert not may("64:ff9b::10.0.0.7", "10.0.0.0/8")
    assert not may("64:ff9b::10.0.0.7", "64:ff9b::/96")
    assert may("::ffff:10.0.0.7", "10.0.0.0/8")
