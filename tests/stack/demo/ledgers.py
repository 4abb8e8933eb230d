"""What the model server's ledger says of one agent, in the words of its /metrics."""

from __future__ import annotations

from dataclasses import dataclass

from pulseguard_stack.model_server.ledger import Entry, entry_from_json, summarize
from tests.stack.conftest import ModelServer
from tests.stack.demo.processes import CALLS, DemoAgent


@dataclass(frozen=True)
class Numbers:
    """Calls, tokens by kind, failed calls by type, and repeated attempts."""

    calls: int
    tokens: dict[str, int]
    errors: dict[str, int]
    retries: int


def numbers_of_ledger(server: ModelServer, agent: str) -> Numbers:
    """What was served to an agent."""
    entries = entries_of(server, agent)
    totals = summarize(entries).values()
    tokens: dict[str, int] = {}
    errors: dict[str, int] = {}
    for total in totals:
        for kind, amount in vars(total.tokens).items():
            tokens[kind] = tokens.get(kind, 0) + amount
        for kind, amount in total.errors.items():
            errors[kind] = errors.get(kind, 0) + amount
    return Numbers(
        sum(total.calls for total in totals),
        {kind: amount for kind, amount in tokens.items() if amount},
        errors,
        sum(entry.attempt > 0 for entry in entries),
    )


def numbers_of_page(agent: DemoAgent) -> Numbers:
    """What the agent says of itself."""
    page = agent.page
    return Numbers(
        page.total(CALLS),
        page.by("gen_ai_token_type", "pulseguard_tokens_total"),
        page.by("error_type", "pulseguard_errors_total", source="chat"),
        page.total("pulseguard_retries_total"),
    )


def entries_of(server: ModelServer, agent: str) -> list[Entry]:
    """Every attempt that an agent made."""
    entries: list[Entry] = []
    while page := server.get(f"/ledger?limit=10000&after={_last(entries)}")["entries"]:
        entries += [entry_from_json(row) for row in page]
    return [entry for entry in entries if entry.agent == agent]


def _last(entries: list[Entry]) -> int:
    return entries[-1].sequence if entries else 0
