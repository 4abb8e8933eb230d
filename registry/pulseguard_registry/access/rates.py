"""How many requests each key, or each address without one, may make: token buckets in memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.problems import Problem
from pulseguard_registry.settings import Settings

REMEMBERED = 10_000
_ROUNDING = 1e-9


class Rates:
    """At most `per_second` requests in the long run from each, and twice as many at once.

    Each process counts for itself. Of each caller one number is kept: the time at which its bucket
    is full again; of at most 10,000 callers, those forgotten first that came last the longest ago.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = 1 / per_second
        # How far ahead of now the bucket may be full again, with the next request in it.
        self._ahead = 2.0 - self._cost
        self._clock = clock
        # Ordered by the last request: in a plain dict the oldest is not found in constant time.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, caller: Hashable) -> float:
        """Count a request of this caller; 0, or the seconds after which one would be let in."""
        now = self._clock()
        full_at = max(self._full_at.pop(caller, now), now)
        wait = full_at - now - self._ahead - _ROUNDING
        self._full_at[caller] = full_at + self._cost if wait <= 0 else full_at
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        return max(wait, 0.0)


class Limits:
    """The limits of one registry; what they refuse is told to `on_refusal`, by reason."""

    def __init__(self, settings: Settings, on_refusal: Callable[[str], None]) -> None:
        self._keys = Rates(settings.rate_limit_per_second)
        # One key serves a whole fleet, but for those that are one agent's own.
        self._agent_keys = Rates(settings.agent_rate_limit_per_second)
        self._own_keys = Rates(settings.own_key_rate_limit_per_second)
        self._strangers = Rates(settings.refused_rate_limit_per_second)
        self._on_refusal = on_refusal

    def count_request(self, principal: Principal) -> None:
        """One request with this key; a 429 problem where they are too many."""
        rates = self._agent_keys if principal.role == "agent" else self._keys
        rates = rates if principal.agent_id is None else self._own_keys
        # The number, for an id works its hash out anew each time.
        if wait := rates.take(principal.key_id.int):
            self._on_refusal("key")
            raise _too_many(wait, "this key makes too many requests; spread them out")

    def count_stranger(self, address: str) -> None:
        """One request without a valid key; a 429 problem where its address sends too many.

        Those with a valid key are let in from the same address all the same: keys are too long to
        be guessed at any rate, and behind a proxy one wrong key would shut out everybody.
        """
        if wait := self._strangers.take(_network(address)):
            self._on_refusal("address")
            raise _too_many(wait, f"{address} sends too many requests without a valid key; mend it")


def _too_many(wait: float, detail: str) -> Problem:
    seconds = max(1, math.ceil(wait))  # not a moment too early
    return Problem(
        429, f"{detail}, then try again in {seconds} s", headers={"Retry-After": str(seconds)}
    )


def _network(address: str) -> str:
    """What one client has for itself: an IPv4 address, but of IPv6 a whole /64."""
    if ":" not in address:
        return address
    found = ipaddress.IPv6Address(address.partition("%")[0])
    if found.ipv4_mapped is not None:  # as a listener for both tells it
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
