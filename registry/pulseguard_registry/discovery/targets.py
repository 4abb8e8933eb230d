"""The target list as kept bytes: rebuilt when the inventory changes, served at no cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import AsyncConnection

# A stable order: Prometheus knows a group by its position.
_SELECT = """
SELECT metrics_address, id::text, name, instance, type, environment, team, labels FROM agents
 WHERE stopped_at IS NULL AND retired_at IS NULL AND metrics_address IS NOT NULL
 ORDER BY id
"""


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


def render_targets(targets: Iterable[Target], inventory_labels: Sequence[str]) -> TargetList:
    """The document of https://prometheus.io/docs/prometheus/latest/http_sd/: strings only."""
    groups = [_group(target, inventory_labels) for target in targets]
    body = json.dumps(groups, separators=(",", ":")).encode()
    return TargetList(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', len(groups))


class TargetFollower:
    """Follows the inventory; `current` is None until it was read once."""

    version_name = "targets"

    def __init__(self, inventory_labels: Sequence[str]) -> None:
        self._inventory_labels = inventory_labels
        self.current: TargetList | None = None

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read the inventory and render it again."""
        cursor = await connection.execute(_SELECT)
        rows = await cursor.fetchall()
        self.current = render_targets((Target(*row) for row in rows), self._inventory_labels)


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
