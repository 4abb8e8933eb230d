"""What an agent has counted, beside what the simulated model server has served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from pulseguard import Agent
from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
    ERRORS,
    OPERATION_DURATION,
    TOKENS,
)
from pulseguard_stack.model_server.ledger import Entry
from pulseguard_stack.model_server.outcomes import ERROR_TYPES
from tests.exporters.observing import Samples, samples, scrape, total


@dataclass
class Counted:
    """Model calls, tokens by kind and failed calls by type; what there is none of is left out."""

    calls: int
    tokens: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


def counted(agent: Agent) -> Counted:
    """By the agent, which has nothing in progress any more."""
    found = samples(scrape(agent))
    assert found[(CALLS_IN_PROGRESS.name, ())] == 0
    return Counted(
        calls=int(sum(by_label(found, f"{OPERATION_DURATION.name}_count", "").values())),
        tokens=by_label(found, TOKENS.name, "gen_ai_token_type"),
        errors=by_label(found, ERRORS.name, "error_type", source="chat"),
    )


def served(entries: Iterable[Entry]) -> Counted:
    """By the server; each attempt is a call, as with a client that does not retry."""
    entries = list(entries)
    tokens: Counter[str] = Counter()
    for entry in entries:
        tokens.update(asdict(entry.tokens))
    errors = Counter(ERROR_TYPES.get(entry.outcome, "") for entry in entries)
    errors.pop("", None)
    return Counted(len(entries), {kind: n for kind, n in tokens.items() if n}, dict(errors))


def without_usage(agent: Agent) -> float:
    """Answers whose tokens nobody told."""
    return total(scrape(agent), CALLS_WITHOUT_USAGE)


def by_label(found: Samples, name: str, label: str, **matching: str) -> dict[str, int]:
    """The sums of a metric by the value of one label; without those that are nothing."""
    sums: Counter[str] = Counter()
    for (sample, pairs), value in found.items():
        labels = dict(pairs)
        if sample == name and matching.items() <= labels.items():
            sums[labels.get(label, "")] += int(value)
    return {value: n for value, n in sums.items() if n}


def tool_uses(agent: Agent) -> dict[tuple[str, str], int]:
    """Uses of tools by name and type of error."""
    name = "gen_ai_execute_tool_duration_seconds_count"
    return {
        (labels["gen_ai_tool_name"], labels["error_type"]): int(value)
        for (sample, pairs), value in samples(scrape(agent)).items()
        if sample == name and (labels := dict(pairs))
    }
