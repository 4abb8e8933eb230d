"""The same numbers from four places: the ledger, /metrics, Prometheus and the snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pulseguard.catalog import ERROR_TYPES, TOKEN_KINDS
from pulseguard_stack.model_server.ledger import Entry, summarize

CALLS = "gen_ai_client_operation_duration_seconds"
# Name, and the label by which it is told apart.
COUNTERS = {
    "calls": (f"{CALLS}_count", None),
    "seconds": (f"{CALLS}_sum", None),
    "tokens": ("pulseguard_tokens_total", "gen_ai_token_type"),
    "errors": ('pulseguard_errors_total{source="chat"}', "error_type"),
}


@dataclass(frozen=True)
class Numbers:
    """What happened: calls, tokens by kind, failed calls by type, and the mean latency."""

    calls: int
    tokens: Mapping[str, int]
    errors: Mapping[str, int]
    mean_ms: float = field(compare=False)

    def without_zeros(self) -> Numbers:
        """The same; a kind that never occurred is not written as 0."""
        return replace(
            self,
            tokens={kind: amount for kind, amount in self.tokens.items() if amount},
            errors={kind: amount for kind, amount in self.errors.items() if amount},
        )


def of_ledger(entries: Iterable[Entry]) -> Numbers:
    """What was really served."""
    models = summarize(entries).values()
    calls = sum(model.calls for model in models)
    seconds = sum((model.mean_seconds or 0) * model.calls for model in models)
    return Numbers(
        calls,
        {kind: sum(getattr(model.tokens, kind) for model in models) for kind in TOKEN_KINDS},
        {kind: sum(model.errors.get(kind, 0) for model in models) for kind in ERROR_TYPES},
        1000 * seconds / max(calls, 1),
    ).without_zeros()


def of_counters(sums: Mapping[str, Mapping[str, float]]) -> Numbers:
    """From sums of the counters: their name in COUNTERS, then the label's value (or "")."""
    calls = exactly(sums["calls"].get("", 0))
    return Numbers(
        calls,
        {kind: exactly(amount) for kind, amount in sums["tokens"].items()},
        {kind: exactly(amount) for kind, amount in sums["errors"].items()},
        1000 * sums["seconds"].get("", 0) / max(calls, 1),
    ).without_zeros()


def of_snapshots(snapshots: Iterable[Mapping[str, Any]]) -> Numbers:
    """The sum of the stored snapshots; the mean of means, each by its number of calls."""
    items = list(snapshots)
    calls = sum(item["model_calls"] for item in items)
    weighted = sum(
        item["model_inference_time_ms"] * item["model_calls"]
        for item in items
        if item["model_calls"]
    )
    tokens: dict[str, int] = {
        kind: sum(item["tokens"][kind] for item in items) for kind in TOKEN_KINDS
    }
    assert sum(item["tokens_processed"] for item in items) == sum(tokens.values())
    errors: dict[str, int] = {
        kind: sum(item["model_errors"].get(kind, 0) for item in items) for kind in ERROR_TYPES
    }
    return Numbers(calls, tokens, errors, weighted / max(calls, 1)).without_zeros()


def exactly(amount: float) -> int:
    """A counter of things is whole."""
    assert amount == int(amount)
    return int(amount)


def matches(labels: Mapping[str, str], matcher: str) -> bool:
    """Whether the labels hold `name="value"`, as in a selector; an empty matcher always holds."""
    name, _, value = matcher.rstrip("}").partition("=")
    return not matcher or labels.get(name) == value.strip('"')
