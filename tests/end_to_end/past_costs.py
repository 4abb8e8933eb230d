"""What a team spent since yesterday's midnight and before: no test runs for so long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.blocks import Course, make_blocks

from pulseguard.catalog import TOKEN_KINDS

# Of two whole days, wherever midnight is.
SECONDS = 49 * 3600
EVERY = 60
TEAM = {"environment": "production", "team": "past"}
AGENT = {
    **TEAM,
    **{"job": "agents", "agent_id": "00000000-0000-4000-8000-000000000001"},
    **{"agent": "agent-of-the-past", "instance": "host-0", "agent_type": "LLM_AGENT"},
}
MODEL = {**TEAM, "gen_ai_request_model": "gpt-4o"}


def put_past_costs(data: Path) -> None:
    """Put them into the data of a Prometheus that has not been started yet."""
    data.mkdir()
    now = time.time()
    make_blocks(data, _courses(), now - SECONDS, now)


def _courses() -> Iterator[Course]:
    """The recorded series that the page of costs reads."""
    yield Course("pulseguard:agent_cost_usd:sum", AGENT, EVERY, 1, 0.001)
    yield Course("pulseguard:agent_cost_usd_per_hour:mean15m", AGENT, EVERY, 3.6)
    yield Course("pulseguard:agent_task_cost_usd:mean1h", AGENT, EVERY, 0.01)
    yield Course("pulseguard:team_task_cost_usd_per_hour:mean15m", TEAM, EVERY, 3.6)
    yield Course("pulseguard:team_priced_tasks:rate5m", TEAM, EVERY, 0.1)
    yield Course("pulseguard:team_tokens:rate5m", TEAM, EVERY, 500)
    unpriced = {**MODEL, "reason": "unknown_model"}
    yield Course("pulseguard:model_unpriced_tokens:rate5m", unpriced, EVERY, 5)
    for kind in TOKEN_KINDS:
        of_kind = {**MODEL, "gen_ai_provider_name": "openai", "gen_ai_token_type": kind}
        yield Course("pulseguard:model_tokens:rate5m", of_kind, EVERY, 100)
        yield Course("pulseguard:model_cost_usd_per_hour:mean15m", of_kind, EVERY, 0.7)
