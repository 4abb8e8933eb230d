"""The columns of ai_metrics: what a snapshot becomes in PostgreSQL, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pulseguard_registry.snapshots.schemas import Snapshot, StoredSnapshot, Tokens

TOKEN_KINDS = tuple(Tokens.model_fields)

# Column and its PostgreSQL type, in the order in which values_of gives them.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("taken_at", "timestamptz"),
    ("interval_seconds", "float8"),
    ("model_inference_time_ms", "float8"),
    ("model_inference_time_p95_ms", "float8"),
    ("model_accuracy", "float8"),
    ("confidence_score", "float8"),
    ("tokens_processed", "int8"),
    ("tokens_per_second", "float8"),
    ("context_length", "int8"),
    ("api_calls_made", "int8"),
    ("api_call_latency_ms", "float8"),
    ("api_call_latency_p95_ms", "float8"),
    ("model_calls", "int8"),
    ("tasks_completed", "int8"),
    ("tasks_failed", "int8"),
    ("tasks_pending", "int8"),
    ("model_errors", "jsonb"),
    *((f"tokens_{kind}", "int8") for kind in TOKEN_KINDS),
)
_PLAIN = tuple(name for name, _ in COLUMNS[: -1 - len(TOKEN_KINDS)])


def values_of(snapshot: Snapshot) -> list[Any]:  # Any: one value of each column's type
    """The values of one row, in the order of COLUMNS."""
    values = [getattr(snapshot, name) for name in _PLAIN]
    values.append(json.dumps(snapshot.model_errors))
    values.extend(getattr(snapshot.tokens, kind) for kind in TOKEN_KINDS)
    return values


def snapshot_of(row: Mapping[str, Any]) -> StoredSnapshot:  # Any: a row of mixed columns
    """The snapshot that a row holds."""
    return StoredSnapshot(
        **{name: row[name] for name in _PLAIN},
        received_at=row["received_at"],
        model_errors=row["model_errors"],
        tokens=Tokens(**{kind: row[f"tokens_{kind}"] for kind in TOKEN_KINDS}),
    )
