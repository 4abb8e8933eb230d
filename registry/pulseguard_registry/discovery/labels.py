"""Which labels an agent may bring: what Prometheus refuses or obeys must never get on the list."""

from __future__ import annotations

import re

# https://prometheus.io/docs/concepts/data_model/: what every version of Prometheus takes.
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# Set by the registry or by Prometheus itself, or with a meaning of their own in PromQL.
RESERVED = frozenset(
    {"job", "instance", "agent", "agent_id", "agent_type", "environment", "team"}
    | {"le", "quantile", "severity", "alertname"}
)


def check_label_name(name: str) -> str:
    """The name itself; ValueError says why a target may not carry it."""
    if not _NAME.fullmatch(name) or len(name) > 120:
        raise ValueError(f"the label name {name[:120]!r} does not hold; use letters, digits and _")
    if name.startswith("__"):
        raise ValueError(
            f"the label name {name!r} would steer the scrape; names may not begin with __"
        )
    if name in RESERVED:
        raise ValueError(f"the label name {name!r} is reserved; choose another one")
    return name
