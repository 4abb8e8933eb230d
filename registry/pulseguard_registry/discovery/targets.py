"""The target list as bytes: rendered when the inventory changes, served at no cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


class Renderer:
    """Renders lists of targets, and each target once for as long as it stays the same."""

    def __init__(self, inventory_labels: Sequence[str]) -> None:
        self._inventory_labels = inventory_labels
        self._rendered: dict[str, tuple[Target | None, bytes]] = {}

    def render(self, targets: Mapping[str, Target]) -> TargetList:
        """The document of https://prometheus.io/docs/prometheus/latest/http_sd/: strings only.

        `targets` by the id of their agent, in whose order they are told: Prometheus knows a group
        by its position.
        """
        known = self._rendered
        if known.keys() != targets.keys():
            known = {agent: known.get(agent, (None, b"")) for agent in sorted(targets)}
        for agent, target in targets.items():
            before = known[agent][0]
            # A tuple compares its parts even with itself.
            if before is not target and before != target:
                known[agent] = target, self._entry(target)
        self._rendered = known
        body = b"[" + b",".join([entry for _, entry in known.values()]) + b"]"
        return TargetList(
            body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"', len(known)
        )

    def _entry(self, target: Target) -> bytes:
        group = _group(target, self._inventory_labels)
        return json.dumps(group, separators=(",", ":")).encode()


def render_targets(targets: Iterable[Target], inventory_labels: Sequence[str]) -> TargetList:
    """One list, rendered once."""
    return Renderer(inventory_labels).render({target.agent_id: target for target in targets})


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
