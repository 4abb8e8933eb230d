"""The fleet as one picture: the registry's inventory and Prometheus' numbers, joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pulseguard_prometheus.settling import settling_seconds
from pulseguard_stack.status.readings import Reading
from pulseguard_stack.status.restarts import Restart

DEMO_ENVIRONMENT = "demo"

# Discovery is asked every 5 s and an agent is scraped every 5 s (`make up`), with room to spare.
FIRST_SCRAPE_SECONDS: Final = 15

Scrape = Literal["up", "down", "missing"]


@dataclass(frozen=True)
class Registered:
    """An agent as the registry knows it."""

    agent_id: str
    name: str
    instance: str
    environment: str
    team: str
    type: str
    version: str
    status: str
    status_reason: str | None
    metrics_address: str | None
    registered_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Alert:
    """A firing alert, from the registry's history."""

    name: str
    severity: str
    agent_id: str | None
    agent: str
    since: datetime
    summary: str


@dataclass(frozen=True)
class Disagreement:
    """What does not fit together about an agent, in the registry's word; `name` where it knows."""

    kind: str
    agent_id: str
    name: str | None
    instance: str | None
    # Those that beat as this one agent.
    processes: Sequence[str] = ()


@dataclass(frozen=True)
class Disagreements:
    """Those that the registry lists, and how many there are: of each kind it lists some."""

    listed: Sequence[Disagreement]
    totals: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many there are of all kinds."""
        return sum(self.totals.values())


@dataclass(frozen=True)
class Source:
    """One of the two that were asked; `fault` says why it did not answer."""

    name: str
    url: str | None
    fault: str | None = None
    # When what is shown was answered; None where nothing is known at all.
    as_of: datetime | None = None


@dataclass(frozen=True)
class Heard:
    """Everything that was answered; None is a source (or a part of it) that is not known."""

    registry: Source
    prometheus: Source
    inventory: Sequence[Registered] | None
    alerts: Sequence[Alert] | None
    readings: Mapping[str, Reading] | None
    # Why there are no alerts, where the registry gave no list of them.
    alerts_fault: str | None = None
    # The worst first; None where no runner of this machine keeps what is looked at running.
    restarts: Sequence[Restart] | None = None
    disagreements: Disagreements | None = None
    # Why there are none, where the registry gave no list of them.
    disagreements_fault: str | None = None
    # When the Prometheus began that answers; None where it does not tell.
    scrapes_since: datetime | None = None
    # By whom people are told of alerts; None where that is not known.
    receivers: Sequence[str] | None = None


@dataclass(frozen=True)
class Member:
    """One agent as the view shows it; `registered` or `reading` may be missing, never both."""

    agent_id: str
    name: str
    instance: str
    environment: str
    team: str
    type: str
    version: str
    registered: Registered | None
    reading: Reading | None
    # None where Prometheus is not known to have it or not.
    scrape: Scrape | None
    # None while the registry is silent and did not know it before.
    is_registered: bool | None
    # Registered so lately that Prometheus need not have scraped it yet.
    is_new: bool
    # Known before Prometheus started, which is so lately that it need not have found it again.
    is_settling: bool
    alerts: Sequence[Alert] = field(default=())

    @property
    def status(self) -> str | None:
        """The registry's word; None where it is unknown."""
        return self.registered.status if self.registered else None

    @property
    def reason(self) -> str | None:
        """Why this status, in the registry's word."""
        return self.registered.status_reason if self.registered else None


@dataclass(frozen=True)
class Fleet:
    """All agents and firing alerts at one moment."""

    taken_at: datetime
    heard: Heard
    members: Sequence[Member]

    @property
    def is_simulated(self) -> bool:
        """Whether any agent that is there is one of the demonstration."""
        return any(
            member.environment == DEMO_ENVIRONMENT and member.status != "OFFLINE"
            for member in self.members
        )


def join(heard: Heard, taken_at: datetime) -> Fleet:
    """Every agent that either source knows, once, by id."""
    inventory = {one.agent_id: one for one in heard.inventory or ()}
    readings = heard.readings or {}
    members = [
        _member(agent_id, inventory.get(agent_id), readings.get(agent_id), heard, taken_at)
        for agent_id in {**inventory, **readings}
    ]
    return Fleet(taken_at, heard, members)


def _member(
    agent_id: str,
    registered: Registered | None,
    reading: Reading | None,
    heard: Heard,
    now: datetime,
) -> Member:
    known = registered or reading
    assert known is not None
    return Member(
        agent_id,
        known.name,
        known.instance,
        known.environment,
        known.team,
        known.type,
        known.version,
        registered,
        _present(reading, registered),
        _scrape(reading, heard),
        _is_registered(registered, heard),
        _is_new(registered, now),
        _is_settling(registered, heard, now),
        [alert for alert in heard.alerts or () if alert.agent_id == agent_id],
    )


def _present(reading: Reading | None, registered: Registered | None) -> Reading | None:
    """Without the numbers of its last minutes where it has gone: nothing of that goes on."""
    if reading is None or registered is None or registered.status != "OFFLINE":
        return reading
    # Silent to the registry alone it works on.
    works_on = reading.is_up and registered.status_reason != "stopped"
    return reading if works_on else reading.without_numbers


def _is_registered(registered: Registered | None, heard: Heard) -> bool | None:
    if registered is not None:
        return True
    # A silent registry may know it by now.
    return None if heard.registry.fault else False


def _is_new(registered: Registered | None, now: datetime) -> bool:
    # The registry's clock may be ahead of ours.
    return (
        registered is not None
        and abs((now - registered.registered_at).total_seconds()) < FIRST_SCRAPE_SECONDS
    )


def _is_settling(registered: Registered | None, heard: Heard, now: datetime) -> bool:
    since = heard.scrapes_since
    was_known = registered is not None and since is not None and registered.registered_at < since
    return was_known and settling_seconds(since, now) > 0


def _scrape(reading: Reading | None, heard: Heard) -> Scrape | None:
    if heard.readings is None:
        return None
    if reading is None:
        return "missing"
    return "up" if reading.is_up else "down"
