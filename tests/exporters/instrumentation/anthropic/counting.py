"""What an agent has counted."""

from __future__ import annotations

from pulseguard import Agent
from pulseguard.catalog import (
    ERRORS,
    OPERATION_DURATION,
    OUTPUT_TOKENS_PER_SECOND,
    TOKENS,
)
from tests.exporters.observing import samples, scrape, total

CALLS = f"{OPERATION_DURATION.name}_count"
SPEEDS = f"{OUTPUT_TOKENS_PER_SECOND.name}_count"


def tokens(agent: Agent) -> dict[str, float]:
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    text = scrape(agent)
    found = {kind: total(text, TOKENS, gen_ai_token_type=kind) for kind in kinds}
    return {kind: count for kind, count in found.items() if count}


def errors(agent: Agent) -> dict[str, float]:
    found = samples(scrape(agent)).items()
    return {dict(key[1])["error_type"]: n for key, n in found if key[0] == ERRORS.name and n}
