"""The target list as bytes: rendered when the inventory changes, served at no cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple


class Target(NamedTuple):
    """One agent as discovery needs it."""

    address: str
    agent_id: str
    agent: str
    instance: str
    agent_type: str
    environment: str
    team: str
    labels: dict[str, str]


@dataclass(frozen=True)
class TargetList:
    """An http_sd document with its ETag and the number of its targets."""

    body: bytes
    etag: str
    count: int


_BY_AGENT = attrgetter("agent_id")


class Renderer:
    """Renders lists of targets, and each target once for as long as it stays the same."""

    def __init__(self, inventory_labels: Sequence[str]) -> None:
        self._inventory_labels = inventory_labels
        self._rendered: dict[str, tuple[Target, bytes]] = {}

    def render(self, targets: Iterable[Target]) -> TargetList:
        """The document of https://prometheus.io/docs/prometheus/latest/http_sd/: strings only.

        In the order of the ids: Prometheus knows a group by its position.
        """
        ordered = sorted(targets, key=_BY_AGENT)
        self._rendered = {target.agent_id: self._entry(target) for target in ordered}
        body = b"[" + b",".join(text for _, text in self._rendered.values()) + b"]"
        return TargetList(
            body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"', len(ordered)
        )

    def _entry(self, target: Target) -> tuple[Target, bytes]:
        known = self._rendered.get(target.agent_id)
        # A tuple compares its parts even with itself.
        if known is not None and (known[0] is target or known[0] == target):
            return known
        group = _group(target, self._inventory_labels)
        return target, json.dumps(group, separators=(",", ":")).encode()


def render_targets(targets: Iterable[Target], inventory_labels: Sequence[str]) -> TargetList:
    """One list, rendered once."""
    return Renderer(inventory_labels).render(targets)


def _group(target: Target, inventory_labels: Sequence[str]) -> dict[str, object]:
    labels = {
        "agent_id": target.agent_id,
        "agent": target.agent,
        "instance": target.instance,
        "agent_type": target.agent_type,
        "environment": target.environment,
        "team": target.team,
    }
    # Checked at registration; here again, since one bad label would cost everybody's targets.
    for name in inventory_labels:
        if name not in labels and isinstance(value := target.labels.get(name), str):
            labels[name] = value
    return {"targets": [target.address], "labels": labels}
