"""Calls with tokens of every kind, and files of the operator's own prices."""

import json
from pathlib import Path

from pulseguard import Agent


def call(agent: Agent, provider: str, model: str, times: int = 1) -> None:
    """Per call 700 tokens of input, 200 read from and 100 written to the cache, 400 + 60 out."""
    for _ in range(times):
        with agent.llm_call(provider, model) as llm_call:
            llm_call.usage(
                input_tokens=1000,
                cache_read_tokens=200,
                cache_write_tokens=100,
                output_tokens=460,
                reasoning_tokens=60,
            )


def write_prices(folder: Path, prices: object) -> Path:
    """A prices file with this content; text is written as it is."""
    path = folder / "prices.json"
    path.write_text(prices if isinstance(prices, str) else json.dumps(prices))
    return path
